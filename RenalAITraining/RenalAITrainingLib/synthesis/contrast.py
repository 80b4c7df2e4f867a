"""Contrast phases: a labelled scan as it would look before, early or late after the injection.

Edges stay as the scanner drew them (`steering`); what the gain takes from the noise is given back at the scan's own
level. Targets follow the usual values: liver 45 to 65 HU plain, a fatty one 15 to 45 less (Kodama et al., AJR 2007,
188:1307), blood 32 to 45; enhanced organs after Foley et al., AJR 2000, 175:679; kidneys as in `kidney_tissue`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import KIDNEY_LABELS

from .fields import Field, Noise, Rng, smooth_field
from .interior import draw_interior
from .kidney_tissue import Phase, draw_tissue
from .own_pyramids import own_medulla
from .repainting import parenchyma_hu
from .scene import Scene
from .sources import ORGANS, Organ
from .steering import steered_to

__all__ = ["Phase", "in_phase", "noisier", "shifted"]

_FAT = np.float32(-100.0)
_FATTY_LIVER_SHARE = 0.12
_OWN_PYRAMIDS_SHARE = 0.5
"""Of the corticomedullary scans, those that keep the pyramids the scan shows, where it shows any."""

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
            fatty = rng.uniform(15, 45) if organ == "liver" and rng.random() < _FATTY_LIVER_SHARE else 0.0
            target = np.full(scene.shape, rng.uniform(low, high) - fatty, dtype=np.float32)
            changed, slope = _steered(changed, hu, scene, region, region, target)
            gain *= slope
    if scene.parenchyma.any():
        target = _kidney_hu(rng, scene, phase)
        changed, slope = _steered(changed, hu, scene, scene.parenchyma, scene.parenchyma | scene.kidney, target)
        gain *= slope
    changed[bone], gain[bone] = hu[bone], 1
    if phase is Phase.EXCRETORY:
        changed = _with_bright_urine(rng, scene, changed)
    lost = np.sqrt(np.clip(1 - np.minimum(gain, 1) ** 2, 0, 1))
    if lost.any():
        changed = changed + lost * scene.noise.draw(rng, scene.shape)
    return scene.altered(np.asarray(changed, dtype=np.float32))


def _steered(
    changed: Field, hu: Field, scene: Scene, region: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_], target: Field
) -> tuple[Field, Field]:
    """``changed`` with one organ more brought to its target, and the slope that did it."""
    steered, slope = steered_to(scene, hu, region, whole, target)
    return changed + (steered - hu), slope


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


def _kidney_hu(rng: Rng, scene: Scene, phase: Phase) -> Field:
    """HU wanted in the parenchyma of every kidney in view: one draw of tissues, each kidney with its own pyramids."""
    tissue = draw_tissue(rng, phase)
    target = np.full(scene.shape, tissue.cortex, dtype=np.float32)
    own = phase is Phase.CORTICOMEDULLARY and rng.random() < _OWN_PYRAMIDS_SHARE
    for value in KIDNEY_LABELS:
        box = Box.around(scene.labels == value)
        if box is None:
            continue
        where = box.grown(2, scene.spacing_mm, scene.shape).slices
        kidney = scene.labels[where] == value
        sinus = kidney & ~scene.parenchyma[where]
        interior = draw_interior(rng, kidney | scene.masses[where], sinus, scene.spacing_mm, carve=False)
        if own:
            medulla = own_medulla(scene.hu[where], kidney & ~sinus, interior.depth_mm, scene.spacing_mm)
            interior = interior if medulla is None else replace(interior, medulla=medulla)
        target[where] = np.where(kidney, parenchyma_hu(rng, interior, tissue, scene.spacing_mm), target[where])
    return target


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
