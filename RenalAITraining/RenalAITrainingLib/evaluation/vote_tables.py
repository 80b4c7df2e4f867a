"""Vote tables: what slices and their votes are worth, of one classifier, or of two on the same patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from RenalAILib.verdicts import Verdict

from ..metrics.slices import JudgedSlice, confusion, positive_scores
from .bootstrap import Estimate, Ratio, Resamples
from .roc import area_drawn, area_under
from .table import Cell, Table


@dataclass(frozen=True)
class JudgedCase:
    """One scan: its slices with their truth, its verdict, and its own truth."""

    case: str
    truth: str
    verdict: Verdict
    slices: tuple[JudgedSlice, ...]

    @property
    def patient(self) -> str:
        """Whose scan it is."""
        return self.slices[0].patient


def vote_tables(cases: Sequence[JudgedCase], classes: Sequence[str]) -> list[Table]:
    """Measures per image and per patient, both confusions, and the list of cases."""
    slices = _slices(cases)
    resamples = Resamples(one.patient for one in slices)
    positive = classes[-1]
    rows: list[tuple[Cell, ...]] = []
    for name, units in (("images", _images(cases)), ("patients, by vote", _verdicts(cases))):
        measured = [resamples.estimate(ratio) for ratio in _rates(units, positive).values()]
        area = _area(slices, classes, resamples) if name == "images" else None
        rows.append((name, len(units), area, *measured))
    said = f"Positive is {positive}. Intervals are drawn over {resamples.patients} patients."
    listing = [
        (case.case, case.truth, case.verdict.label, case.verdict.share, len(case.slices))
        for case in sorted(cases, key=lambda case: case.case)
    ]
    columns = ("what", "count", "AUC", "accuracy", "sensitivity", "specificity")
    images, verdicts = ([(truth, said) for _, truth, said in units] for units in (_images(cases), _verdicts(cases)))
    return [
        Table("measures", "Images and patients", columns, tuple(rows), (said,)),
        _confusion("confusion_images", "Votes of images", images, classes),
        _confusion("confusion_patients", "Verdicts", verdicts, classes),
        Table("cases", "Cases", ("case", "truth", "verdict", "share of slices", "slices"), tuple(listing)),
    ]


def compared_votes(
    first: Sequence[JudgedCase], second: Sequence[JudgedCase], names: tuple[str, str], classes: Sequence[str]
) -> list[Table]:
    """Two classifiers on the cases that both have a verdict on: each measure, their difference, and where they differ.

    The second minus the first, paired: both are measured on the same patients in each resample. Their slices may be
    others, where one looks at those through a kidney and the other at those through a mass.
    """
    mine, theirs = _shared(first, second)
    resamples = Resamples(case.patient for case in mine)
    positive = classes[-1]
    rows: list[tuple[Cell, ...]] = []
    areas = [area_drawn(*_scored(_slices(cases), classes), resamples) for cases in (mine, theirs)]
    (one, drawn_one), (other, drawn_other) = areas
    gap = None if one is None or other is None else other - one
    difference = resamples.interval(gap, drawn_other - drawn_one, len(mine))
    rows.append(
        _row("AUC of images", [_area(_slices(cases), classes, resamples) for cases in (mine, theirs)], difference)
    )
    for what, units_of in (("images", _images), ("patients", _verdicts)):
        rates = [_rates(units_of(cases), positive) for cases in (mine, theirs)]
        for name in rates[0]:
            both = [rate[name] for rate in rates]
            estimates = [resamples.estimate(ratio) for ratio in both]
            rows.append(_row(f"{name} of {what}", estimates, resamples.difference(*both)))
    notes = (
        f"{len(mine)} scans with a verdict of both; second minus first, paired by patient. Positive is {positive}. No"
        " correction for the number of measures.",
    )
    differing = tuple(
        (a.case, a.truth, a.verdict.label, a.verdict.share, b.verdict.label, b.verdict.share)
        for a, b in zip(mine, theirs, strict=True)
        if a.verdict.label != b.verdict.label
    )
    columns = ("measure", *names, "difference", "interval without 0")
    told = ("case", "truth", names[0], f"share, {names[0]}", names[1], f"share, {names[1]}")
    return [
        Table("comparison", "Side by side", columns, tuple(rows), notes),
        Table("differing", "Cases with different verdicts", told, differing),
    ]


def of_second(tables: Sequence[Table], name: str) -> list[Table]:
    """The tables of a second classifier, by keys and titles of their own."""
    return [replace(table, key=f"against_{table.key}", title=f"{table.title}: {name}") for table in tables]


def _row(name: str, both: Sequence[Estimate], difference: Estimate) -> tuple[Cell, ...]:
    sure = difference.low is not None and difference.high is not None and difference.low * difference.high > 0
    return (name, *both, difference, "differs" if sure else "")


def _shared(first: Sequence[JudgedCase], second: Sequence[JudgedCase]) -> tuple[list[JudgedCase], list[JudgedCase]]:
    theirs: Mapping[str, JudgedCase] = {case.case: case for case in second}
    both = [(case, theirs[case.case]) for case in first if case.case in theirs]
    return [one for one, _ in both], [other for _, other in both]


def _slices(cases: Sequence[JudgedCase]) -> list[JudgedSlice]:
    return [one for case in cases for one in case.slices]


def _images(cases: Sequence[JudgedCase]) -> list[tuple[str, str, str]]:
    """(patient, truth, said) of each slice."""
    return [(one.patient, one.truth, one.vote) for one in _slices(cases)]


def _verdicts(cases: Sequence[JudgedCase]) -> list[tuple[str, str, str]]:
    """(patient, truth, said) of each scan."""
    return [(case.patient, case.truth, case.verdict.label) for case in cases]


def _scored(slices: Sequence[JudgedSlice], classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Scores of the positive class, whether each slice has it, and whose it is."""
    right = np.array([one.truth == classes[-1] for one in slices], dtype=np.bool_)
    return positive_scores(slices, classes), right, [one.patient for one in slices]


def _area(slices: Sequence[JudgedSlice], classes: Sequence[str], resamples: Resamples) -> Estimate:
    return area_under(*_scored(slices, classes), resamples)


def _rates(units: Sequence[tuple[str, str, str]], positive: str) -> dict[str, Ratio]:
    """Accuracy, sensitivity and specificity of (patient, truth, said)."""
    return {
        "accuracy": Ratio.of((patient, float(truth == said), 1.0) for patient, truth, said in units),
        "sensitivity": Ratio.of(
            (patient, float(said == positive), 1.0) for patient, truth, said in units if truth == positive
        ),
        "specificity": Ratio.of(
            (patient, float(said != positive), 1.0) for patient, truth, said in units if truth != positive
        ),
    }


def _confusion(key: str, title: str, pairs: Sequence[tuple[str, str]], classes: Sequence[str]) -> Table:
    counts = confusion(pairs, classes)
    rows: list[tuple[Cell, ...]] = [
        (name, *(int(count) for count in row)) for name, row in zip(classes, counts, strict=True)
    ]
    return Table(key, title, ("truth", *classes), tuple(rows), ("Rows: truth. Columns: what was said.",))
