"""Which trained networks make a model: the newest of each stage, and those that can stand beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slicer.i18n import tr as _

from RenalAITrainingLib.runs.plan import State

from .parameters import Network
from .protocols import Training
from .wording import network_in_words

Chosen = Mapping[str, Sequence[Training]]


def chosen_networks(trainings: Iterable[Training]) -> dict[str, list[Training]]:
    """Trainings by stage: the newest that ended and has weights; of the masses all of its recipe, one a seed.

    Args:
        trainings: the newest first.
    """
    found: dict[str, list[Training]] = {}
    for training in trainings:
        if training.status().state.active or not training.best.is_file():
            continue
        mine = found.setdefault(training.plan.stage, [])
        alike = mine and training.plan.recipe == mine[0].plan.recipe and training.plan.stage == Network.DELINEATE.value
        if not mine or (alike and training.plan.seed not in {other.plan.seed for other in mine}):
            mine.append(training)
    return {network.value: found[network.value] for network in Network if network.value in found}


def missing_networks(chosen: Chosen) -> str | None:
    """What is not trained yet, as a sentence."""
    missing = [network.label() for network in Network if network.value not in chosen]
    if not missing:
        return None
    return _("Not trained yet: {networks}.").format(networks="; ".join(missing))


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
