"""Temperature scaling (Guo et al. 2017): one number that makes a classifier's confidence mean what it says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar


def fit_temperature(logits: npt.NDArray[np.float32], right: npt.NDArray[np.int64]) -> float:
    """The temperature that makes the right classes most likely, within 1 ... 8: never surer than it was trained.

    Args:
        logits: ``(N, classes)`` of cases that did not train; or ``(models, N, classes)`` of an ensemble, of which each
            member's logits are divided by the temperature and then the probabilities averaged, as at work.
        right: class numbers ``(N,)``. Every class present counts alike.

    Example:
        >>> sure_and_half_wrong = np.array([[9.0, 0.0], [9.0, 0.0]], np.float32)
        >>> fit_temperature(sure_and_half_wrong, np.array([0, 1])) > 7
        True
        >>> beside_one_that_is_right = np.array([[[9.0, 0.0], [9.0, 0.0]], [[9.0, 0.0], [0.0, 9.0]]], np.float32)
        >>> fit_temperature(beside_one_that_is_right, np.array([0, 1])) < 3  # where they differ their mean is unsure
        True
    """
    members = logits if logits.ndim == 3 else logits[None]
    counts = np.bincount(right, minlength=logits.shape[-1])
    weights = 1.0 / counts[right]
    weights /= weights.sum()

    def surprise(log_temperature: float) -> float:
        scaled = members / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=2, keepdims=True)
        of_right = scaled[:, np.arange(len(right)), right] - np.log(np.exp(scaled).sum(axis=2))
        likelihood = np.logaddexp.reduce(of_right, axis=0) - np.log(len(members))
        return float(-(weights * likelihood).sum())

    found = minimize_scalar(surprise, bounds=(0.0, np.log(8.0)), method="bounded")
    return round(float(np.exp(found.x)), 4)
