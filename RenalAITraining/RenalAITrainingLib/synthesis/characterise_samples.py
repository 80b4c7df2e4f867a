"""Samples for characterise: one mass in its cube, the mask as a network would have drawn it, the class as put in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box, Triple
from RenalAILib.labels import MassClass
from RenalAILib.resampling import resample

from ..sources import ShapeLibrary
from .delineate_samples import prepared_kidney
from .fields import Rng, smooth_field
from .masses import plan_mass
from .scene import Scene

SHAPE: Triple = (64, 64, 64)
SCALE = 1.4
MINIMUM_MM = 16.0
_CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)
_SMALLEST_VOXELS = 6
_REAL_SHARE = 0.5

Made = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], Scene, dict[str, Any], MassClass]


def characterise_sample(rng: Rng, scene: Scene, shapes: ShapeLibrary | None) -> Made | None:
    """HU and mask (value of the class) on the network's grid, the scene, facts, and the class; None where none fitted.

    Classes come in equal numbers: the class is drawn first, then a mass of it is put in. Where the scene has masses of
    its own of that class (real cysts, a phantom's), half of the time one of those is taken.
    """
    wanted = _CLASSES[int(rng.integers(len(_CLASSES)))]
    own = bool((scene.labels == wanted.label).any()) and rng.random() < _REAL_SHARE
    plans = [] if own else [plan_mass(rng, wanted)]
    made = prepared_kidney(rng, scene, plans, shapes)
    if made is None or (plans and not made[2]):
        return None
    part, _, inserted, facts = made
    if own:
        mask = _one_of(rng, part.labels == wanted.label)
        facts["mass"] = [wanted.value, None, "own"]
    else:
        mass = inserted[0]
        mask = _nearest(part.labels == wanted.label, part, mass.centre_mm)
        facts["mass"] = [wanted.value, round(mass.diameter_mm, 1), mass.source]
    if mask is None or mask.sum() < _SMALLEST_VOXELS:
        return None
    found = as_found(rng, mask, part)
    box = Box.around(found)
    if box is None:
        return None
    cube = box.cube(part.spacing_mm, SCALE, MINIMUM_MM)
    image = resample(part.hu, cube, SHAPE)
    inside = cube.clipped(part.shape)
    pads = [(i - b, e - c) for b, i, c, e in zip(cube.start, inside.start, inside.stop, cube.stop, strict=True)]
    padded = np.pad(found[inside.slices], pads)
    label = resample(padded, Box.whole(cube.shape), SHAPE) >= 0.5
    if not label.any():
        return None
    facts["spacing_mm"] = [round(float(value), 3) for value in part.spacing_mm]
    return image, (label * np.uint8(wanted.label)).astype(np.uint8), part, facts, wanted


def as_found(rng: Rng, mask: npt.NDArray[np.bool_], scene: Scene) -> npt.NDArray[np.bool_]:
    """A mask as a network draws it: borders off by a little in places, at times all shifted, grown or shrunken."""
    box = Box.around(mask)
    if box is None:
        return mask
    box = box.grown(8, scene.spacing_mm, scene.shape)
    crop = mask[box.slices]
    spacing = scene.spacing_mm
    outside = ndimage.distance_transform_edt(~crop, sampling=spacing)
    signed = outside - ndimage.distance_transform_edt(crop, sampling=spacing)
    radius = float(-signed.min())
    reach = min(2.0, 0.35 * radius)
    uneven = rng.uniform(0, 0.6) * smooth_field(rng, box.shape, spacing, max(radius, 4))
    wobble = reach * (rng.normal(0, 0.5) + uneven)
    moved = ndimage.shift(signed, rng.normal(0, 0.3, 3) * reach / spacing, order=1, mode="nearest")
    found = moved < wobble
    if found.sum() < _SMALLEST_VOXELS:
        found = crop
    result = np.zeros_like(mask)
    result[box.slices] = found
    return result


def _one_of(rng: Rng, masses: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_] | None:
    """One connected domain at random."""
    components, count = ndimage.label(masses)
    return None if count == 0 else np.asarray(components == int(rng.integers(1, count + 1)), dtype=bool)


def _nearest(
    masses: npt.NDArray[np.bool_], scene: Scene, near_mm: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_] | None:
    """The connected domain that was put in, not one that was there: the nearest to where it was put."""
    components, count = ndimage.label(masses)
    if count == 0:
        return None
    centres = np.array(ndimage.center_of_mass(masses, components, range(1, count + 1))) * scene.spacing_mm
    number = int(np.linalg.norm(centres - np.asarray(near_mm), axis=1).argmin()) + 1
    return np.asarray(components == number, dtype=bool)
