"""Dice: the overlap of two masks."""

from __future__ import annotations

import numpy as np

from ..anatomy.domains import Mask


def dice(prediction: Mask, reference: Mask) -> float | None:
    """Twice the shared voxels over all voxels of both masks; None where both are empty.

    Example:
        >>> dice(np.array([True, True, False]), np.array([True, False, False]))
        0.6666666666666666
    """
    total = int(np.count_nonzero(prediction)) + int(np.count_nonzero(reference))
    return None if total == 0 else 2 * int(np.count_nonzero(prediction & reference)) / total
