"""Parts of a volume that know where they lie, and the values of a label map."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from RenalAILib.boxes import Box, Triple
from RenalAILib.volume import Volume


def part_of(volume: Volume, box: Box) -> Volume:
    """The voxels in ``box`` (a view) at their place in the patient.

    Example:
        >>> part_of(Volume(np.zeros((4, 4, 4)), np.eye(4)), Box((1, 0, 0), (3, 4, 4))).ijk_to_ras[:3, 3].tolist()
        [0.0, 0.0, 1.0]
    """
    move = np.eye(4)
    move[:3, 3] = box.start[::-1]
    return Volume(volume.voxels[box.slices], volume.ijk_to_ras @ move, volume.name)


def thinned(volume: Volume, step_mm: float) -> tuple[Volume, Triple]:
    """Every n-th voxel along each axis, about ``step_mm`` apart (a view), and the three n."""
    k, j, i = (max(1, round(step_mm / float(mm))) for mm in volume.spacing_mm)
    scale = np.diag([float(i), float(j), float(k), 1.0])
    return Volume(volume.voxels[::k, ::j, ::i], volume.ijk_to_ras @ scale, volume.name), (k, j, i)


def value_counts(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """How many voxels have each of the values 0 to 255; plane by plane, as counting takes eight bytes for a voxel.

    Example:
        >>> value_counts(np.array([[[0, 3, 3]]], np.uint8))[:4].tolist()
        [1, 0, 0, 2]
    """
    counts = np.zeros(256, dtype=np.int64)
    for plane in labels:
        counts += np.bincount(plane.reshape(-1), minlength=256)
    return counts
