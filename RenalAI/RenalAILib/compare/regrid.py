"""Regrid: a label map on another grid, by the nearest voxel in the patient."""

from __future__ import annotations

import numpy as np

from ..volume import Volume


def on_grid_of(labels: Volume, grid: Volume) -> Volume:
    """``labels`` (uint8) as seen from the voxels of ``grid``; 0 outside.

    Example:
        >>> fine = Volume(np.ones((2, 2, 4), np.uint8), np.diag([1.0, 1.0, 1.0, 1.0]))
        >>> coarse = Volume(np.zeros((2, 2, 3), np.uint8), np.diag([2.0, 1.0, 1.0, 1.0]))
        >>> on_grid_of(fine, coarse).voxels[0, 0].tolist()
        [1, 1, 0]
    """
    result = np.zeros(grid.shape, dtype=labels.voxels.dtype)
    to_labels = np.linalg.inv(labels.ijk_to_ras) @ grid.ijk_to_ras  # (i, j, k) of the grid to (i, j, k) of the labels
    j, i = np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[2]), indexing="ij")
    limits = labels.shape[::-1]
    for k in range(grid.shape[0]):  # slice by slice: the coordinates of a whole CT take gigabytes
        at = [np.rint(row[0] * i + row[1] * j + (row[2] * k + row[3])).astype(np.int32) for row in to_labels[:3]]
        inside = np.logical_and.reduce(
            [(index >= 0) & (index < limit) for index, limit in zip(at, limits, strict=True)]
        )
        result[k][inside] = labels.voxels[at[2][inside], at[1][inside], at[0][inside]]
    return Volume(result, grid.ijk_to_ras, labels.name)
