"""Aneurysm of the aorta: a wide lumen in a thrombus, calcium in its wall, beside the kidneys and no part of them.

Abdominal aneurysms of 3 cm and more; of those seen at work most are 4 to 7 cm, a quarter with calcium in the thrombus
(AJR 1994, 163(5), doi 10.2214/ajr.163.5.7976888). Thrombus lines four in ten of the small and all of the largest, where
it takes 70 % of the section (Behr-Rasmussen et al., Eur J Vasc Endovasc Surg 2014).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box

from .fields import Field, Rng, smooth_field
from .partial_volume import share_within
from .scene import Scene
from .sources import ORGANS

_FEWEST_SLICES = 4
_REACH_MM = 40.0
_BONE_HU = 180.0


def aortic_aneurysm(rng: Rng, scene: Scene) -> Scene:
    """The aorta widened to 30 to 65 mm over a stretch; nothing where no aorta is in view.

    It takes fat, veins and gut about the aorta, no kidney, no bone and no other organ, and counts as aorta.
    """
    aorta = scene.organs == ORGANS["aorta"]
    found = Box.around(aorta)
    if found is None or found.shape[0] < _FEWEST_SLICES:
        return scene
    box = found.grown(_REACH_MM, scene.spacing_mm, scene.shape)
    part, own = scene.crop(box), aorta[box.slices]
    spacing, shape = part.spacing_mm, part.shape
    along, lumen_mm = _axis(own, spacing)
    radius = float(rng.uniform(15, 32))
    length = float(rng.uniform(15, 45))
    slices = np.flatnonzero(own.any(axis=(1, 2)))
    z = ((np.arange(shape[0]) - rng.choice(slices)) * spacing[0]).astype(np.float32)
    swell = np.exp(-((z / length) ** 2)) * (radius - lumen_mm)  # of the radius, slice by slice
    aside = rng.normal(0, 0.3)
    middle = along + np.stack([-0.7 * swell, aside * swell], axis=1)  # the spine stands behind: it grows forward
    uneven = 0.05 * radius * smooth_field(rng, shape, spacing, 20.0)
    outer = _from_axis(middle, shape, spacing) - (lumen_mm + swell)[:, None, None] + uneven
    outer = np.where((swell > 1.5)[:, None, None], outer, np.float32(20)).astype(np.float32)
    claimed = (part.labels > 0) | ((part.organs > 0) & ~own)
    blocked = claimed | ndimage.binary_opening(_bone_or_air(part, along), np.ones((1, 2, 2)))
    clear = ndimage.distance_transform_edt(~blocked, sampling=spacing).astype(np.float32)
    outer = np.maximum(outer, 1.0 - clear)
    hu = _content(rng, part, own, outer, _from_axis(0.6 * along + 0.4 * middle, shape, spacing) - lumen_mm)
    share = share_within(outer, spacing, 0.7) * ~blocked
    result, organs = scene.hu.copy(), scene.organs.copy()
    result[box.slices] = part.hu + share * (hu + part.noise.draw(rng, shape) - part.hu)
    organs[box.slices][(share > 0.5) & (part.organs == 0)] = ORGANS["aorta"]
    return replace(scene.altered(result.astype(np.float32)), organs=organs)


def _axis(own: npt.NDArray[np.bool_], spacing_mm: npt.NDArray[np.float64]) -> tuple[Field, float]:
    """Where the aorta's middle lies in each slice (j, i in mm), carried on above and below; and its radius."""
    slices = np.flatnonzero(own.any(axis=(1, 2)))
    centres = np.array([np.argwhere(own[k]).mean(axis=0) * spacing_mm[1:] for k in slices])
    every = np.arange(own.shape[0])
    along = np.stack([np.interp(every, slices, centres[:, n]) for n in range(2)], axis=1)
    area = np.median(own.sum(axis=(1, 2))[slices]) * spacing_mm[1] * spacing_mm[2]
    return along.astype(np.float32), float(np.sqrt(area / np.pi))


def _from_axis(middle_mm: Field, shape: tuple[int, int, int], spacing_mm: npt.NDArray[np.float64]) -> Field:
    """Distance of each voxel to the vessel's middle in its own slice."""
    j, i = (np.arange(count) * step for count, step in zip(shape[1:], spacing_mm[1:], strict=True))
    down, across = j[None, :, None] - middle_mm[:, :1, None], i[None, None] - middle_mm[:, 1:, None]
    return np.asarray(np.hypot(down, across), dtype=np.float32)


def _content(rng: Rng, part: Scene, own: npt.NDArray[np.bool_], outer: Field, to_lumen: Field) -> Field:
    """HU of blood, thrombus (or none) and the wall's calcium."""
    blood = float(np.median(part.hu[own]))
    thrombus = float(rng.uniform(25, 60)) + 4 * smooth_field(rng, part.shape, part.spacing_mm, 9.0)
    wider = rng.uniform(0, 4) if rng.random() < 0.8 else 60.0  # seldom no thrombus at all
    share = share_within(np.asarray(to_lumen - wider, dtype=np.float32), part.spacing_mm, 0.7)
    hu = thrombus + share * (blood - thrombus)
    patches = smooth_field(rng, part.shape, part.spacing_mm, 7.0) > rng.uniform(0.4, 1.6)
    wall = np.exp(-(((outer + 0.7) / 0.7) ** 2)) * patches
    return np.asarray(hu + wall * (rng.uniform(300, 900) - hu), dtype=np.float32)


def _bone_or_air(part: Scene, along_mm: Field) -> npt.NDArray[np.bool_]:
    """What is bright behind the aorta is bone; what is bright in front of it are vessels and gut, which give way."""
    smooth = ndimage.uniform_filter(part.hu, (1, 3, 3))
    behind = np.arange(part.shape[1])[None, :, None] * part.spacing_mm[1] > along_mm[:, :1, None]
    return np.asarray(((smooth > _BONE_HU) & (part.organs == 0) & behind) | (smooth < -250), dtype=bool)
