"""Samples for characterise: one mass in its cube, the mask as a network would have drawn it, the class as put in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box, Triple
from RenalAILib.labels import MassClass
from RenalAILib.resampling import resample

from .delineate_samples import prepared_kidney
from .fields import Rng, smooth_field
from .made import MadeSample
from .masses import plan_mass
from .scene import Scene, resample_labels
from .sources import ShapeLibrary

SHAPE: Triple = (64, 64, 64)
SCALE = 1.4
MINIMUM_MM = 16.0
_CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)
_SMALLEST_VOXELS = 6
_SMALLEST_OWN_MM3 = 60.0  # 5 mm across


def characterise_samples(rng: Rng, scene: Scene, shapes: ShapeLibrary | None) -> list[MadeSample]:
    """One sample of each class where a mass of it finds room, and one of the kidney's own masses where it has any.

    Classes come in nearly equal numbers that way, and one varied kidney serves three.
    """
    plans = [plan_mass(rng, mass_class) for mass_class in rng.permutation(np.array(_CLASSES, dtype=object))]
    prepared = prepared_kidney(rng, scene, plans, shapes)
    if prepared is None:
        return []
    part, _, inserted, facts = prepared
    made = []
    for mass in inserted:
        mask = _nearest(part.labels == mass.mass_class.label, part, mass.centre_mm)
        about = [mass.mass_class.value, round(mass.diameter_mm, 1), mass.source]
        made.append(sample_of_mass(rng, part, mask, mass.mass_class, facts | {"mass": about}))
    there = [mass_class for mass_class in _CLASSES if (scene.labels == mass_class.label).any()]
    for mass_class, mask in _own(rng, part, there, [mass.centre_mm for mass in inserted]):
        made.append(sample_of_mass(rng, part, mask, mass_class, facts | {"mass": [mass_class.value, None, "own"]}))
    return [sample for sample in made if sample is not None]


def sample_of_mass(
    rng: Rng,
    part: Scene,
    mask: npt.NDArray[np.bool_] | None,
    mass_class: MassClass,
    facts: dict[str, Any],
    shape: Triple = SHAPE,
) -> MadeSample | None:
    """HU and mask (value of the class) on the network's grid of ``shape``."""
    if mask is None or mask.sum() < _SMALLEST_VOXELS:
        return None
    found = as_found(rng, mask, part)
    box = Box.around(found)
    if box is None:
        return None
    cube = box.cube(part.spacing_mm, SCALE, MINIMUM_MM)
    label = resample_labels(found.astype(np.uint8), cube, shape) * np.uint8(mass_class.label)
    if not label.any():
        return None
    facts = facts | {"spacing_mm": [round(float(value), 3) for value in part.spacing_mm]}
    return MadeSample(resample(part.hu, cube, shape), label, part, facts, mass_class)


def _own(
    rng: Rng, part: Scene, classes: list[MassClass], inserted_mm: list[npt.NDArray[np.float64]]
) -> list[tuple[MassClass, npt.NDArray[np.bool_]]]:
    """At most one mass that the scan had before, with its class: real cysts, a phantom's masses.

    Components of the ``classes`` it had, apart from those put in and from crumbs of them.
    """
    taken = [np.round(centre / part.spacing_mm).astype(int) for centre in inserted_mm]
    least = _SMALLEST_OWN_MM3 / float(np.prod(part.spacing_mm))
    found = []
    for mass_class in classes:
        components, _ = ndimage.label(part.labels == mass_class.label)
        for number, where in enumerate(ndimage.find_objects(components), start=1):
            start, stop = [axis.start for axis in where], [axis.stop for axis in where]
            if (components[where] == number).sum() >= least and not any(
                (start <= at).all() and (at < stop).all() for at in taken
            ):
                found.append((mass_class, components == number))
    return [found[int(rng.integers(len(found)))]] if found else []


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
