"""compare: how well two label maps agree."""

from __future__ import annotations

import argparse
from pathlib import Path

from .console import console

_LABELS = "labels.nii.gz"


class Compare:
    """``renalai compare PREDICTION REFERENCE``."""

    help = "compare a segmentation with a manual one: Dice, surfaces, masses found and missed"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("prediction", metavar="PREDICTION", help="a label map, or the folder that `segment` wrote")
        parser.add_argument("reference", metavar="REFERENCE", help="the manual label map, on any grid")
        parser.add_argument("-o", "--output", metavar="OUT", default=".", help="folder for agreement.json (default: .)")

    def run(self, arguments: argparse.Namespace) -> int:
        from ..compare import compare_labels, show_agreement, write_agreement
        from ..reading import read_labels

        prediction, reference = (read_labels(_label_map(Path(p))) for p in (arguments.prediction, arguments.reference))
        agreement = compare_labels(prediction, reference)
        path = write_agreement(agreement, Path(arguments.output))
        show_agreement(agreement, console())
        console().print(f"\nWritten: {path}")
        return 0


def _label_map(path: Path) -> Path:
    """The label map in a result's folder, where a folder is given."""
    return path / _LABELS if (path / _LABELS).is_file() else path


command = Compare()
