"""Neighbours of a kidney that look like masses of it and are none.

A nodule of the adrenal, an accessory spleen (1 to 3 cm, as bright as the spleen), a lymph node or a vein in section
lie in the fat beside the kidney (Bhatt et al., Renal pseudotumors, AJR 2007, 188:1380). None touches the label of the
kidney. The pelvis outside it is `renal_pelvis`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, Side

from .fields import Field, Rng, smooth_field
from .partial_volume import share_within
from .scene import Scene
from .shapes import Ellipsoid

_REACH_MM = 34.0
_FEWEST_PLACES = 20
_HILUM_MM = 6.0  # farther from the sinus than its nearest fat lies: beside the hilum


def nodule_beside(rng: Rng, scene: Scene, side: Side) -> Scene:
    """A nodule of 6 to 28 mm in the fat beside one kidney, 0.5 to 4 mm off it."""
    diameter = float(np.exp(rng.uniform(np.log(6), np.log(28))))
    low, high = (40.0, max(1.05 * scene.kidney_hu, 90.0)) if scene.enhanced else (-5.0, 50.0)
    hu = float(rng.uniform(low, high))
    return _beside(rng, scene, side, diameter, float(rng.uniform(0.5, 4)), hu, at_hilum=False)


def hilar_vessels(rng: Rng, scene: Scene, side: Side) -> Scene:
    """One to three thick vessels in section at the hilum, as bright as blood may be beside this parenchyma."""
    for _ in range(int(rng.integers(1, 4))):
        blood = rng.uniform(0.6, 1.4) * scene.kidney_hu if scene.enhanced else rng.uniform(32, 46)
        diameter, gap = float(rng.uniform(4, 12)), float(rng.uniform(0, 2))
        scene = _beside(rng, scene, side, diameter, gap, float(blood), at_hilum=True, stretch=2.5)
    return scene


def _beside(
    rng: Rng, scene: Scene, side: Side, diameter_mm: float, gap_mm: float, hu: float, *, at_hilum: bool,
    stretch: float = 1.0,
) -> Scene:  # fmt: skip
    """An ellipsoid painted into the fat near a kidney; nothing where there is no room."""
    kidney = scene.labels == Label.kidney(side)
    found = Box.around(kidney)
    if found is None:
        return scene
    box = found.grown(_REACH_MM, scene.spacing_mm, scene.shape)
    part, own = scene.crop(box), kidney[box.slices]
    away = ndimage.distance_transform_edt(~(part.labels > 0), sampling=part.spacing_mm).astype(np.float32)
    places = _places(part, own, away, gap_mm + 0.35 * diameter_mm, at_hilum)
    if len(places) < _FEWEST_PLACES:
        return scene
    centre = places[int(rng.integers(len(places)))] * part.spacing_mm
    outline = Ellipsoid.draw(rng, diameter_mm, float(rng.uniform(0, 0.12)))
    axes = [
        (np.arange(count) * step - at).astype(np.float32)
        for count, step, at in zip(part.shape, part.spacing_mm, centre, strict=True)
    ]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"))
    offsets[0] /= np.float32(stretch)  # vessels run up and down a little way
    signed = np.maximum(outline.signed_mm(offsets), gap_mm - away)
    share = share_within(signed, part.spacing_mm, 0.6) * ~_taken(part)
    texture = smooth_field(rng, part.shape, part.spacing_mm, max(diameter_mm / 3, 2.5)) * np.float32(rng.uniform(0, 6))
    drawn = hu + texture + part.noise.draw(rng, part.shape)
    result = scene.hu.copy()
    result[box.slices] = part.hu + share * (drawn - part.hu)
    return scene.altered(result)


def _places(
    part: Scene, own: npt.NDArray[np.bool_], away: Field, distance_mm: float, at_hilum: bool
) -> npt.NDArray[np.intp]:
    """Voxels of fat at about a distance from the kidney; at the hilum those that look into its sinus."""
    fat = (ndimage.uniform_filter(part.hu, (1, 3, 3)) < -20) & (part.hu > -200) & (part.labels == 0)
    ring = fat & (away > max(distance_mm - 2, 0.5)) & (away < distance_mm + 2)
    if at_hilum and ring.any():
        sinus = own & ~part.parenchyma
        if not sinus.any():
            return np.zeros((0, 3), dtype=np.intp)
        to_sinus = ndimage.distance_transform_edt(~sinus, sampling=part.spacing_mm)
        ring &= to_sinus < to_sinus[ring].min() + _HILUM_MM
    return np.argwhere(ring)


def _taken(part: Scene) -> npt.NDArray[np.bool_]:
    """Bone, organs, kidneys, masses and air, which stay."""
    return np.asarray((part.labels > 0) | (part.organs > 0) | (part.hu > 220) | (part.hu < -250), dtype=bool)
