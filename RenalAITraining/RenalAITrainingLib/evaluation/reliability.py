"""Reliability: whether a classifier is right as often as it is sure.

Confidence is the highest probability, right or wrong is that class against the true one, before any mass is called
unknown. The expected calibration error is the mean distance of confidence and accuracy over ten bins of equal width,
weighted by their masses (Guo et al., On calibration of modern neural networks, ICML 2017). The same for one class: its
probability against whether it is the true class, over all masses (Nixon et al., Measuring calibration in deep learning,
CVPR workshops 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from RenalAILib.labels import MassClass

from .bootstrap import Estimate, Floats, Resamples
from .cases import EvaluatedMass

BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Masses of like confidence; means are None where there are none."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Reliability:
    """The bins from low to high confidence, and the expected calibration error."""

    bins: tuple[ReliabilityBin, ...]
    error: Estimate


def reliability(masses: Sequence[EvaluatedMass], resamples: Resamples) -> Reliability:
    """Over the found masses with a known class and probabilities."""
    told = _told(masses)
    best = [max((share, cls.value) for cls, share in (mass.probabilities or {}).items()) for mass in told]
    confidence = np.array([share for share, _ in best])
    right = np.array(
        [float(mass.domain.true_class is MassClass(name)) for mass, (_, name) in zip(told, best, strict=True)]
    )
    return _binned(told, confidence, right, resamples)


def class_reliability(masses: Sequence[EvaluatedMass], cls: MassClass, resamples: Resamples) -> Reliability:
    """The probability of one class against whether it is the true one; the same masses as `reliability`."""
    told = _told(masses)
    confidence = np.array([(mass.probabilities or {}).get(cls, 0.0) for mass in told])
    right = np.array([float(mass.domain.true_class is cls) for mass in told])
    return _binned(told, confidence, right, resamples)


def _told(masses: Sequence[EvaluatedMass]) -> list[EvaluatedMass]:
    return [mass for mass in masses if mass.classifiable and mass.probabilities]


def _binned(told: Sequence[EvaluatedMass], confidence: Floats, right: Floats, resamples: Resamples) -> Reliability:
    member = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)  # (low, high], as in the paper
    inside = (member[:, None] == np.arange(BINS)).astype(np.float64)
    gaps = inside * (confidence - right)[:, None]
    weights = resamples.weights(mass.patient for mass in told)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
    value = float(np.abs(gaps.sum(axis=0)).sum() / len(told)) if told else None
    bins = []
    for number in range(BINS):
        here = member == number
        count = int(here.sum())
        means = (float(confidence[here].mean()), float(right[here].mean())) if count else (None, None)
        bins.append(ReliabilityBin(number / BINS, (number + 1) / BINS, count, *means))
    return Reliability(tuple(bins), resamples.interval(value, errors, len(told)))
