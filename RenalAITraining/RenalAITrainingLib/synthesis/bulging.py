"""Bulges: kidneys that are humped or lobulated, by pushing the image and its truth together.

A dromedary hump (the spleen's imprint above it), fetal lobulation and uneven borders are normal variants that are
taken for masses (Bhatt et al., Renal pseudotumors, AJR 2007, 188:1380).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, Side

from .fields import Rng, smooth_field
from .scene import Scene
from .warping import pulled


def humped(rng: Rng, scene: Scene, side: Side) -> Scene:
    """A hump of 4 to 9 mm on the outer surface of one kidney, 15 to 35 mm wide."""
    height = rng.uniform(4.0, 9.0)
    return pushed(rng, scene, side, height, height * rng.uniform(1.1, 1.9))


def pushed(rng: Rng, scene: Scene, side: Side, height_mm: float, width_mm: float) -> Scene:
    """A spot on the outer surface of one kidney pushed out by ``height_mm`` (in where negative), fading over a width.

    ``width_mm`` is the standard deviation of the push about the spot.
    """
    kidney = scene.labels == Label.kidney(side)
    box = Box.around(kidney)
    if box is None:
        return scene
    rim = kidney[box.slices] & ~ndimage.binary_erosion(kidney[box.slices])
    rim &= ndimage.binary_dilation(scene.parenchyma[box.slices])
    points = (np.argwhere(rim) + box.start) * scene.spacing_mm
    if len(points) == 0:
        return scene
    middle = points.mean(axis=0)
    at = points[int(rng.integers(len(points)))]
    outward = (at - middle) / max(float(np.linalg.norm(at - middle)), 1e-6)
    squared = np.zeros(scene.shape, dtype=np.float32)
    for axis, (count, step) in enumerate(zip(scene.shape, scene.spacing_mm, strict=True)):
        line = (np.arange(count) * step - at[axis]).astype(np.float32)
        squared += (line**2).reshape([-1 if n == axis else 1 for n in range(3)])
    push = np.exp(-squared / (2 * width_mm**2)) * np.float32(height_mm)
    return pulled(
        scene, [-push * np.float32(part / step) for part, step in zip(outward, scene.spacing_mm, strict=True)]
    )


def lobulated(rng: Rng, scene: Scene) -> Scene:
    """Borders uneven over 12 to 20 mm by 1 to 2 mm: of the kidneys as of all else."""
    length, amount = rng.uniform(12, 20), rng.uniform(0.7, 1.4)
    shifts: list[npt.NDArray[np.float32]] = [
        smooth_field(rng, scene.shape, scene.spacing_mm, length) * np.float32(amount / step)
        for step in scene.spacing_mm
    ]
    return pulled(scene, shifts)
