"""The pipeline ``one-stage``: one network over the whole CT (the rival of Zhao 2023's cascade in their paper)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..boxes import Box, Triple
from ..bundles.stages.one_stage import OneStageStages
from ..cascade.locate import coarse_volume
from ..resampling import window
from ..structures import STRUCTURES
from ..volume import Volume
from .drawings import Drawn, finished
from .whole_maps import Map, WholeMaps
from .work import Found, Work


def run(work: Work) -> Found:
    """Kidneys and masses; a mass has the class that its voxels are called on average."""
    drawn = draw(work)
    work.steps("delineate", 0.7, "Drawing kidneys and masses")
    return finished(drawn, work, work.stages(OneStageStages).unknown_below)


def draw(work: Work) -> Drawn:
    """What the networks say about ``work.view``."""
    stage = work.stages(OneStageStages)
    work.steps("locate", 0.0, "Looking for kidneys and masses")
    with work.stopwatch("locate"):
        grid = coarse_volume(work.view, stage.spacing_mm)
        probability = _probability(work, stage, grid)
    maps = dict(zip(stage.structures, probability[1:], strict=True))
    masses = [values for name, values in maps.items() if STRUCTURES[name].is_mass]
    mass = np.broadcast_to(np.sum(masses, axis=0, initial=np.float32(0)), grid.shape)
    classes = {name: values for name, values in maps.items() if STRUCTURES[name].mass_class is not None}
    return Drawn([WholeMaps(grid, maps["parenchyma"], 1 - probability[0], mass)], classes)


def _probability(work: Work, stage: OneStageStages, grid: Volume) -> npt.NDArray[np.float32]:
    """Softmax ``(1 + structures, k, j, i)`` on the grid, averaged over models and overlapping tiles."""
    image = window(grid.voxels.copy(), stage.window.width_hu, stage.window.level_hu)
    padded = np.pad(image, [(0, pad) for pad in _pads(grid.shape, stage.tile)], constant_values=-1.0)
    boxes = tiles((padded.shape[0], padded.shape[1], padded.shape[2]), stage.tile)
    models = stage.models[:1] if work.fast else stage.models
    total = np.zeros((1 + len(stage.structures), *padded.shape), dtype=np.float32)
    seen = np.zeros(padded.shape, dtype=np.float32)
    for n, box in enumerate(boxes):
        for m, model in enumerate(models):
            done = (n + m / len(models)) / len(boxes)
            work.steps("locate", 0.6 * done, f"Part {n + 1} of {len(boxes)}, network {m + 1} of {len(models)}")
            total[:, *box.slices] += softmax(work.networks.run(model, padded[None, None, *box.slices])["logits"][0])
            seen[box.slices] += 1
    k, j, i = grid.shape
    return np.asarray(total[:, :k, :j, :i] / seen[:k, :j, :i], dtype=np.float32)


def _pads(shape: Triple, tile: Triple | None) -> list[int]:
    """Voxels to add at the end of each axis: to a multiple of 16, or to the size of a tile."""
    if tile is None:
        return [-size % 16 for size in shape]
    return [max(edge - size, 0) for size, edge in zip(shape, tile, strict=True)]


def tiles(shape: Triple, tile: Triple | None) -> list[Box]:
    """Boxes of ``tile`` that cover an array, spread evenly, each overlapping the next by a third or more.

    Example:
        >>> [(box.start, box.stop) for box in tiles((1, 1, 5), (1, 1, 3))]
        [((0, 0, 0), (1, 1, 3)), ((0, 0, 2), (1, 1, 5))]
    """
    if tile is None:
        return [Box.whole(shape)]
    starts = []
    for size, edge in zip(shape, tile, strict=True):
        rest = size - edge
        count = 1 + int(np.ceil(rest / max(edge * 2 / 3, 1)))
        starts.append([round(n * rest / max(count - 1, 1)) for n in range(count)])
    corners = [(k, j, i) for k in starts[0] for j in starts[1] for i in starts[2]]
    return [Box.whole(tile).moved(corner) for corner in corners]


def softmax(logits: Map) -> Map:
    """Over the first axis."""
    powers = np.exp(logits - logits.max(axis=0, keepdims=True))
    return np.asarray(powers / powers.sum(axis=0, keepdims=True), dtype=np.float32)
