"""Fluid levels: what is heavier lies at the patient's back, with a flat surface, as long as he lies still."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .fields import Field, Rng

_PRONE_SHARE = 0.05
_EDGE_MM = 0.5


def layered(
    rng: Rng, inside: npt.NDArray[np.bool_], spacing_mm: npt.NDArray[np.float64], light_hu: float, heavy_hu: float
) -> Field:
    """HU ``[k, j, i]`` of a hollow whose content has settled: a horizontal plane parts ``light_hu`` from ``heavy_hu``.

    The heavy part fills 15 to 65 % of the hollow's height. In one of twenty the patient lies face down.
    """
    rows = np.flatnonzero(inside.any(axis=(0, 2)))
    j = (np.arange(inside.shape[1]) * spacing_mm[1]).astype(np.float32)
    if rows.size == 0:
        return np.full(inside.shape, light_hu, dtype=np.float32)
    front, back = float(j[rows[0]]), float(j[rows[-1]])
    heavy = float(rng.uniform(0.15, 0.65))
    face_down = rng.random() < _PRONE_SHARE
    surface = front + heavy * (back - front) if face_down else back - heavy * (back - front)
    below = 1 / (1 + np.exp(np.clip((surface - j) / _EDGE_MM, -30, 30)))
    below = 1 - below if face_down else below
    line = (light_hu + below * (heavy_hu - light_hu)).astype(np.float32)
    return np.broadcast_to(line[None, :, None], inside.shape).astype(np.float32)
