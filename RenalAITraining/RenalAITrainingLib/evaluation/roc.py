"""ROC: how well a class's probability tells its masses from the others, with the area under the curve.

The area is the share of pairs that `metrics.ranking` counts, so that the trapezoids under the curve have the same area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from RenalAILib.labels import MassClass

from ..metrics.ranking import pair_wins
from .bootstrap import Estimate, Floats, Resamples
from .cases import KNOWN_CLASSES, EvaluatedMass


@dataclass(frozen=True, eq=False)
class Roc:
    """The curve of one class against the rest.

    Attributes:
        mass_class: told from the others.
        false_rate, true_rate: 1 - specificity and sensitivity, from (0, 0) to (1, 1), a point for each threshold.
        area: under the curve; no value where only one kind is there.
        positives, negatives: how many masses are of the class, and how many are not.
    """

    mass_class: MassClass
    false_rate: Floats
    true_rate: Floats
    area: Estimate
    positives: int
    negatives: int


def roc_curves(masses: Sequence[EvaluatedMass], resamples: Resamples) -> tuple[Roc, ...]:
    """One against the rest for each known class, over the found masses with a known class and probabilities."""
    told = [mass for mass in masses if mass.classifiable and mass.probabilities is not None]
    return tuple(_curve(told, cls, resamples) for cls in KNOWN_CLASSES)


def _curve(masses: Sequence[EvaluatedMass], cls: MassClass, resamples: Resamples) -> Roc:
    scores = np.array([(mass.probabilities or {}).get(cls, 0.0) for mass in masses])
    right = np.array([mass.domain.true_class is cls for mass in masses], dtype=np.bool_)
    estimate = area_under(scores, right, [mass.patient for mass in masses], resamples)
    false_rate, true_rate = curve_points(scores, right)
    return Roc(cls, false_rate, true_rate, estimate, int(right.sum()), int((~right).sum()))


def area_under(scores: Floats, right: npt.NDArray[np.bool_], patients: Sequence[str], resamples: Resamples) -> Estimate:
    """The area under the curve of units (masses, slices) with its interval over their patients."""
    area, areas = area_drawn(scores, right, patients, resamples)
    return resamples.interval(area, areas, len(scores))


def area_drawn(
    scores: Floats, right: npt.NDArray[np.bool_], patients: Sequence[str], resamples: Resamples
) -> tuple[float | None, Floats]:
    """The area under the curve, None where only one kind is there, and in each resample of the patients."""
    weights = resamples.weights(patients)
    wins = pair_wins(scores[right], scores[~right])
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.einsum("rp,pn,rn->r", weights[:, right], wins, weights[:, ~right], optimize=True)
        areas = drawn / (weights[:, right].sum(axis=1) * weights[:, ~right].sum(axis=1))
    return float(wins.mean()) if wins.size else None, np.asarray(areas, dtype=np.float64)


def curve_points(scores: Floats, right: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """False and true rates at each threshold, equal scores in one step; empty where only one kind is there."""
    if not right.any() or right.all():
        return np.zeros(0), np.zeros(0)
    order = np.argsort(-scores, kind="stable")
    steps = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true, false = np.cumsum(right[order])[steps], np.cumsum(~right[order])[steps]
    return np.append(0.0, false / (~right).sum()), np.append(0.0, true / right.sum())
