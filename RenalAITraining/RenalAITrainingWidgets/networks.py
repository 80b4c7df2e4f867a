"""Which trained networks make a model of a kind: the newest of each stage, and those that can stand beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slicer.i18n import tr as _

from RenalAILib.bundles.stages.slice_segmentation import unfit
from RenalAILib.bundles.store import find_bundles
from RenalAILib.errors import InputError
from RenalAILib.structures import STRUCTURES
from RenalAITrainingLib.runs.plan import State
from RenalAIWidgets.dependencies import NotInstalledError

from .parameters import ModelKind
from .protocols import Training
from .recipes import describe
from .wording import network_in_words

Chosen = Mapping[str, Sequence[Training]]

_ALONE = ("locate", "characterise")  # the newest only: outlines of masses gain most from an ensemble


def chosen_networks(trainings: Iterable[Training], kind: ModelKind) -> dict[str, list[Training]]:
    """Trainings by stage: the newest that ended and has weights, and those that go with it.

    Of most stages these are trainings of its recipe with other seeds, which make an ensemble; of networks that draw on
    slices also those whose recipe draws something else (kidneys by one, masses by another).

    Args:
        trainings: the newest first.
        kind: of the model.
    """
    found: dict[str, list[Training]] = {stage: [] for stage in kind.stages}
    for training in trainings:
        if training.plan.stage not in found or training.status().state.active or not training.best.is_file():
            continue
        mine = found[training.plan.stage]
        if not mine or _goes_with(training, mine):
            mine.append(training)
    return {stage: mine for stage, mine in found.items() if mine}


def missing_networks(chosen: Chosen, kind: ModelKind, finder: str = "") -> str | None:
    """What a model of this kind still lacks, as a sentence."""
    missing = [network_in_words(stage) for stage in kind.stages if stage not in chosen]
    if missing:
        return _("Not trained yet: {networks}.").format(networks="; ".join(missing))
    try:
        if kind is ModelKind.SLICE_SEGMENTATION:
            drawn = dict.fromkeys(_drawn(training) for training in chosen["slice-segment"])
            problem = unfit(tuple(name for structures in drawn for name in structures))
            if problem:
                return _("These networks make no model yet: {problem}.").format(problem=problem)
        if kind is ModelKind.SLICE_VOTE:
            return _missing_finder(chosen["slice-classify"][0], finder)
    except (InputError, NotInstalledError) as problem:
        return str(problem)
    return None


def in_words(chosen: Chosen) -> str:
    """Which ones, with how they ended."""
    lines = []
    for stage, trainings in chosen.items():
        told = []
        for training in trainings:
            status = training.status()
            score = "" if status.best_score is None else _(", score {score:.3f}").format(score=status.best_score)
            early = "" if status.state is State.FINISHED else _(", stopped early")
            told.append(f"{training.name}{score}{early}")
        lines.append(f"{network_in_words(stage)}: {' + '.join(told)}")
    return "\n".join(lines)


def weights(chosen: Chosen) -> dict[str, tuple[Path, ...]]:
    """The files of the chosen networks."""
    return {stage: tuple(training.best for training in trainings) for stage, trainings in chosen.items()}


def citations(chosen: Chosen) -> str:
    """What the recipes of the networks follow, each once."""
    told = []
    for training in (training for trainings in chosen.values() for training in trainings):
        try:
            told.append(" ".join(describe(training.plan.recipe).recipe.citation.split()))
        except (InputError, NotInstalledError):
            told.append(training.plan.title)
    return " ".join(dict.fromkeys(told))


def _goes_with(training: Training, chosen: Sequence[Training]) -> bool:
    alike = [other for other in chosen if other.plan.recipe == training.plan.recipe]
    if alike:
        seeds = {other.plan.seed for other in alike}
        return training.plan.stage not in _ALONE and training.plan.seed not in seeds
    if training.plan.stage != "slice-segment":
        return False
    try:
        taken = {masses for other in chosen for masses in _draws_masses(other)}
        return taken.isdisjoint(_draws_masses(training))
    except (InputError, NotInstalledError):
        return False  # its recipe is gone; what it draws cannot be known


def _drawn(training: Training) -> tuple[str, ...]:
    return tuple(describe(training.plan.recipe).recipe.data.structures)


def _draws_masses(training: Training) -> set[bool]:
    """False where it draws kidneys, True where it draws masses."""
    return {STRUCTURES[name].is_mass for name in _drawn(training)}


def _missing_finder(training: Training, finder: str) -> str | None:
    """What keeps the slices of a vote from being found."""
    looks_at = describe(training.plan.recipe).recipe.vote.slices
    if looks_at == "all":
        return None
    if not finder.strip():
        text = _("Its slices are those through a {what}: name the cascade that finds it (Found by).")
        return text.format(what=looks_at)
    if finder not in find_bundles() and not Path(finder).is_dir():
        text = _("There is no model {name} to find the slices through a {what} (Found by).")
        return text.format(name=finder, what=looks_at)
    return None
