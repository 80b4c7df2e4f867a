"""deidentify: DICOM files without the names in them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .console import console, progress

if TYPE_CHECKING:
    from ..dicom.deidentification import Audit


class Deidentify:
    """``renalai deidentify INPUT -o OUT``."""

    help = "copy DICOM files without names, by the basic profile of DICOM PS3.15"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("input", metavar="INPUT", help="a folder of DICOM files, of any number of patients; or one")
        parser.add_argument("-o", "--output", metavar="OUT", required=True, help="a new folder for the copies")
        parser.add_argument(
            "--dates",
            choices=("shift", "remove"),
            default="shift",
            help="move all dates of a patient by the same secret number of days (default), or remove them",
        )
        parser.add_argument(
            "--keep-descriptions",
            action="store_true",
            help="keep known words of series and study descriptions (abdomen, portal, venous, ...)",
        )
        parser.add_argument("--keep-patient", action="store_true", help="keep sex, age (up to 90), size and weight")

    def run(self, arguments: argparse.Namespace) -> int:
        from ..dicom.deidentification import Dates, Options, deidentify

        options = Options(Dates(arguments.dates), arguments.keep_descriptions, arguments.keep_patient)
        with progress("De-identifying") as report:
            audit = deidentify(Path(arguments.input), Path(arguments.output), options=options, report=report)
        _show(audit, Path(arguments.output))
        return 0


def _show(audit: Audit, output: Path) -> None:
    out = console()
    patients = len(audit.patients)
    seconds = sum(patient.seconds for patient in audit.patients)
    out.print(f"{audit.written} files of {patients} patient{'s' * (patients != 1)} written, {seconds:.1f} s")
    for reason, count in sorted(audit.left_out.items()):
        out.print(f"Left out: {count} ({reason})")
    for what, count in sorted(audit.warnings.items()):
        out.print(f"Look at: {count} ({what})")
    out.print(f"Audit: {output / 'deidentification.json'}")


command = Deidentify()
