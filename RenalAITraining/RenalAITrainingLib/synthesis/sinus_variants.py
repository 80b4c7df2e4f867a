"""Variants of the renal sinus that are taken for masses and are none: much fat, lobules of it, peripelvic cysts.

Fat of the sinus grows with age, weight and loss of parenchyma (lipomatosis); a lobule of it cut across looks like a
small AML, the more so where a thick slice makes it -60 HU. Peripelvic cysts are lymphatic, many, and wrap round the
calyces: they are part of the sinus. A parapelvic cyst comes from the parenchyma and is a cystic mass: `masses` puts
that in, with its label (Radiopaedia, Renal sinus cysts).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, Side

from .fields import Field, Rng, smooth_field
from .interior import from_segment
from .offsets import offsets_mm
from .partial_volume import share_within
from .scene import Scene
from .shapes import Ellipsoid

Mask = npt.NDArray[np.bool_]

_LEAST_SINUS = 0.03  # of the kidney's voxels: below, its readers left next to none out
_EDGE_MM = 2.5
_CORE_SHARE = 0.8  # of the greatest depth: where a sinus would be


@dataclass(frozen=True, eq=False)
class _Sinus:
    """One kidney and its sinus, cropped: ``depth`` is the distance to the outer surface, ``signed`` to the sinus."""

    box: Box
    part: Scene
    kidney: Mask
    inside: Mask
    depth: Field
    signed: Field


def sinus_lipomatosis(rng: Rng, scene: Scene, side: Side) -> Scene:
    """The sinus widened by 1 to 8 mm and filled with fat, vessels running through it; 6 to 12 mm of parenchyma stay."""
    sinus = _sinus_of(scene, side)
    if sinus is None:
        return scene
    part, shape, spacing = sinus.part, sinus.part.shape, sinus.part.spacing_mm
    grown = rng.uniform(1, 8) + rng.uniform(1, 3) * smooth_field(rng, shape, spacing, rng.uniform(7, 12))
    signed = np.maximum(sinus.signed - grown, rng.uniform(6, 12) - sinus.depth)
    signed = np.where(sinus.inside, np.minimum(signed, sinus.signed), signed)
    hu = _fat_hu(rng, part, sinus.kidney)
    hu = hu + _vessels(rng, sinus, signed) * (_vessel_hu(rng, part) - hu)
    soft = (ndimage.uniform_filter(part.hu, (1, 3, 3)) > -20) & (sinus.signed < -_EDGE_MM)  # not the old border
    keeps = ndimage.gaussian_filter(soft.astype(np.float32), 0.6 / spacing)  # vessels and pelvis that were there
    return _painted(rng, scene, sinus, share_within(signed, spacing, float(rng.uniform(0.6, 1.2))) * (1 - keeps), hu)


def sinus_lobules(rng: Rng, scene: Scene, side: Side) -> Scene:
    """One to four round lobules of fat of 5 to 18 mm that bulge from the sinus into the parenchyma."""
    sinus = _sinus_of(scene, side)
    if sinus is None:
        return scene
    part, spacing = sinus.part, sinus.part.spacing_mm
    places = np.argwhere(sinus.inside & (np.abs(sinus.signed) < 5) & (sinus.depth > 5))
    if len(places) == 0:
        return scene
    signed = np.full(part.shape, 20.0, dtype=np.float32)
    for _ in range(int(rng.integers(1, 5))):
        centre = places[int(rng.integers(len(places)))] * spacing
        outline = Ellipsoid.draw(rng, float(rng.uniform(5, 18)), float(rng.uniform(0, 0.12)))
        signed = np.minimum(signed, outline.signed_mm(offsets_mm(Box.whole(part.shape), centre, spacing)))
    signed = np.maximum(signed, 4.0 - sinus.depth)
    blur = float(rng.uniform(0.5, 1.6))
    return _painted(rng, scene, sinus, share_within(signed, spacing, blur), _fat_hu(rng, part, sinus.kidney))


def peripelvic_cysts(rng: Rng, scene: Scene, side: Side) -> Scene:
    """Two to eight water-like cysts of 5 to 20 mm that share the sinus and hardly leave it; no mass in the truth."""
    sinus = _sinus_of(scene, side)
    if sinus is None:
        return scene
    part, spacing = sinus.part, sinus.part.spacing_mm
    places = np.argwhere(sinus.inside & (sinus.depth > 3))
    if len(places) == 0:
        return scene
    signed = np.full(part.shape, 20.0, dtype=np.float32)
    for _ in range(int(rng.integers(2, 9))):
        centre = places[int(rng.integers(len(places)))] * spacing
        outline = Ellipsoid.draw(rng, float(rng.uniform(5, 20)), float(rng.uniform(0, 0.1)))
        one = outline.signed_mm(offsets_mm(Box.whole(part.shape), centre, spacing))
        apart = np.maximum(one, 0.8 - signed)  # a wall between neighbours
        signed = np.where(signed < 0, signed, np.minimum(signed, apart))
    signed = np.maximum(signed, np.maximum(sinus.signed - rng.uniform(0, 4), 4.0 - sinus.depth))
    water = float(rng.normal(7, 5)) + 1.5 * smooth_field(rng, part.shape, spacing, 8.0)
    return _painted(rng, scene, sinus, share_within(signed, spacing, 0.6), water)


def _sinus_of(scene: Scene, side: Side) -> _Sinus | None:
    """None where the scene has no such kidney."""
    whole = scene.labels == Label.kidney(side)
    box = Box.around(whole)
    if box is None:
        return None
    part, kidney = scene.crop(box), whole[box.slices]
    filled = np.pad(kidney | part.masses, 1)
    depth = ndimage.distance_transform_edt(filled, sampling=part.spacing_mm)[1:-1, 1:-1, 1:-1].astype(np.float32)
    inside = kidney & ~part.parenchyma
    if inside.sum() < _LEAST_SINUS * kidney.sum():
        inside |= kidney & (depth > _CORE_SHARE * depth.max())
    outer = ndimage.distance_transform_edt(~inside, sampling=part.spacing_mm)
    signed = outer - ndimage.distance_transform_edt(inside, sampling=part.spacing_mm)
    return _Sinus(box, part, kidney, inside, depth, signed.astype(np.float32))


def _fat_hu(rng: Rng, part: Scene, kidney: Mask) -> Field:
    """Fat as pure as that about the kidney, or fibrous and mixed (-85 to -25 HU), with thin septa."""
    about = part.hu[(part.labels == 0) & (part.hu < -60) & (part.hu > -140)]
    own = float(np.median(about)) if about.size > 50 else -100.0
    level = own + rng.uniform(-5, 15) if rng.random() < 0.65 else rng.uniform(-85, -25)
    coarse, fine = (smooth_field(rng, part.shape, part.spacing_mm, length) for length in (9.0, 3.5))
    septa = np.exp(-((coarse / 0.12) ** 2)) * rng.uniform(0, 45)
    return np.asarray(level + 6 * fine + septa, dtype=np.float32)


def _vessel_hu(rng: Rng, part: Scene) -> float:
    """Blood as bright as it may be beside this parenchyma."""
    return float(rng.uniform(0.7, 1.2) * part.kidney_hu if part.enhanced else rng.uniform(32, 46))


def _vessels(rng: Rng, sinus: _Sinus, signed: Field) -> Field:
    """Share of three to nine thin vessels from the middle of the old sinus to the edge of the new one."""
    part = sinus.part
    fat, edge = np.nonzero(signed < 1), np.argwhere((np.abs(signed) < 1.5) & (sinus.depth > 5))
    distance = np.full(part.shape, 20.0, dtype=np.float32)
    if len(edge) == 0 or fat[0].size == 0:
        return np.zeros(part.shape, dtype=np.float32)
    at = (np.stack(fat, axis=1) * part.spacing_mm).astype(np.float32)
    hub = (np.argwhere(sinus.inside).mean(axis=0) * part.spacing_mm).astype(np.float32)
    best = np.full(len(at), np.float32(20))
    for _ in range(int(rng.integers(3, 10))):
        end = (edge[int(rng.integers(len(edge)))] * part.spacing_mm).astype(np.float32)
        start = (hub + rng.normal(0, 3, 3)).astype(np.float32)
        best = np.minimum(best, from_segment(at, start, end) - np.float32(rng.uniform(0.5, 1.8)))
    distance[fat] = best
    return share_within(distance, part.spacing_mm, 0.6)


def _painted(rng: Rng, scene: Scene, sinus: _Sinus, share: Field, wanted: Field) -> Scene:
    """``scene`` with tissue put into a kidney's sinus: labels stay, and what is drawn is parenchyma no more."""
    part, where = sinus.part, sinus.box.slices
    share = share * sinus.kidney * ~ndimage.binary_dilation(part.masses)
    hu, parenchyma = scene.hu.copy(), scene.parenchyma.copy()
    hu[where] = part.hu + share * (wanted + part.noise.draw(rng, part.shape) - part.hu)
    parenchyma[where] &= ~((share > 0.5) & sinus.kidney)
    return replace(scene.altered(hu.astype(np.float32)), parenchyma=parenchyma)
