"""How often a positive is ranked above a negative: the mean is the area under the ROC curve.

Equal scores count half (Hanley and McNeil, Radiology 1982), so ties neither help nor harm.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def pair_wins(positives: Floats, negatives: Floats) -> Floats:
    """(positives, negatives): 1 where the positive's score is higher, 0.5 where they are equal.

    Example:
        >>> float(pair_wins(np.array([0.9, 0.5]), np.array([0.5, 0.1])).mean())
        0.875
    """
    above = positives[:, None] > negatives[None, :]
    return np.asarray(above + 0.5 * (positives[:, None] == negatives[None, :]), dtype=np.float64)
