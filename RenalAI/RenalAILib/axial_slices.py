"""Axial slices as networks in 2-D see them: whole, upright, in their proportions, on a square grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .boxes import Box
from .resampling import resample
from .volume import Volume

Pair = tuple[int, int]


def slice_on_grid(view: Volume, k: int, shape: Pair, outside: float) -> npt.NDArray[np.float32]:
    """Slice ``k`` of a CT on a grid of ``shape`` rows and columns, not cropped and not distorted.

    The longer side (in mm) fills the grid; where the other is shorter, both its ends get ``outside``. The usual square
    CT fills all of it.

    Args:
        view: in canonical order (head, back, left).
        outside: HU beyond the CT.

    Returns:
        HU ``[j, i]``: rows to the back, columns to the patient's left.

    Example:
        >>> wide = Volume(np.ones((1, 4, 8)), np.eye(4))
        >>> slice_on_grid(wide, 0, (4, 4), -1.0).tolist()
        [[-1.0, -1.0, -1.0, -1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [-1.0, -1.0, -1.0, -1.0]]
    """
    inner = fitted(view, shape)
    box = Box((k, 0, 0), (k + 1, view.shape[1], view.shape[2]))
    result = np.full(shape, outside, dtype=np.float32)
    rows, columns = ((whole - part) // 2 for whole, part in zip(shape, inner, strict=True))
    result[rows : rows + inner[0], columns : columns + inner[1]] = resample(view.voxels, box, (1, *inner))[0]
    return result


def fitted(view: Volume, shape: Pair) -> Pair:
    """Rows and columns that a slice of ``view`` takes of a grid of ``shape`` where its proportions are kept."""
    extent = view.spacing_mm[1:] * view.shape[1:]
    scale = min(shape[0] / extent[0], shape[1] / extent[1])
    rows, columns = (int(np.clip(np.round(size * scale), 1, most)) for size, most in zip(extent, shape, strict=True))
    return rows, columns
