"""Offsets: where the voxels of a box lie about a point, in mm."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from RenalAILib.boxes import Box

from .fields import Field


def offsets_mm(box: Box, about_mm: npt.ArrayLike, spacing_mm: npt.NDArray[np.float64]) -> Field:
    """Offsets ``(3, k, j, i)`` of a box's voxels from a point given in mm from the scene's first voxel.

    Example:
        >>> offsets_mm(Box((0, 0, 0), (1, 1, 3)), (0.0, 0.0, 2.0), np.array([3.0, 2.0, 2.0]))[2].ravel().tolist()
        [-2.0, 0.0, 2.0]
    """
    axes = [
        (np.arange(start, stop) * step - at).astype(np.float32)
        for start, stop, step, at in zip(box.start, box.stop, spacing_mm, np.asarray(about_mm), strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"))
