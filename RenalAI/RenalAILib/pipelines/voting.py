"""Voting: from what a classifier says about each slice to the class of the patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def class_probabilities(logits: npt.NDArray[np.float32], classes: int) -> npt.NDArray[np.float64]:
    """Probabilities ``(N, classes)`` of logits ``(N, classes)`` (softmax) or ``(N, 1)`` (sigmoid, the second of two).

    Raises:
        ValueError: the logits are of another number of classes.

    Example:
        >>> class_probabilities(np.zeros((1, 1), np.float32), 2).tolist()
        [[0.5, 0.5]]
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim == 2 and values.shape[1] == 1 and classes == 2:
        values = np.concatenate([np.zeros_like(values), values], axis=1)  # sigmoid is a softmax against 0
    if values.ndim != 2 or values.shape[1] != classes:
        raise ValueError(f"{classes} classes need as many logits a slice, got an array of shape {logits.shape}")
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def slice_vote(probabilities: Sequence[float], classes: Sequence[str]) -> str:
    """The likeliest class; of equal ones the last, by convention the one to worry about."""
    best = max(range(len(classes)), key=lambda number: (probabilities[number], number))
    return classes[best]


def patient_class(votes: Sequence[str], classes: Sequence[str], decisive: str, threshold: float) -> str:
    """The class of a patient whose slices voted.

    Args:
        votes: of the slices; at least one.
        decisive: it wins with ``threshold`` of the votes, and only then (Pedersen 2020: 0.51); empty for a majority.

    Returns:
        ``decisive``, or the class with most votes of the others; of equal ones the last.

    Example:
        >>> patient_class(["benign", "rcc"], ("benign", "rcc"), "benign", 0.51)
        'rcc'
    """
    counts = Counter(votes)
    if decisive and counts[decisive] / len(votes) >= threshold:
        return decisive
    others = [number for number, name in enumerate(classes) if name != decisive]
    return classes[max(others, key=lambda number: (counts[classes[number]], number))]
