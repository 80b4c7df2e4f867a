"""Samples for locate: a whole scan on the coarse grid, in any phase, with any field of view, kidneys healthy or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import KIDNEY_LABELS, Label, Side
from RenalAILib.resampling import coarse_shape

from .bowel import bowel_against
from .contrast import Phase, in_phase, shifted
from .fields import Noise, Rng, smooth_field
from .lookalikes import lookalike
from .made import MadeSample
from .masses import insert_mass, plan_mass
from .oral_contrast import oral_contrast
from .scene import Scene
from .sources import ShapeLibrary
from .surroundings import air_as_air, cut, padded, with_arms, with_table, with_thorax
from .warping import warped

SPACING_MM = 3.0
_PHASES = (None, Phase.UNENHANCED, Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC, Phase.EXCRETORY)
_PHASE_SHARES = (0.35, 0.38, 0.1, 0.1, 0.07)
_ORAL_CONTRAST_SHARE = 0.4
_LARGEST_VOXELS = 4_500_000


def locate_samples(rng: Rng, scene: Scene, shapes: ShapeLibrary | None) -> list[MadeSample]:
    """One sample: the scene on the coarse grid, varied.

    The spacing that the coarse grid is laid out for is drawn about the header's (in plane 12 %, slices 20 %): that of
    BTCV is an estimate, and patients differ in size.
    """
    spacing = scene.spacing_mm * np.array([1 + rng.uniform(-0.2, 0.2), *[1 + rng.uniform(-0.12, 0.12)] * 2])
    part = scene.resampled(Box.whole(scene.shape), coarse_shape(scene.shape, spacing, SPACING_MM))
    coarse_noise = Noise(scene.noise.sd_hu * float(rng.uniform(0.25, 0.5)), (0.3, 0.4, 0.4))
    part = replace(part, spacing_mm=spacing * np.divide(scene.shape, part.shape), noise=coarse_noise)
    if rng.random() < 0.5:
        part = part.mirrored()  # situs does not matter to a kidney's looks; sides are not learned here
    part = air_as_air(part)
    facts: dict[str, Any] = {}
    if rng.random() < 0.6:
        part = warped(rng, part, largest_degrees=8.0, largest_mm=10.0)
    phase = _PHASES[int(rng.choice(len(_PHASES), p=_PHASE_SHARES))]
    if phase is not None and scene.kind != "phantom":
        part = in_phase(rng, part, phase)
        facts["phase"] = phase.value
    part = varied_kidneys(rng, part, shapes)
    if rng.random() < _ORAL_CONTRAST_SHARE:
        part = oral_contrast(rng, part)
    if rng.random() < 0.5:
        part = shifted(rng, part)
    part, seen = _other_field_of_view(rng, part)
    facts["surroundings"] = seen
    if rng.random() < 0.3:
        part = _low_dose(rng, part)
    if rng.random() < 0.25:
        sigma = rng.uniform(0.3, 0.7)
        part = replace(part, hu=ndimage.gaussian_filter(part.hu, (sigma, sigma / 2, sigma / 2)))
    part = _of_this_size(part)
    facts["spacing_mm"] = [round(float(value), 3) for value in part.spacing_mm]
    return [MadeSample(part.hu, part.labels, part, facts)]


def varied_kidneys(rng: Rng, part: Scene, shapes: ShapeLibrary | None) -> Scene:
    """Masses, lookalikes or nothing where a kidney was, each now and then."""
    for side in Side:
        if rng.random() < 0.3:
            part = lookalike(rng, part, side)
        if rng.random() < 0.35:
            for _ in range(int(rng.integers(1, 3))):
                plan = plan_mass(rng)
                if plan.diameter_mm > 10:
                    made = insert_mass(rng, part, side, plan, shapes)
                    part = made[0] if made is not None else part
        if rng.random() < 0.3:
            part = bowel_against(rng, part, side)
    if rng.random() < 0.05:
        part = _without_kidney(rng, part, list(Side)[int(rng.integers(2))])
    return part


def _without_kidney(rng: Rng, part: Scene, side: Side) -> Scene:
    """After nephrectomy: fat where the kidney was."""
    gone = part.labels == Label.kidney(side)
    if not gone.any():
        return part
    share = ndimage.gaussian_filter(ndimage.binary_dilation(gone, iterations=1).astype(np.float32), 0.7)
    share *= (part.organs == 0) | np.isin(part.organs, (3, 4)) | gone
    fat = -100 + 8 * smooth_field(rng, part.shape, part.spacing_mm, 15) + part.noise.draw(rng, part.shape)
    hu = part.hu + share * (fat - part.hu)
    labels = np.where(gone, np.uint8(0), part.labels)
    return replace(part, hu=hu.astype(np.float32), labels=labels, parenchyma=part.parenchyma & ~gone)


def _other_field_of_view(rng: Rng, part: Scene) -> tuple[Scene, list[str]]:
    seen: list[str] = []
    if rng.random() < 0.35:
        part = cut(rng, part)
        seen.append("cut")
    if rng.random() < 0.35:
        part = with_thorax(rng, part, float(rng.uniform(60, 320)))
        seen.append("thorax")
    arms = rng.random() < 0.25
    table = rng.random() < 0.4
    margin = int(rng.integers(18, 40)) if arms else int(rng.integers(0, 12))
    if rng.random() < 0.75 or arms or table:
        back = int(rng.integers(8, 26)) if table else int(rng.integers(0, 12))
        front = int(rng.integers(0, 14))
        part = padded(part, (0, front, margin), (0, back, margin))
    if arms:
        part = with_arms(rng, part)
        seen.append("arms")
    if table:
        part = with_table(rng, part)
        seen.append("table")
    return part, seen


def _low_dose(rng: Rng, part: Scene) -> Scene:
    noise = Noise(float(rng.uniform(6, 26)), tuple(rng.uniform(0.3, 0.7, 3)))
    return replace(part, hu=part.hu + np.where(part.hu > -950, noise.draw(rng, part.shape), np.float32(0)))


def _of_this_size(part: Scene) -> Scene:
    """No more voxels than training on a CPU can bear: air and pelvis are cut, the kidneys stay."""
    if part.hu.size <= _LARGEST_VOXELS:
        return part
    kidneys = Box.around(np.isin(part.labels, KIDNEY_LABELS)) or Box.whole(part.shape)
    keep = _LARGEST_VOXELS // (part.shape[1] * part.shape[2])
    start = int(np.clip(kidneys.stop[0] + 20 - keep, 0, part.shape[0] - keep))
    return part.crop(Box((start, 0, 0), (start + keep, *part.shape[1:])))
