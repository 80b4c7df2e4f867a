"""At a glance: the few numbers that say whether a system holds on real scans, set by set."""

from __future__ import annotations

from collections.abc import Sequence

from . import measures
from .bootstrap import Resamples
from .cases import CaseResult, EvaluatedMass
from .paper_tables import sets_of
from .table import Cell, Table

LESION_MM, CLEAR_MM = 8.0, 10.0
"""Average diameters from which a mass counts here: smaller ones lie in one or two slices of most scans."""


def at_a_glance(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """One row a set, then all: kidneys, sides, masses from 8 and 10 mm, their classes, false masses."""
    rows: list[tuple[Cell, ...]] = []
    for name, chosen in sets_of(results).items():
        lesions, clear = (_from(measures.masses_of(chosen), smallest) for smallest in (LESION_MM, CLEAR_MM))
        ratios = (
            measures.mean_of(chosen, lambda part: part.dice, "kidney_and_mass"),
            measures.mean_of(chosen, lambda part: part.surface_dice, "kidney_and_mass"),
            measures.sides_right(chosen),
            measures.recall(lesions),
            measures.recall(clear),
            measures.accuracy(lesions),
            measures.unknown(lesions),
            measures.false_per_case(chosen),
        )
        dice, surface, sides, *others = (resamples.estimate(ratio) for ratio in ratios)
        true = [sum(mass.domain.true_class is not None for mass in part) for part in (lesions, clear)]
        recall, clear_recall, *classes, false = others
        rows.append((name, len(chosen), dice, surface, sides, true[0], recall, true[1], clear_recall, *classes, false))
    columns = (
        "set", "CTs", "Dice of kidneys with masses", "surface Dice", "CTs with both sides right",
        "true masses from 8 mm", "recall from 8 mm", "true masses from 10 mm", "recall from 10 mm",
        "class right from 8 mm", "unknown from 8 mm", "false masses for each CT",
    )  # fmt: skip
    notes = (
        "A side is right where the predicted kidney of that side overlaps the true one at a Dice of"
        f" {measures.SIDE_DICE:g} or more; a kidney that is lost, or drawn where none is, is not. Sizes are average"
        " diameters. Class right: of the found masses of known class; called unknown is not.",
    )
    return Table("at_a_glance", "At a glance", columns, tuple(rows), notes)


def _from(masses: Sequence[EvaluatedMass], smallest_mm: float) -> list[EvaluatedMass]:
    """True and missed masses by their true diameter, false ones by the predicted."""
    return [mass for mass in masses if mass.domain.diameter_mm >= smallest_mm]
