"""Pyramids that a real scan shows, however faintly: read off, to be shown as strongly as an earlier phase would."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .fields import Field

_SMOOTH_MM = 1.4
_CORTEX_MM = 3.0
_LEAST_SPREAD = 0.2  # of the median: below, what differs is mostly noise


def own_medulla(
    hu: Field, parenchyma: npt.NDArray[np.bool_], depth_mm: Field, spacing_mm: npt.NDArray[np.float64]
) -> Field | None:
    """Share of medulla (0 to 1) in each voxel of a kidney by its own HU; None where cortex and medulla hardly differ.

    Args:
        hu: ``[k, j, i]`` about one kidney.
        parenchyma: without sinus and masses.
        depth_mm: distance to the kidney's outer surface.
        spacing_mm: (k, j, i).
    """
    sigma = _SMOOTH_MM / spacing_mm
    weight = ndimage.gaussian_filter(parenchyma.astype(np.float32), sigma)
    level = ndimage.gaussian_filter(np.where(parenchyma, hu, 0).astype(np.float32), sigma) / np.maximum(weight, 1e-2)
    inner = parenchyma & (depth_mm > _CORTEX_MM)
    if inner.sum() < 500:
        return None
    low, middle, high = (float(value) for value in np.percentile(level[inner], (15, 50, 85)))
    if middle < 60 or high - low < _LEAST_SPREAD * middle:
        return None
    cut, soft = 0.5 * (low + middle) + 0.15 * (high - low), 0.12 * (high - low)
    dark = 1 / (1 + np.exp((level - cut) / soft))
    deep = 1 / (1 + np.exp((_CORTEX_MM - depth_mm) / 0.5))
    return np.asarray(np.where(parenchyma, dark * deep, 0), dtype=np.float32)
