"""A trained network of one stage, from the ``best.pt`` that the trainer kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from RenalAILib.errors import InputError

from .. import networks
from ..recipes.recipe import Recipe, from_mapping
from ..stages import Stage
from . import checkpoint
from .tasks import build_task
from .tasks.task import Task


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Network, recipe and task that belong together; the network is in evaluation mode on the CPU."""

    network: nn.Module
    recipe: Recipe
    task: Task
    path: Path


def load_trained(path: Path, stage: Stage) -> TrainedNetwork:
    """Read a ``best.pt``.

    Raises:
        InputError: it is missing, damaged, or was trained for another stage.
    """
    content = checkpoint.load(path)
    recipe = from_mapping(content.get("recipe"), str(path))
    if recipe.data.stage != stage:
        raise InputError(f"{path} was trained for the stage {recipe.data.stage}, not {stage}")
    task = build_task(recipe)
    options = {name: value for name, value in recipe.network.options.items() if name != "weights"}
    network = networks.build(recipe.network.name, outputs=task.outputs, **options)
    network.load_state_dict(content["network"])
    return TrainedNetwork(network.eval(), recipe, task, path)
