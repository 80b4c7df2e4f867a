"""Ascites: free fluid between the organs of the peritoneal cavity; the fat about the kidneys stays.

Transudate has 0 to 20 HU, exudate and blood 20 to 45 (Federle, Ascites, in Diagnostic Imaging: Abdomen). It lies about
liver and spleen, between liver and right kidney, and takes the shape of what is there.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import KIDNEY_LABELS

from .fields import Rng, smooth_field
from .scene import Scene
from .sources import ORGANS

_ORGANS = tuple(ORGANS[name] for name in ("liver", "spleen", "stomach", "gallbladder"))
_SIMPLE_SHARE = 0.7
_BEHIND_MM = 4.0  # so far behind the kidneys' middle, or a little more, lies no peritoneal cavity
_RIM_MM = (1.0, 8.0)
_ABOVE_AIR_HU = 13.0


def ascites(rng: Rng, scene: Scene) -> Scene:
    """Fluid 4 to 20 mm deep about liver, spleen and stomach; nothing where none of them is in view.

    It spreads through fat from the organs outwards, so that no fat behind a muscle is reached, and spares a rim of
    perirenal fat of 1 to 8 mm.
    """
    organs = np.isin(scene.organs, _ORGANS)
    if not organs.any():
        return scene
    smooth = ndimage.uniform_filter(scene.hu, (1, 3, 3))
    air = max(-180.0, float(scene.hu.min()) + _ABOVE_AIR_HU)  # HU of some scans are clipped: lung looks like fat
    fat = (smooth < -35) & (smooth > air) & (scene.organs == 0) & (scene.labels == 0)
    kidneys = np.isin(scene.labels, KIDNEY_LABELS)
    box = Box.around(kidneys)
    if box is not None:
        near = box.grown(_RIM_MM[1] + 1, scene.spacing_mm, scene.shape).slices
        away = ndimage.distance_transform_edt(~(scene.labels[near] > 0), sampling=scene.spacing_mm)
        fat[near] &= away > rng.uniform(*_RIM_MM)
        behind = (box.start[1] + box.stop[1]) / 2 + _BEHIND_MM / float(scene.spacing_mm[1])
        wavy = behind + 8 / float(scene.spacing_mm[1]) * smooth_field(rng, scene.shape, scene.spacing_mm, 40.0)
        fat &= np.arange(scene.shape[1])[None, :, None] < wavy
    step = float(scene.spacing_mm[1])
    depth = rng.uniform(4, 20)
    start = ndimage.binary_dilation(organs, np.ones((1, 3, 3)), iterations=max(1, round(3.5 / step))) & fat
    reached = start
    if start.any():
        reached = ndimage.binary_dilation(start, np.ones((1, 3, 3)), max(1, round(depth / step)), mask=fat)
    uneven = smooth_field(rng, scene.shape, scene.spacing_mm, 40.0) > rng.uniform(-2.5, -0.5)
    share = ndimage.gaussian_filter((reached & uneven).astype(np.float32), 0.6 / scene.spacing_mm)
    share *= (scene.organs == 0) & (scene.labels == 0)
    low, high = (0, 20) if rng.random() < _SIMPLE_SHARE else (20, 45)
    fluid = float(rng.uniform(low, high)) + scene.noise.draw(rng, scene.shape)
    return scene.altered(np.asarray(scene.hu + share * (fluid - scene.hu), dtype=np.float32))
