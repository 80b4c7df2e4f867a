"""Tasks by the stage of a recipe: one file a kind of network, `build_task` is the only way they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from RenalAILib.errors import InputError

from ...recipes.recipe import Recipe
from ...stages import Stage
from .classification import Classification
from .one_stage import OneStage
from .segmentation import Segmentation
from .slice_classification import SliceClassification
from .slice_detection import SliceDetection
from .slice_segmentation import SliceSegmentation
from .task import Task

TASKS: Mapping[Stage, Callable[[Recipe], Task]] = {
    "locate": Segmentation,
    "delineate": Segmentation,
    "characterise": Classification,
    "one-stage": OneStage,
    "slice-segment": SliceSegmentation,
    "slice-classify": SliceClassification,
    "slice-detect": SliceDetection,
}


def build_task(recipe: Recipe) -> Task:
    """The task of a recipe's stage. Raises InputError where this version cannot train it."""
    if recipe.data.stage not in TASKS:
        raise InputError(f"{recipe.name} trains the stage {recipe.data.stage}; this version trains {', '.join(TASKS)}")
    return TASKS[recipe.data.stage](recipe)
