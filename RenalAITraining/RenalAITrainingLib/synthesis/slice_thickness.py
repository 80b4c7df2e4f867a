"""Slice thickness: the same scan in thicker or thinner slices, with the noise that goes with them.

Noise grows with the inverse root of the thickness (fewer photons a slice); thin slices show less partial volume.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from RenalAILib.boxes import Box

from .fields import Noise, Rng
from .scene import Scene

_MOST_NOISE = 1.9  # times that of the scan: reconstructions of 0.6 mm are smoothed, or nobody could read them
_INTERPOLATED = 0.8  # what a scan's noise comes to between two of its slices


def thicker(scene: Scene, thickness_mm: float) -> Scene:
    """The scene in slices of ``thickness_mm``."""
    k = max(2, round(scene.shape[0] * float(scene.spacing_mm[0]) / thickness_mm))
    coarse = scene.resampled(Box.whole(scene.shape), (k, *scene.shape[1:]))
    through = min(1.0, float(scene.spacing_mm[0]) / thickness_mm)
    return replace(coarse, noise=replace(scene.noise, sd_hu=scene.noise.sd_hu * float(np.sqrt(through))))


def thinner(rng: Rng, scene: Scene, thickness_mm: float) -> Scene:
    """The scene in slices of ``thickness_mm``, noise of their own in each; the scene itself where it is as thin."""
    step = float(scene.spacing_mm[0])
    if step <= thickness_mm:
        return scene
    fine = scene.resampled(Box.whole(scene.shape), (round(scene.shape[0] * step / thickness_mm), *scene.shape[1:]))
    wanted = scene.noise.sd_hu * min(float(np.sqrt(step / thickness_mm)), _MOST_NOISE)
    missing = float(np.sqrt(wanted**2 - (_INTERPOLATED * scene.noise.sd_hu) ** 2))
    noise = Noise(missing, (0.3, *scene.noise.blur[1:]))
    hu = fine.hu + noise.draw(rng, fine.shape)
    return replace(fine.altered(hu), noise=Noise(wanted, noise.blur))
