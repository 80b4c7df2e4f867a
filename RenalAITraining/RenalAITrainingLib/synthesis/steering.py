"""Steering: tissue brought to other HU while its edges stay as the scanner drew them.

A contrast-taking organ has a reference ``M(x)``, its own HU smoothed over a few millimetres inside it and carried on
outside, and a ground ``B(x)``, what surrounds it, found likewise. A voxel ``v`` above the ground becomes
``B + (v - B) * (T - B) / (M - B)``: the organ takes the target ``T(x)``, the ground stays, what lies between keeps its
share of both.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box

from .fields import Field
from .scene import Scene

Mask = npt.NDArray[np.bool_]

_FAT = np.float32(-100.0)
_SMOOTH_MM = 3.0
_LARGEST_GAIN = 1.2  # of noise
_VESSEL_SHARE = 1.2  # of the cortex


def steered_to(scene: Scene, hu: Field, region: Mask, whole: Mask, target: Field) -> tuple[Field, Field]:
    """``hu`` with one organ at ``target``, and the slope that did it (what became of the noise), ``[k, j, i]``.

    Args:
        scene: for its spacing, organs and masses.
        region: the tissue whose HU is the organ's own.
        whole: where the change holds fully (of a kidney its sinus too); it fades over 2 mm around.
    """
    changed, gain = hu.copy(), np.ones(hu.shape, dtype=np.float32)
    box = Box.around(whole)
    if box is None:
        return changed, gain
    where = box.grown(7, scene.spacing_mm, scene.shape).slices
    inside, crop, wanted = region[where], hu[where], target[where]
    core = inside & (crop > 0)  # partial volume with fat is not the organ's own HU
    overall = float(np.median(crop[core])) if core.any() else 30.0
    reference = _carried_on(crop, core, scene, overall)
    outside = ~ndimage.binary_dilation(inside, iterations=1)
    ground = _carried_on(np.clip(crop, -110, 100), outside, scene, float(_FAT))
    ground = np.minimum(ground, np.minimum(wanted, reference) - 20)
    slope = (wanted - ground) / (reference - ground)
    steered = np.where(crop > ground, ground + (crop - ground) * slope, crop)
    if float(np.median(slope[inside])) > 1:
        steered += _kept_quiet(crop - reference, slope, inside, ground, scene)
    vessels = whole[where] & ~inside  # of a sinus: as bright as arteries, not more
    steered = np.where(vessels, np.minimum(steered, np.maximum(crop, _VESSEL_SHARE * wanted)), steered)
    near = ndimage.distance_transform_edt(~whole[where], sampling=scene.spacing_mm)
    other = ((scene.organs[where] > 0) | scene.masses[where]) & ~whole[where]
    blend = np.where(whole[where], 1.0, np.clip(1.6 - near / 1.5, 0, 1) * ~other).astype(np.float32)
    soft_around = (ground > -40) & ~whole[where]  # muscle or bowel: no dark seam between it and a paler organ
    steered = np.where(soft_around, np.maximum(steered, np.minimum(crop, wanted)), steered)
    changed[where] += blend * (steered - crop)
    gain[where] = 1 - blend * (1 - np.where(crop > ground, slope, 1))
    return changed, gain


def _kept_quiet(rest: Field, slope: Field, inside: Mask, ground: Field, scene: Scene) -> Field:
    """What to add so that a paler scan brought up keeps about its own noise: fully 3 mm inside, nothing at the edge to
    fat, whose partial volume it would take for noise; at the edge to tissues of like HU all the same."""
    within = ndimage.distance_transform_edt(inside, sampling=scene.spacing_mm).astype(np.float32)
    weight = np.maximum(np.clip((within - 1) / 2, 0, 1), np.clip((ground + 20) / 40, 0, 1) * inside)
    return np.asarray(-weight * np.maximum(slope - _LARGEST_GAIN, 0) * rest, dtype=np.float32)


def _carried_on(hu: Field, known: Mask, scene: Scene, otherwise: float) -> Field:
    """``hu`` of the known voxels, smoothed over `_SMOOTH_MM` and carried on into the others nearby."""
    sigma = _SMOOTH_MM / scene.spacing_mm
    weight = ndimage.gaussian_filter(known.astype(np.float32), sigma, truncate=2.5)
    mean = ndimage.gaussian_filter(np.where(known, hu, 0).astype(np.float32), sigma, truncate=2.5)
    return np.asarray(np.where(weight > 0.01, mean / np.maximum(weight, 0.01), np.float32(otherwise)), dtype=np.float32)
