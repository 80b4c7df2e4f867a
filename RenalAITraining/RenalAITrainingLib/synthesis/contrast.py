"""Contrast phases: a labelled scan as it would look before, early or late after the injection.

Edges stay as the scanner drew them. Each contrast-taking organ has a reference ``M(x)``, its own HU smoothed over a few
millimetres inside it and carried on outside, and a ground ``B(x)``, what surrounds it, found likewise. A voxel ``v``
above the ground becomes ``B + (v - B) * (T - B) / (M - B)``: the organ takes the target ``T(x)``, the ground stays,
what lies between keeps its share of both. What the gain takes from the noise is given back at the scan's own level.

Targets follow the usual values: plain kidney 20 to 42 HU, liver 45 to 65, blood 32 to 45; corticomedullary a cortex of
130 to 240 over a medulla of a third to two thirds of it; nephrographic 110 to 230; excretory 80 to 150.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box

from ..sources import ORGANS, Organ
from .fields import Field, Noise, Rng, smooth_field
from .scene import Scene

_FAT = np.float32(-100.0)
_SMOOTH_MM = 3.0


class Phase(Enum):
    """When after the injection."""

    UNENHANCED = "unenhanced"
    CORTICOMEDULLARY = "corticomedullary"
    NEPHROGRAPHIC = "nephrographic"
    EXCRETORY = "excretory"


_PLAIN: dict[Organ, tuple[float, float]] = {
    "aorta": (32, 45), "liver": (45, 65), "spleen": (38, 52), "pancreas": (28, 45),
}  # fmt: skip
_ENHANCED: dict[Phase, dict[Organ, tuple[float, float]]] = {
    Phase.CORTICOMEDULLARY: {"aorta": (220, 350), "liver": (60, 85), "spleen": (110, 160), "pancreas": (80, 125)},
    Phase.NEPHROGRAPHIC: {"aorta": (120, 180), "liver": (90, 125), "spleen": (95, 130), "pancreas": (70, 105)},
    Phase.EXCRETORY: {"aorta": (80, 120), "liver": (70, 95), "spleen": (75, 100), "pancreas": (55, 80)},
}


def in_phase(rng: Rng, scene: Scene, phase: Phase) -> Scene:
    """``scene`` in another phase; the truth does not change. Do this before masses are put in: those there keep
    their HU, as cysts do (and only cysts are real here)."""
    bone = _bone(scene)
    hu = _without_bright_vessels(rng, scene, bone) if phase is Phase.UNENHANCED else scene.hu
    changed, gain = hu.copy(), np.ones(scene.shape, dtype=np.float32)
    ranges = _PLAIN if phase is Phase.UNENHANCED else _ENHANCED[phase]
    for organ, (low, high) in ranges.items():
        region = scene.organs == ORGANS[organ]
        if region.any():
            target = np.full(scene.shape, rng.uniform(low, high), dtype=np.float32)
            _steer(changed, gain, hu, region, region, target, scene)
    if scene.parenchyma.any():
        target = _kidney_target(rng, scene, phase)
        _steer(changed, gain, hu, scene.parenchyma, scene.parenchyma | scene.kidney, target, scene)
    changed[bone], gain[bone] = hu[bone], 1
    if phase is Phase.EXCRETORY:
        changed = _with_bright_urine(rng, scene, changed)
    lost = np.sqrt(np.clip(1 - np.minimum(gain, 1) ** 2, 0, 1))
    if lost.any():
        changed = changed + lost * scene.noise.draw(rng, scene.shape)
    return scene.altered(np.asarray(changed, dtype=np.float32))


def shifted(rng: Rng, scene: Scene) -> Scene:
    """Another calibration and dose of contrast: soft tissue scaled and moved a little, fat staying fat."""
    gain, offset = rng.uniform(0.85, 1.2), rng.uniform(-10, 10)
    hu = scene.hu
    changed = np.where(hu > _FAT, _FAT + (hu - _FAT) * np.float32(gain), hu) + np.float32(offset) * (hu > -200)
    return replace(scene, hu=np.asarray(changed, dtype=np.float32))


def noisier(rng: Rng, scene: Scene, factor: float) -> Scene:
    """The scan at a lower dose: noise of its own look added until its standard deviation is ``factor`` times that."""
    extra = Noise(scene.noise.sd_hu * float(np.sqrt(max(factor**2 - 1, 0))), scene.noise.blur)
    noisy = scene.hu + extra.draw(rng, scene.shape)
    return replace(scene, hu=noisy, noise=Noise(scene.noise.sd_hu * factor, scene.noise.blur))


def _steer(
    changed: Field, gain: Field, hu: Field, region: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_], target: Field,
    scene: Scene,
) -> None:  # fmt: skip
    """Bring one organ to ``target``: write its HU into ``changed`` and the slope that did it into ``gain``.

    Args:
        region: the tissue whose HU is the organ's own.
        whole: where the change holds fully (of a kidney its sinus too); it fades over 2 mm around.
    """
    box = Box.around(whole)
    if box is None:
        return
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
    near = ndimage.distance_transform_edt(~whole[where], sampling=scene.spacing_mm)
    other = ((scene.organs[where] > 0) | scene.masses[where]) & ~whole[where]
    blend = np.where(whole[where], 1.0, np.clip(1.6 - near / 1.5, 0, 1) * ~other).astype(np.float32)
    soft_around = (ground > -40) & ~whole[where]  # muscle or bowel: no dark seam between it and a paler organ
    steered = np.where(soft_around, np.maximum(steered, np.minimum(crop, wanted)), steered)
    changed[where] += blend * (steered - crop)
    gain[where] *= 1 - blend * (1 - np.where(crop > ground, slope, 1))


def _carried_on(hu: Field, known: npt.NDArray[np.bool_], scene: Scene, otherwise: float) -> Field:
    """``hu`` of the known voxels, smoothed over `_SMOOTH_MM` and carried on into the others nearby."""
    sigma = _SMOOTH_MM / scene.spacing_mm
    weight = ndimage.gaussian_filter(known.astype(np.float32), sigma, truncate=2.5)
    mean = ndimage.gaussian_filter(np.where(known, hu, 0).astype(np.float32), sigma, truncate=2.5)
    return np.asarray(np.where(weight > 0.01, mean / np.maximum(weight, 0.01), np.float32(otherwise)), dtype=np.float32)


def _kidney_target(rng: Rng, scene: Scene, phase: Phase) -> Field:
    """HU wanted in the parenchyma."""
    texture = smooth_field(rng, scene.shape, scene.spacing_mm, 25.0)
    if phase is Phase.UNENHANCED:
        return np.asarray(rng.uniform(20, 42) + 1.5 * texture, dtype=np.float32)
    if phase is Phase.NEPHROGRAPHIC:
        return np.asarray(rng.uniform(110, 230) + 4 * texture, dtype=np.float32)
    if phase is Phase.EXCRETORY:
        return np.asarray(rng.uniform(80, 150) + 4 * texture, dtype=np.float32)
    cortex = rng.uniform(130, 240)
    medulla = cortex * rng.uniform(0.3, 0.65)
    return np.asarray(medulla + (cortex - medulla) * _cortex_share(rng, scene), dtype=np.float32)


def _cortex_share(rng: Rng, scene: Scene) -> Field:
    """1 in the cortex and its columns, 0 in the pyramids."""
    whole = scene.kidney | scene.masses
    depth = np.zeros(scene.shape, dtype=np.float32)
    for box in ndimage.find_objects(ndimage.label(whole)[0]):
        where = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in box)
        depth[where] = np.maximum(depth[where], ndimage.distance_transform_edt(whole[where], sampling=scene.spacing_mm))
    thick = rng.uniform(5.0, 8.0)
    uneven = smooth_field(rng, scene.shape, scene.spacing_mm, 10.0)
    columns = smooth_field(rng, scene.shape, scene.spacing_mm, 9.0)
    cortex = 1 / (1 + np.exp((depth - thick - 0.8 * uneven) / 0.5))
    column = 1 / (1 + np.exp(-(columns - rng.uniform(0.3, 0.9)) / 0.15))
    return np.asarray(np.maximum(cortex, column), dtype=np.float32)


def _bone(scene: Scene) -> npt.NDArray[np.bool_]:
    """Bone: bright, not an organ or a kidney, in pieces too large for vessels; its marrow filled in by closing."""
    free = (scene.organs == 0) & (scene.labels == 0)
    bright = (ndimage.uniform_filter(scene.hu, (1, 3, 3)) > 190) & free
    steps = max(1, round(4.0 / float(scene.spacing_mm[1])))
    closed = ndimage.binary_closing(bright, np.ones((1, 3, 3)), iterations=steps)
    components, count = ndimage.label(closed)
    if count == 0:
        return np.asarray(closed, dtype=bool)
    ml = np.bincount(components.ravel()) * float(np.prod(scene.spacing_mm)) / 1000
    ml[0] = 0
    return np.asarray(ndimage.binary_dilation((ml > 2.0)[components], iterations=1) & free, dtype=bool)


def _without_bright_vessels(rng: Rng, scene: Scene, bone: npt.NDArray[np.bool_]) -> Field:
    """Vessels, bowel wall and muscle brought under 60 HU or so; bone and labelled organs left alone."""
    limit, slope = np.float32(rng.uniform(40, 60)), np.float32(rng.uniform(0.03, 0.15))
    free = (scene.organs == 0) & ~scene.parenchyma & ~scene.masses & ~bone
    over = free & (scene.hu > limit)
    result = scene.hu.copy()
    result[over] = limit + (result[over] - limit) * slope
    noise = scene.noise.draw(rng, scene.shape) * np.float32(0.8)
    return np.asarray(np.where(over, result + noise - 0.5 * scene.noise.sd_hu, result), dtype=np.float32)


def _with_bright_urine(rng: Rng, scene: Scene, hu: Field) -> Field:
    """Contrast in the calyces and pelvis: the inner parts of the sinus that are no fat."""
    sinus = scene.kidney & ~scene.parenchyma
    field = smooth_field(rng, scene.shape, scene.spacing_mm, 6.0)
    urine = ndimage.binary_opening(sinus & (field > rng.uniform(-0.6, 0.5)))
    share = ndimage.gaussian_filter(urine.astype(np.float32), 0.7 / scene.spacing_mm)
    return np.asarray(hu + share * (np.float32(rng.uniform(150, 450)) - hu), dtype=np.float32)
