"""Cross-validation of a whole plan by patient: as many bundles as folds, each tested on patients it never saw.

Fold n tests, the next one validates (it chooses the best weights and the classifier's temperature), the others train:
what is measured had no part in making the networks, nor in choosing them.

```
OUT/
  dataset/        made of another layout's folder, where that is given
  folds.json      which cases are in which fold
  fold-1/         samples, runs and bundle of one fold, as `making_bundle` leaves them
  evaluation/     over the test cases of all folds together
```
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.errors import InputError
from RenalAILib.writing.whole import write_text

from ..dataset.folder import Dataset
from ..dataset.split import split_in_folds
from ..evaluation.folds import pooled
from ..evaluation.pairs import Pair, Selection, select
from ..evaluation.report_folder import write_report
from ..evaluation.running import CaseStore, run_cases
from ..evaluation.systems import BundleSystem
from ..evaluation.table import Table
from ..training.options import Options
from .bundle_plan import LoadedPlan
from .making_bundle import Parts, Sources, make_bundle
from .plan_dataset import plan_dataset

SEED = 1
FEWEST_FOLDS = 3
REPORT, RECORD = "evaluation", "folds.json"


@dataclass(frozen=True)
class Folds:
    """Cases by fold.

    Attributes:
        names: of the cases in each.
        selection: all of them, to be evaluated.
    """

    names: tuple[tuple[str, ...], ...]
    selection: Selection

    def parts(self, number: int) -> Parts:
        """Who trains, validates and tests where fold ``number`` (from 0) tests."""
        following = (number + 1) % len(self.names)
        others = [names for n, names in enumerate(self.names) if n not in (number, following)]
        return Parts(tuple(name for names in others for name in names), self.names[following], self.names[number])

    def pairs(self, number: int) -> tuple[Pair, ...]:
        """What fold ``number`` is tested on, its set named after it."""
        mine = set(self.names[number])
        return tuple(replace(pair, part=f"fold-{number + 1}") for pair in self.selection.pairs if pair.case in mine)


def cross_validate(
    loaded: LoadedPlan,
    sources: Sources,
    output: Path,
    folds: int,
    options: Options,
    report: Callable[[str], None] = print,
) -> list[Table]:
    """Make and test one bundle a fold, and evaluate all test cases together.

    Args:
        loaded: the plan; its networks, samples and texts are those of every fold.
        sources: a dataset (its own split is left aside), another layout's folder, or a data folder, whose labelled CTs
            are then shared out.
        output: everything is made here, and what is there is not made again.
        folds: 3 or more.
        options: of all trainings.
        report: is given a line of text now and then.

    Returns:
        The tables of the evaluation.

    Raises:
        InputError: fewer than three folds, fewer patients than folds, or a step fails: what was finished stays.
    """
    if folds < FEWEST_FOLDS:
        raise InputError(f"one fold tests, one validates, the others train: there must be 3 or more, got {folds}")
    if sources.dataset is not None:
        sources = replace(sources, dataset=plan_dataset(sources.dataset, output / "dataset", None, report))
    shared = folds_of(sources, folds)
    write_text(output / RECORD, json.dumps({"seed": SEED, "folds": shared.names}, indent=1) + "\n")
    if loaded.plan.sinus == "filled":
        shared = replace(shared, selection=shared.selection.with_sinus())
    runs = []
    for number in range(folds):
        report(f"Fold {number + 1} of {folds}: {len(shared.names[number])} cases test")
        place = output / f"fold-{number + 1}"
        bundle = make_bundle(loaded, replace(sources, parts=shared.parts(number)), place, options, report)
        pairs = shared.pairs(number)
        if pairs:
            system = BundleSystem(read_bundle(bundle), device=options.device)
            kept = CaseStore(place / "cases")
            runs.append(run_cases(pairs, system, kept, lambda stage, fraction, message: report(message)))
    name = f"{loaded.description.name} {loaded.description.version}, cross-validated"
    return write_report(shared.selection, None, [pooled(name, runs, CaseStore(output / "cases"))], output / REPORT)


def folds_of(sources: Sources, folds: int) -> Folds:
    """Stratified by masses where a dataset knows them; the labelled CTs of a data folder by chance."""
    if sources.dataset is not None:
        dataset = Dataset.open(sources.dataset)
        made = split_in_folds([case for case in dataset if case.has_image], folds, SEED)
        return Folds(tuple(made.parts.values()), select(sources.dataset))
    if sources.data is None:
        raise InputError("name the dataset with --dataset, or the data folder with --data")
    selection = select(sources.data / "ct")
    names = [pair.case for pair in selection.pairs]
    if len(names) < folds:
        raise InputError(f"{folds} folds are not possible with the {len(names)} labelled CTs of {sources.data / 'ct'}")
    shuffled = [names[int(n)] for n in np.random.default_rng(SEED).permutation(len(names))]
    return Folds(tuple(tuple(shuffled[n::folds]) for n in range(folds)), selection)
