"""Sides of kidneys in masks that do not tell them: by their place against the midline between them.

The rule is the engine's own (`RenalAILib.cascade.sides`): the midline is the spine's or the body's where there is a CT,
else the middle between the two largest kidneys, and two kidneys far apart are told from each other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.anatomy.domains import connected_domains
from RenalAILib.boxes import Box
from RenalAILib.cascade.sides import APART_MM, Body, Component, assign_sides, body_at, split_horseshoe
from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.volume import Volume

from ..grids import thinned

_STEP_MM = 3.0
_SMALLEST_ML = 3.0  # smaller parts go with the nearest larger one


def sided_kidneys(kidneys: Volume, masses: Volume, ct: Volume | None) -> npt.NDArray[np.uint8]:
    """`Label.KIDNEY_RIGHT` or `Label.KIDNEY_LEFT` for each voxel of a mask of both kidneys, 0 elsewhere.

    Args:
        kidneys, masses: boolean, canonical, one grid; a mass helps to see what hangs together.
        ct: HU on that grid, or None.

    Raises:
        InputError: there is one kidney in view and no CT around it: its side cannot be told.
    """
    result = np.zeros(kidneys.shape, dtype=np.uint8)
    box = Box.around(kidneys.voxels)
    if box is None:
        return result
    coarse, steps = thinned(kidneys.with_voxels(kidneys.voxels | masses.voxels), _STEP_MM)
    components = _components(coarse)
    if ct is not None:
        around = coarse.with_voxels(ct.voxels[:: steps[0], :: steps[1], :: steps[2]])
        body = body_at(around, components)
        components, _ = split_horseshoe(around, components, body)
    else:
        around = coarse
        body = _between(coarse, components, kidneys.name)
    sides = assign_sides(around, components, body)[0]
    of_side = np.zeros(coarse.shape, dtype=np.uint8)
    for component, side in zip(components, sides, strict=True):
        of_side[component.mask] = Label.kidney(side)
    spread = _spread(of_side, coarse.spacing_mm)
    at = np.nonzero(kidneys.voxels[box.slices])
    k, j, i = (
        np.minimum((index + start) // step, size - 1)
        for index, start, step, size in zip(at, box.start, steps, coarse.shape, strict=True)
    )
    result[box.slices][at] = spread[k, j, i]
    return result


def _components(coarse: Volume) -> list[Component]:
    """The parts large enough to be a kidney, the largest first; the largest in any case."""
    numbers, counts = connected_domains(np.ascontiguousarray(coarse.voxels))
    if counts.size == 0:
        raise InputError(f"{coarse.name} holds too few voxels to be a kidney")
    ml = counts * coarse.voxel_ml
    large = [n for n in range(1, len(counts) + 1) if n == 1 or ml[n - 1] >= _SMALLEST_ML]
    return [Component(numbers == n, float(ml[n - 1]), 1.0) for n in large]


def _between(coarse: Volume, components: list[Component], name: str) -> Body:
    """The middle between the largest part and the largest one far enough from it to be the other kidney."""
    centres = [float(coarse.ras(np.argwhere(component.mask))[:, 0].mean()) for component in components]
    for centre in centres[1:]:
        if abs(centre - centres[0]) >= APART_MM:
            return Body((centre + centres[0]) / 2, 0.0, 0.0)
    raise InputError(f"{name} shows one kidney and there is no CT around it: its side cannot be told")


def _spread(of_side: npt.NDArray[np.uint8], spacing_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Every voxel of the coarse grid gets the side of the nearest kidney."""
    nearest = ndimage.distance_transform_edt(
        of_side == 0, sampling=spacing_mm, return_distances=False, return_indices=True
    )
    return np.asarray(of_side[tuple(nearest)], dtype=np.uint8)
