"""segment: one CT in, its findings and report out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .console import console, progress
from .series import show_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..detections import Detection
    from ..findings import Findings
    from ..verdicts import Verdict

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".zip")


class Segment:
    """``renalai segment INPUT``."""

    help = "find kidneys and renal masses in a CT and write a report"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "input",
            metavar="INPUT",
            help="NIfTI, NRRD or MetaImage file; or a folder of DICOM files, a zip file of them, a DICOMDIR",
        )
        parser.add_argument("-o", "--output", metavar="OUT", help="folder for the result (default: NAME-renalai)")
        add_weights(parser)
        add_device(parser)
        parser.add_argument(
            "--series", metavar="S", help="UID or number of the DICOM series; 'list' shows what there is and stops"
        )
        parser.add_argument(
            "--images",
            action="store_true",
            help="with --series list: tell the contrast phase by the kidneys in the images too (a second a series)",
        )
        parser.add_argument(
            "--second-phase", metavar="PATH", help="the same patient's CT in another contrast phase, for enhancement"
        )
        add_phases(parser)
        parser.add_argument(
            "--dicom",
            action="store_true",
            help="also write segmentation, measurements (SR) and Grad-CAM for the PACS (the CT must be DICOM)",
        )

    def run(self, arguments: argparse.Namespace) -> int:
        if arguments.series == "list":
            return show_series(Path(arguments.input), arguments)
        if arguments.images:
            raise InputError("--images belongs to --series list")
        from ..study.segmenting import segment_study

        source = Path(arguments.input).expanduser()
        output = Path(arguments.output) if arguments.output else default_output(source)
        with progress("Segmenting") as report:
            outcome, paths = segment_study(
                source,
                output,
                bundle=arguments.bundle,
                device=arguments.device,
                fast=arguments.fast,
                series=arguments.series,
                second_phase=Path(arguments.second_phase) if arguments.second_phase else None,
                phases=arguments.phases,
                dicom=arguments.dicom,
                report=report,
            )
        show_findings(outcome.findings)
        console().print(f"\nReport: {paths['report.html']}")
        return 0


def add_device(parser: argparse.ArgumentParser) -> None:
    """The option that every command with networks has."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the networks run")


def add_phases(parser: argparse.ArgumentParser) -> None:
    """The option of those that segment whole studies."""
    parser.add_argument(
        "--phases",
        action="store_true",
        help="also measure kidneys and masses in the other contrast phases of the DICOM study, registered",
    )


def add_weights(parser: argparse.ArgumentParser) -> None:
    """The options that choose which networks run."""
    parser.add_argument(
        "--bundle",
        metavar="B",
        help="name or folder of the bundle (default: zhao2023-demo, the accurate one of the two shipped)",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="of networks that look for the same only the first, and that once; to save time every day, better"
        " --bundle zhao2023-demo-fast",
    )


def default_output(source: Path) -> Path:
    """``scan.nii.gz`` to ``scan-renalai`` in the current folder: the input's own folder may be an archive."""
    name = source.resolve().name
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    return Path(f"{name}-renalai")


def show_findings(findings: Findings) -> None:
    """The findings as a table, then the warnings."""
    from rich.table import Table

    from ..report import wording

    out = console()
    table = Table("segment", "class")
    for heading in ("probability", "volume ml", "diameter mm", "mean HU"):
        table.add_column(heading, justify="right")
    table.add_column("evidence speaks for")
    for kidney in findings.kidneys:
        table.add_row(kidney.segment_id, "", "", f"{kidney.volume_ml:.1f}", "", f"{kidney.mean_hu:.0f}", "")
    for mass in findings.masses:
        best = max(mass.probabilities.values(), default=0.0)
        small = " (small)" if mass.small else ""
        table.add_row(
            mass.segment_id,
            mass.mass_class.value + small,
            f"{best:.2f}" if mass.probabilities else "",
            f"{mass.volume_ml:.2f}",
            f"{mass.diameter_mm.average:.1f}",
            f"{mass.mean_hu:.0f}",
            mass.evidence.suggests.value,
        )
    if findings.kidneys or (findings.verdict is None and findings.detections is None):
        out.print(table)
    if findings.detections is not None:
        show_detections(findings.detections)
    if findings.verdict is not None:
        show_verdict(findings.verdict)
    for warning in findings.warnings:
        out.print(f"Note: {warning}")
    if findings.bundle.demonstration:
        out.print(wording.DEMONSTRATION)


def show_verdict(verdict: Verdict) -> None:
    """The class of the patient, the shares of its slices, and a letter for each vote from feet to head."""
    from ..report import wording

    out = console()
    out.print(wording.verdict_sentence(verdict).replace(wording.NBSP, " "))
    out.print(f"{verdict.label}: {wording.verdict_rule(verdict)}".replace(wording.NBSP, " "))
    names = list(verdict.shares)
    letters = [str(n + 1) for n in range(len(names))] if len({name[0] for name in names}) < len(names) else names
    signs = {name: sign[0].upper() for name, sign in zip(names, letters, strict=True)}
    out.print(f"votes from feet to head: {''.join(signs[vote.vote] for vote in verdict.slices)}")
    out.print("(" + ", ".join(f"{sign} {name}" for name, sign in signs.items()) + ")")


def show_detections(detections: Sequence[Detection]) -> None:
    """Boxes by falling score, with their place in the patient."""
    from rich.table import Table

    from ..report import wording

    out = console()
    if not detections:
        out.print("No candidate was found.")
        return
    table = Table("candidate", "class", "side")
    for heading in ("score", "size mm", "slices"):
        table.add_column(heading, justify="right")
    table.add_column("middle")
    for one in detections:
        table.add_row(
            one.detection_id,
            one.label,
            one.side.value if one.side else "",
            f"{one.score:.2f}",
            wording.box_size(one).replace(wording.NBSP, " "),
            str(len(one.slices)),
            wording.place_of(one.centre_ras).replace(wording.NBSP, " "),
        )
    out.print(table)


command = Segment()
