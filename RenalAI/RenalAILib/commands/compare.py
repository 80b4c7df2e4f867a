"""compare: how well two label maps agree."""

from __future__ import annotations

import argparse

from .console import console


class Compare:
    """``renalai compare PREDICTION REFERENCE``."""

    help = "compare a segmentation with a manual one: Dice, surfaces, masses found and missed"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("prediction", metavar="PREDICTION", help="a label map, or the folder that `segment` wrote")
        parser.add_argument("reference", metavar="REFERENCE", help="the manual label map, on any grid")
        parser.add_argument("-o", "--output", metavar="OUT", default=".", help="folder for agreement.json (default: .)")
        parser.add_argument(
            "--scheme", choices=("renalai", "kits"), default="renalai", help="what the values of REFERENCE mean"
        )

    def run(self, arguments: argparse.Namespace) -> int:
        from ..compare import Scheme, compare_files, show_agreement

        agreement, path = compare_files(
            arguments.prediction, arguments.reference, arguments.output, scheme=Scheme(arguments.scheme)
        )
        show_agreement(agreement, console())
        console().print(f"\nWritten: {path}")
        return 0


command = Compare()
