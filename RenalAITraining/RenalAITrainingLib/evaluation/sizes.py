"""Sizes: masses found, classified and left unknown by their diameter, in the bins that radiologists follow up by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import measures
from .bootstrap import Ratio, Resamples
from .cases import CaseResult, EvaluatedMass
from .table import Cell, Table


@dataclass(frozen=True)
class SizeBin:
    """Average diameters from ``low_mm`` to just under ``high_mm``."""

    low_mm: float
    high_mm: float

    @property
    def words(self) -> str:
        """For a table.

        Example:
            >>> [part.words for part in BINS]
            ['under 5 mm', '5 to 10 mm', '10 to 20 mm', '20 to 40 mm', '40 mm and more']
        """
        if self.low_mm == 0:
            return f"under {self.high_mm:g} mm"
        if math.isinf(self.high_mm):
            return f"{self.low_mm:g} mm and more"
        return f"{self.low_mm:g} to {self.high_mm:g} mm"

    def of(self, masses: Iterable[EvaluatedMass]) -> list[EvaluatedMass]:
        """Those of this size: true and missed masses by their true diameter, false ones by the predicted."""
        return [mass for mass in masses if self.low_mm <= mass.domain.diameter_mm < self.high_mm]


BINS = tuple(SizeBin(low, high) for low, high in ((0, 5), (5, 10), (10, 20), (20, 40), (40, math.inf)))


def by_size(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """Recall, precision, false masses, Dice and classification in each bin; a bin without any mass keeps its row."""
    masses = measures.masses_of(results)
    rows: list[tuple[Cell, ...]] = []
    for words, chosen in [*((part.words, part.of(masses)) for part in BINS), ("all", masses)]:
        ratios = (
            measures.recall(chosen),
            measures.precision(chosen),
            _false_per_case(results, chosen),
            Ratio.mean((mass.patient, mass.dice) for mass in chosen if mass.found),
            measures.accuracy(chosen),
            measures.accuracy(chosen, answered=True),
            measures.unknown(chosen),
        )
        true = sum(mass.domain.true_class is not None for mass in chosen)
        classified = sum(mass.classifiable for mass in chosen)
        recall, precision, false, dice, *told = (resamples.estimate(ratio) for ratio in ratios)
        rows.append((words, true, recall, precision, false, dice, classified, *told))
    columns = (
        "average diameter", "true masses", "recall", "precision", "false masses for each CT", "Dice of those found",
        "found of known class", "class right", "class right if answered", "unknown",
    )  # fmt: skip
    notes = (
        "True and missed masses by their true diameter, false ones by the predicted. Called unknown counts as wrong in"
        " `class right` and is left out of `class right if answered`.",
    )
    return Table("by_size", "Masses by size", columns, tuple(rows), notes)


def _false_per_case(results: Iterable[CaseResult], chosen: Iterable[EvaluatedMass]) -> Ratio:
    """False ones among ``chosen``, for each CT; also CTs without any count."""
    false: dict[str, int] = {}
    for mass in chosen:
        if mass.domain.true_class is None:
            false[mass.case] = false.get(mass.case, 0) + 1
    return Ratio.mean((result.patient, float(false.get(result.case, 0))) for result in results)
