"""Fusion: one mask of several readers' masks of a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from RenalAILib.boxes import Box
from RenalAILib.errors import InputError
from RenalAILib.volume import Volume

from .case import FUSED, Case
from .folder import Dataset

Method = Literal["staple", "majority"]

_UNDECIDED = 255
_AROUND_VOXELS = (5, 5, 5)


def fused(readings: Sequence[Volume], method: Method) -> Volume:
    """One label map of several on one grid; where the method cannot decide, the first one's value.

    STAPLE (Warfield et al., IEEE TMI 2004; for several labels Rohlfing et al. 2003) weighs each reader by how well he
    agrees with the estimated truth; majority counts heads. Both see the box of all masks and little more: background
    that nobody questions would otherwise make every reader look perfect.

    Args:
        readings: uint8 label maps, two at least.
        method: which of the two.

    Raises:
        InputError: fewer than two, or their grids differ.
    """
    import SimpleITK as sitk

    if len(readings) < 2:
        raise InputError("fusing needs the masks of two readers at least")
    first = readings[0]
    for other in readings[1:]:
        if not other.same_grid(first):
            raise InputError(f"{other.name} does not lie on the grid of {first.name}")
    union = np.logical_or.reduce([reading.voxels > 0 for reading in readings])
    box = Box.around(union)
    if box is None:
        return first
    box = box.padded(_AROUND_VOXELS, first.shape)
    parts = [np.ascontiguousarray(reading.voxels[box.slices], dtype=np.uint8) for reading in readings]
    images = [sitk.GetImageFromArray(part) for part in parts]
    fuse = sitk.MultiLabelSTAPLE if method == "staple" else sitk.LabelVoting
    decided = sitk.GetArrayFromImage(fuse(images, _UNDECIDED)).astype(np.uint8)
    result = np.zeros(first.shape, dtype=np.uint8)
    result[box.slices] = np.where(decided == _UNDECIDED, parts[0], decided)
    return first.with_voxels(result)


def fuse_case(dataset: Dataset, case: Case, method: Method) -> Case:
    """Fuse the masks of all readers of a case; the fusion becomes its reference. Raises InputError as `fused`."""
    readers = [reader for reader in case.readers if reader != FUSED]
    if len(readers) < 2:
        raise InputError(f"{case.name} has the mask of one reader only")
    return dataset.set_fusion(case.name, fused([dataset.labels(case, reader) for reader in readers], method))
