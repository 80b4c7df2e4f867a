"""The pipeline ``one-stage``: one network over the whole CT (the rival of Zhao 2023's cascade in their paper)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..cascade.locate import coarse_volume
from ..resampling import window
from ..stages.one_stage import OneStageStages
from ..structures import STRUCTURES
from ..volume import Volume
from .mass_classes import mass_character
from .outlines import found_in
from .whole_maps import Map, WholeMaps, outlined
from .work import Found, Work


def run(work: Work) -> Found:
    """Kidneys and masses; a mass has the class that its voxels are called on average."""
    stage, view = work.stages(OneStageStages), work.view
    work.steps("locate", 0.0, "Looking for kidneys and masses")
    with work.stopwatch("locate"):
        grid = coarse_volume(view, stage.spacing_mm)
        probability = _probability(work, stage, grid)
    work.steps("delineate", 0.7, "Drawing kidneys and masses")
    with work.stopwatch("delineate"):
        drawn = zip(stage.structures, probability[1:], strict=True)
        mass = np.sum([values for name, values in drawn if STRUCTURES[name].is_mass], axis=0, initial=np.float32(0))
        mass = np.broadcast_to(mass, grid.shape)
        kidneys, warnings = outlined(view, [WholeMaps(grid, 1 - probability[0], mass)])
    with work.stopwatch("characterise"):
        maps = dict(zip(stage.structures, probability[1:], strict=True))
        return found_in(kidneys, work, lambda region: mass_character(region, maps, view, stage.unknown_below), warnings)


def _probability(work: Work, stage: OneStageStages, grid: Volume) -> npt.NDArray[np.float32]:
    """Softmax ``(1 + structures, k, j, i)`` on the grid, averaged over the models."""
    image = window(grid.voxels.copy(), stage.window.width_hu, stage.window.level_hu)
    padded = np.pad(image, [(0, -size % 16) for size in image.shape], constant_values=-1.0)
    k, j, i = grid.shape
    models = stage.models[:1] if work.fast else stage.models
    total = np.zeros((1 + len(stage.structures), k, j, i), dtype=np.float32)
    for n, model in enumerate(models):
        work.steps("locate", 0.6 * n / len(models), f"Network {n + 1} of {len(models)}")
        total += softmax(work.networks.run(model, padded[None, None])["logits"][0, :, :k, :j, :i])
    return total / np.float32(len(models))


def softmax(logits: Map) -> Map:
    """Over the first axis."""
    powers = np.exp(logits - logits.max(axis=0, keepdims=True))
    return np.asarray(powers / powers.sum(axis=0, keepdims=True), dtype=np.float32)
