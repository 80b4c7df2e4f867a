"""FROC: the share of true masses found against the false ones for each CT, over an operating point.

Free-response ROC (Bunch et al., A free-response approach to the measurement and characterization of radiographic
observer performance, 1978). A segmenting network gives masses, no scores for them: what is varied is the smallest
average diameter that is reported. Masses are matched once, as they were predicted; leaving small ones out changes no
match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import measures
from .bootstrap import Estimate, Ratio, Resamples
from .cases import CaseResult, EvaluatedMass
from .table import Cell, Table

THRESHOLDS_MM = (0.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0)


@dataclass(frozen=True)
class OperatingPoint:
    """What comes out where only masses of ``smallest_mm`` and more are reported."""

    smallest_mm: float
    sensitivity: Estimate
    false_per_case: Estimate


def froc_points(
    results: Sequence[CaseResult], resamples: Resamples, thresholds_mm: Sequence[float] = THRESHOLDS_MM
) -> tuple[OperatingPoint, ...]:
    """One point a threshold, in their order. Sensitivity is over all true masses, also those below the threshold."""
    return tuple(_point(results, resamples, smallest) for smallest in thresholds_mm)


def froc_curve(results: Sequence[CaseResult]) -> tuple[list[float], list[float]]:
    """False masses for each CT and sensitivity at every threshold that changes anything, from none reported to all."""
    masses = measures.masses_of(results)
    true = sum(mass.domain.true_class is not None for mass in masses)
    if not true or not results:
        return [], []
    false_rates, sensitivities = [0.0], [0.0]
    found = false = 0
    predicted = sorted((mass for mass in masses if _size(mass) is not None), key=lambda mass: -(_size(mass) or 0.0))
    for n, mass in enumerate(predicted):
        found, false = found + mass.found, false + (not mass.found)
        if n + 1 == len(predicted) or _size(predicted[n + 1]) != _size(mass):
            false_rates.append(false / len(results))
            sensitivities.append(found / true)
    return false_rates, sensitivities


def froc(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """The operating points with their intervals."""
    rows: list[tuple[Cell, ...]] = [
        (f"{point.smallest_mm:g} mm", point.sensitivity, point.false_per_case)
        for point in froc_points(results, resamples)
    ]
    columns = ("smallest diameter reported", "sensitivity", "false masses for each CT")
    notes = ("Sensitivity is over all true masses, also those smaller than what is reported.",)
    return Table("froc", "FROC: true against false masses", columns, tuple(rows), notes)


def _point(results: Sequence[CaseResult], resamples: Resamples, smallest_mm: float) -> OperatingPoint:
    found: list[tuple[str, float]] = []
    false = {result.case: 0 for result in results}
    for mass in measures.masses_of(results):
        reported = (_size(mass) or -1.0) >= smallest_mm
        if mass.domain.true_class is not None:
            found.append((mass.patient, float(mass.found and reported)))
        elif reported:
            false[mass.case] += 1
    return OperatingPoint(
        smallest_mm,
        resamples.estimate(Ratio.mean(found)),
        resamples.estimate(Ratio.mean((result.patient, float(false[result.case])) for result in results)),
    )


def _size(mass: EvaluatedMass) -> float | None:
    """Diameter of what was predicted, mm; None of a missed mass."""
    return mass.domain.predicted_diameter_mm
