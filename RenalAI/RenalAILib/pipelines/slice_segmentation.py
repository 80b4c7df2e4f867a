"""The pipeline ``slice-segmentation`` (Bolocan 2023): axial slices drawn one by one and put on top of each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from ..axial_slices import fitted, slice_on_grid
from ..boxes import Box
from ..bundles.stages.slice_segmentation import Drawing, SliceSegmentationStages
from ..labels import Side
from ..resampling import resample, window
from ..structures import STRUCTURES
from ..volume import Volume
from .drawings import Drawn, finished
from .whole_maps import Map, WholeMaps
from .work import Found, Work

BATCH = 8  # slices a run: always as many, since an engine may compile anew for each number


def run(work: Work) -> Found:
    """Kidneys and masses on the CT's grid; between rows and columns of the networks' grid it is interpolated."""
    return finished(draw(work), work, work.stages(SliceSegmentationStages).unknown_below, begin=0.9)


def draw(work: Work) -> Drawn:
    """What the networks say about ``work.view``."""
    stages = work.stages(SliceSegmentationStages)
    work.steps("delineate", 0.0, "Drawing slice by slice")
    with work.stopwatch("delineate"):
        inner = fitted(work.view, stages.shape)
        maps = _maps(work, stages, inner)
        classes = {name: values for name, values in maps.items() if STRUCTURES[name].mass_class is not None}
        return Drawn(_by_side(_grid(work.view, inner), maps), classes)


def _maps(work: Work, stages: SliceSegmentationStages, inner: tuple[int, int]) -> dict[str, Map]:
    """Probability of each structure, ``[k, j, i]`` on the part of the networks' grid that the slices fill."""
    depth = work.view.shape[0]
    outside = stages.window.level_hu - stages.window.width_hu
    rows, columns = ((whole - part) // 2 for whole, part in zip(stages.shape, inner, strict=True))
    filled = (..., slice(rows, rows + inner[0]), slice(columns, columns + inner[1]))
    maps = {name: np.zeros((depth, *inner), dtype=np.float32) for name in stages.structures}
    for first in range(0, depth, BATCH):
        work.steps("delineate", 0.85 * first / depth, f"Slice {first + 1} of {depth}")
        numbers = [min(first + n, depth - 1) for n in range(BATCH)]  # the last one again, where they end
        hu = np.stack([slice_on_grid(work.view, k, stages.shape, outside) for k in numbers])
        images = window(hu, stages.window.width_hu, stages.window.level_hu)[:, None]
        for drawing in stages.drawings:
            for name, drawn in _drawn(work, drawing, images):
                maps[name][first : first + BATCH] = drawn[filled][: depth - first]
    return maps


def _drawn(work: Work, drawing: Drawing, images: npt.NDArray[np.float32]) -> Iterable[tuple[str, Map]]:
    """Probability of each of the drawing's structures on a batch of slices ``(N, rows, columns)``."""
    models = drawing.models[:1] if work.fast else drawing.models
    probability = np.mean([_activated(work.networks.run(model, images)["logits"], drawing) for model in models], axis=0)
    first = probability.shape[1] - len(drawing.structures)
    for n, name in enumerate(drawing.structures):
        yield name, probability[:, first + n]


def _activated(logits: npt.NDArray[np.float32], drawing: Drawing) -> npt.NDArray[np.float32]:
    if drawing.activation == "sigmoid":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float32)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def _by_side(grid: Volume, maps: Mapping[str, Map]) -> list[WholeMaps]:
    """Maps of organ and mass for both sides, or for each side that is drawn by itself.

    A mass belongs to the organ even where the network of the kidney leaves it out; of what is drawn for one side, the
    other side's masses are none.
    """
    sides: list[Side | None] = []
    for name in maps:
        if not STRUCTURES[name].is_mass and STRUCTURES[name].side not in sides:
            sides.append(STRUCTURES[name].side)
    result = []
    for side in sides:
        own = {name: values for name, values in maps.items() if side is None or STRUCTURES[name].side in (None, side)}
        nothing = np.zeros(grid.shape, dtype=np.float32)
        classes = sum((values for name, values in own.items() if STRUCTURES[name].mass_class is not None), nothing)
        masses = [values for name, values in own.items() if STRUCTURES[name].is_mass]
        mass = np.asarray(np.max([classes, *masses], axis=0), dtype=np.float32)
        ((name, kidney),) = ((name, values) for name, values in own.items() if not STRUCTURES[name].is_mass)
        organ = np.minimum(kidney + mass, np.float32(1)) if name == "parenchyma" else np.maximum(kidney, mass)
        if side is not None and any(STRUCTURES[other].side is None for other in own):
            organ = kidney  # masses drawn for both sides: only those in this side's kidney are its own
        result.append(WholeMaps(grid, kidney, organ, mass, side))
    return result


def _grid(view: Volume, inner: tuple[int, int]) -> Volume:
    """The CT in HU on the slices' own grid, all of it."""
    shape = (view.shape[0], *inner)
    step = np.divide(view.shape, shape)[::-1]
    to_view = np.diag([*step, 1.0])
    to_view[:3, 3] = step / 2 - 0.5
    return Volume(resample(view.voxels, Box.whole(view.shape), shape), view.ijk_to_ras @ to_view, view.name)
