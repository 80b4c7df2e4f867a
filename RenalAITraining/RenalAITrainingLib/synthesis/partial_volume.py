"""Partial volume: how much of each voxel lies within an outline."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from .fields import Field


def share_within(signed_mm: Field, spacing_mm: npt.NDArray[np.float64], blur_mm: float) -> Field:
    """The share (0 to 1) of each voxel within an outline, seen through the scanner's blur and a slice's thickness.

    Args:
        signed_mm: distance to the outline ``[k, j, i]``, negative inside.
        spacing_mm: (k, j, i).
        blur_mm: standard deviation of the scanner's blur.

    The signed distance's own slope along an axis says how far it runs within one voxel (a box of that width has a
    standard deviation of width / sqrt 12).

    Example:
        >>> import numpy as np
        >>> line = np.array([-5.0, 0.0, 5.0], dtype=np.float32).reshape(1, 1, 3)
        >>> share_within(line, np.array([1.0, 1.0, 5.0]), 0.5).round(2).ravel().tolist()
        [1.0, 0.5, 0.0]
    """
    variance = np.full(signed_mm.shape, blur_mm**2, dtype=np.float32)
    for axis, step in enumerate(spacing_mm):
        slope = (
            np.clip(np.abs(np.gradient(signed_mm, float(step), axis=axis)), 0, 1) if signed_mm.shape[axis] > 1 else 0
        )
        variance += np.asarray((slope * step) ** 2 / 12, dtype=np.float32)
    return np.asarray(ndtr(-signed_mm / np.sqrt(variance)), dtype=np.float32)
