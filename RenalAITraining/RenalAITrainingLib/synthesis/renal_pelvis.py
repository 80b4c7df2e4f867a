"""Extrarenal pelvis: a funnel of urine that leaves the sinus, swells in front of the hilum and runs into a ureter.

About one person in ten has one; cut across beside the kidney it looks like a cyst, but it hangs on the sinus and on
the ureter. It is neither mass nor kidney in the truth beyond the kidney's own outline.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, Side

from .fields import Field, Rng, smooth_field
from .interior import from_segment
from .kidney_tissue import Phase
from .levels import layered
from .partial_volume import share_within
from .scene import Scene

Mask = npt.NDArray[np.bool_]
Point = npt.NDArray[np.float32]

_REACH_MM = 45.0
_LIP_MM = 1.0
_HILUM_MM = 9.0  # so near the sinus small vessels give way to a pelvis


def extrarenal_pelvis(rng: Rng, scene: Scene, side: Side, phase: Phase | None = None) -> Scene:
    """A pelvis of 10 to 38 mm in front of the hilum: water; in the excretory phase contrast medium, often settled.

    Returned as it is where the kidney has no sinus, or no room at its hilum.
    """
    kidney = scene.labels == Label.kidney(side)
    found = Box.around(kidney)
    if found is None:
        return scene
    box = found.grown(_REACH_MM, scene.spacing_mm, scene.shape)
    part, own = scene.crop(box), kidney[box.slices]
    sinus = own & ~part.parenchyma
    hilum = _hilum(own, sinus, part)
    if hilum is None:
        return scene
    mouth, outward, middle = hilum
    signed = _funnel(rng, part, mouth, outward, middle)
    near = ndimage.distance_transform_edt(~sinus, sampling=part.spacing_mm)
    blocked = ndimage.binary_opening(_taken(part, own, sinus, near), np.ones((1, 2, 2)))
    clear = ndimage.distance_transform_edt(~blocked, sampling=part.spacing_mm).astype(np.float32)
    signed = np.maximum(signed, 1.0 - clear)
    inside = (signed < 0) & ~blocked
    if (inside & ~own).sum() * float(np.prod(part.spacing_mm)) < 250:  # no room outside: 8 mm across
        return scene
    share = share_within(signed, part.spacing_mm, float(rng.uniform(0.5, 0.9))) * ~blocked
    wanted = _urine(rng, part, inside, phase) + 1.5 * smooth_field(rng, part.shape, part.spacing_mm, 10.0)
    hu = scene.hu.copy()
    hu[box.slices] = part.hu + share * (wanted + part.noise.draw(rng, part.shape) - part.hu)
    return scene.altered(hu.astype(np.float32))


def _hilum(own: Mask, sinus: Mask, part: Scene) -> tuple[Point, Point, Point] | None:
    """Where the sinus opens (mm), the way out of it (a unit vector, nearly level) and the sinus' middle."""
    spacing = part.spacing_mm
    rim = own & ndimage.binary_dilation(~own & ~part.masses, np.ones((1, 3, 3)), iterations=1)
    if not sinus.any() or not rim.any():
        return None
    to_sinus = ndimage.distance_transform_edt(~sinus, sampling=spacing)
    lip = np.argwhere(rim & (to_sinus < to_sinus[rim].min() + _LIP_MM))
    mouth = np.median(lip, axis=0) * spacing
    nearest = lip[int((((lip * spacing) - mouth) ** 2).sum(axis=1).argmin())] * spacing
    outward = nearest - np.argwhere(own).mean(axis=0) * spacing
    outward[0] *= 0.2
    length = float(np.linalg.norm(outward))
    if length < 3:
        return None
    middle = np.argwhere(sinus).mean(axis=0) * spacing
    return nearest.astype(np.float32), (outward / length).astype(np.float32), middle.astype(np.float32)


def _funnel(rng: Rng, part: Scene, mouth: Point, outward: Point, middle: Point) -> Field:
    """Signed distance to the neck in the sinus, the pelvis outside and the ureter that leaves it downwards."""
    size = float(np.exp(rng.uniform(np.log(10), np.log(38))))
    squeezed = rng.uniform(0.55, 1.0)  # flatter from front to back than from side to side
    radii = np.array([rng.uniform(0.8, 1.3), squeezed, 1.0]) * size / 2
    centre = mouth + outward * np.float32(rng.uniform(0.2, 0.5) * size + rng.uniform(0, 4))
    centre = centre + np.array([rng.normal(0, 3), rng.normal(0, 2), 0], dtype=np.float32)
    k, j, i = part.shape
    at = (np.indices((k, j, i)).reshape(3, -1).T * part.spacing_mm).astype(np.float32)
    for axis in range(3):
        at[:, axis] += 0.9 * smooth_field(rng, part.shape, part.spacing_mm, 12.0).ravel()
    scaled = np.sqrt((((at - centre) / radii.astype(np.float32)) ** 2).sum(axis=1))
    pelvis = (scaled - 1) * np.float32(radii.min())
    neck = from_segment(at, middle, centre) - np.float32(min(rng.uniform(1.5, 5), size / 3))
    tip = centre + np.array([-rng.uniform(0.5, 0.9) * size, 0, 0], dtype=np.float32)
    towards = np.float32(np.sign(outward[2]) * rng.uniform(0, 8))
    end = tip + np.array([-rng.uniform(15, 40), rng.uniform(-2, 6), towards], dtype=np.float32)
    ureter = np.minimum(from_segment(at, centre, tip) - 2.5, from_segment(at, tip, end) - rng.uniform(1.2, 2.8))
    signed = np.minimum(np.minimum(pelvis, neck), ureter)
    return np.asarray(signed.reshape(k, j, i), dtype=np.float32)


def _taken(part: Scene, own: Mask, sinus: Mask, near_sinus_mm: npt.NDArray[np.float64]) -> Mask:
    """What a pelvis may not take: the parenchyma, masses, organs, bone, air, and soft tissue away from the hilum."""
    smooth = ndimage.uniform_filter(part.hu, (1, 3, 3))
    soft = (smooth > -25) & (near_sinus_mm > _HILUM_MM)
    other = (part.labels > 0) & ~sinus
    return np.asarray(other | ((part.organs > 0) & ~own) | soft | (smooth > 260) & ~own | (smooth < -160), dtype=bool)


def _urine(rng: Rng, part: Scene, inside: Mask, phase: Phase | None) -> Field | float:
    """HU of what fills it."""
    water = float(rng.normal(6, 5))
    if phase is not Phase.EXCRETORY or rng.random() < 0.3:
        return water
    bright = float(rng.uniform(150, 700))
    return layered(rng, inside, part.spacing_mm, water, bright) if rng.random() < 0.4 else bright
