"""TotalSegmentator: its training cases, and what its command writes beside a CT.

``s0001/ct.nii.gz`` with ``segmentations/kidney_left.nii.gz``, ``kidney_right``, ``kidney_cyst_left``,
``kidney_cyst_right``: one binary mask each. A cyst overrides the kidney.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.reading import read_labels, read_volume

from ..case import Facts
from .incoming import Incoming, Listed, Options

_MASKS = {
    "kidney_right": Label.KIDNEY_RIGHT,
    "kidney_left": Label.KIDNEY_LEFT,
    "kidney_cyst_right": Label.CYSTIC,
    "kidney_cyst_left": Label.CYSTIC,
}
"""By file, in the order they are painted."""


class TotalSegmentator:
    """A folder of cases, or one case."""

    title = "TotalSegmentator (ct.nii.gz and segmentations/kidney_left.nii.gz, ...)"

    def recognizes(self, source: Path) -> bool:
        return bool(_cases(source))

    def listed(self, source: Path, options: Options) -> list[Listed]:
        found = _cases(source)
        if not found:
            raise InputError(f"{source} holds no case of TotalSegmentator (ct.nii.gz with a folder segmentations)")

        def case(folder: Path) -> Listed:
            return Listed(f"totalsegmentator/{folder.name}", "", folder.name, lambda: _load(folder, options))

        return [case(folder) for folder in found]


def _cases(source: Path) -> list[Path]:
    if not source.is_dir():
        return []
    return [
        folder
        for folder in (source, *sorted(source.iterdir()))
        if (folder / "ct.nii.gz").is_file() and (folder / "segmentations").is_dir()
    ]


def _load(folder: Path, options: Options) -> Incoming:
    ct = read_volume(folder / "ct.nii.gz")
    labels = np.zeros(ct.shape, dtype=np.uint8)
    there = 0
    for name, label in _MASKS.items():
        path = folder / "segmentations" / f"{name}.nii.gz"
        if not path.is_file():
            continue
        mask = read_labels(path)
        if not mask.same_grid(ct):
            raise InputError(f"{name}.nii.gz of {folder.name} does not lie on the grid of its ct.nii.gz")
        labels[mask.voxels > 0] = label
        there += 1
    if there == 0:
        raise InputError(f"{folder.name} has no mask of a kidney in segmentations")
    facts = Facts(source="TotalSegmentator", licence="CC-BY-4.0")
    return Incoming(ct, ct.with_voxels(labels), options.facts(facts))
