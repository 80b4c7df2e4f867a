"""Temperature scaling (Guo et al. 2017): one number that makes a classifier's confidence mean what it says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar


def fit_temperature(logits: npt.NDArray[np.float32], right: npt.NDArray[np.int64]) -> float:
    """The temperature that makes the right classes most likely, within 1 ... 8: never surer than it was trained.

    Args:
        logits: ``(N, classes)`` of cases that did not train.
        right: class numbers ``(N,)``. Every class present counts alike.

    Example:
        >>> sure_and_half_wrong = np.array([[9.0, 0.0], [9.0, 0.0]], np.float32)
        >>> fit_temperature(sure_and_half_wrong, np.array([0, 1])) > 7
        True
    """
    counts = np.bincount(right, minlength=logits.shape[1])
    weights = 1.0 / counts[right]
    weights /= weights.sum()

    def surprise(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        likelihood = scaled[np.arange(len(right)), right] - np.log(np.exp(scaled).sum(axis=1))
        return float(-(weights * likelihood).sum())

    found = minimize_scalar(surprise, bounds=(0.0, np.log(8.0)), method="bounded")
    return round(float(np.exp(found.x)), 4)
