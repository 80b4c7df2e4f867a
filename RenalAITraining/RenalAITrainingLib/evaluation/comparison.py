"""Comparison: two systems side by side on the same cases, with paired differences."""

from __future__ import annotations

from collections.abc import Sequence

from .bootstrap import Resamples
from .cases import CaseResult
from .measures import headline
from .table import Cell, Table


def shared(first: Sequence[CaseResult], second: Sequence[CaseResult]) -> tuple[list[CaseResult], list[CaseResult]]:
    """The results of the cases that both systems have, in one order."""
    theirs = {result.case: result for result in second}
    pairs = [(result, theirs[result.case]) for result in first if result.case in theirs]
    return [one for one, _ in pairs], [other for _, other in pairs]


def side_by_side(
    first: Sequence[CaseResult], second: Sequence[CaseResult], names: tuple[str, str], resamples: Resamples
) -> Table:
    """Each measure of both, and the second minus the first; the names must differ.

    The interval of the difference comes from resamples of patients that both share; a measure whose interval leaves
    out 0 is marked.
    """
    one, other = shared(first, second)
    mine, theirs = headline(one), headline(other)
    rows: list[tuple[Cell, ...]] = []
    for name in mine:
        difference = resamples.difference(mine[name], theirs[name])
        sure = difference.low is not None and difference.high is not None and difference.low * difference.high > 0
        estimates = (resamples.estimate(mine[name]), resamples.estimate(theirs[name]))
        rows.append((name, *estimates, difference, "differs" if sure else ""))
    columns = ("measure", *names, "difference", "interval without 0")
    notes = (
        f"{len(one)} CTs that both systems were measured on; second minus first, paired by patient. No correction for"
        " the number of measures.",
    )
    return Table("comparison", "Side by side", columns, tuple(rows), notes)
