"""Folds: several systems, each measured on the cases that it never saw, reported as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from RenalAILib.errors import InputError
from RenalAILib.steps import Report

from .pairs import Selection, select
from .running import CaseStore, Run, run_cases
from .slice_pictures import SlicePictures
from .systems import System


@dataclass(frozen=True, eq=False)
class Fold:
    """A system and what it is measured on."""

    system: System
    selection: Selection


def selected(sources: Sequence[Path], part: str | None, with_sinus: bool) -> list[Selection]:
    """What each fold is measured on.

    Args:
        sources: as of `select`, one a fold.
        part: only this part of the split of each.
        with_sinus: whether the references are brought to this project's convention first.

    Raises:
        InputError: a source has nothing to measure, or two name one case: it cannot have trained neither of them.
    """
    selections = [select(source, part) for source in sources]
    seen: dict[str, Path] = {}
    for source, selection in zip(sources, selections, strict=True):
        for pair in selection.pairs:
            if pair.case in seen:
                raise InputError(f"the case {pair.case} is in {seen[pair.case]} and in {source}; folds share no case")
            seen[pair.case] = source
    return [selection.with_sinus() for selection in selections] if with_sinus else selections


def run_folds(
    folds: Sequence[Fold], kept: Path, progress: Report, pictures: SlicePictures | None = None
) -> tuple[Run, Selection]:
    """Measure each system on its own cases; the results of all as those of one, and what they were measured on.

    Args:
        folds: two or more.
        kept: folder of what an interrupted evaluation had measured; the pictures lie there afterwards.
        progress: told before each case.
        pictures: where the slices of each case are drawn, too.

    Raises:
        InputError: every case of a fold failed.
    """
    runs = []
    for number, fold in enumerate(folds):

        def told(stage: str, fraction: float, message: str, done: int = number) -> None:
            progress(stage, (done + fraction) / len(folds), message)

        store = CaseStore(kept / f"fold-{number + 1}", pictures)
        runs.append(run_cases(fold.selection.pairs, fold.system, store, told))
    names = list(dict.fromkeys(run.system for run in runs))
    together = pooled(f"{' and '.join(names)}, {len(folds)} folds", runs, CaseStore(kept / "all"))
    selections = [fold.selection for fold in folds]
    notes = dict.fromkeys(note for selection in selections for note in selection.notes)
    told_of = (f"{run.system} on {', '.join(result.case for result in run.results)}" for run in runs)
    notes[f"Each bundle was measured on cases of its own: {'; '.join(told_of)}."] = None
    pairs = tuple(pair for selection in selections for pair in selection.pairs)
    name = " and ".join(dict.fromkeys(selection.name for selection in selections))
    return together, replace(selections[0], name=name, pairs=pairs, notes=tuple(notes))


def pooled(name: str, runs: Sequence[Run], store: CaseStore) -> Run:
    """The results of several systems on different cases as those of one; their pictures in one place."""
    for run in runs:
        for result in run.results:
            place = store.picture(result.case)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(run.store.picture(result.case).read_bytes())
    return Run(
        name,
        tuple(result for run in runs for result in run.results),
        tuple(failure for run in runs for failure in run.failures),
        store,
    )
