"""Look-alikes: things in a healthy kidney that are no mass, so that a network learns to leave them alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, Side

from .fields import Field, Rng, smooth_field
from .levels import layered
from .partial_volume import share_within
from .scene import Scene
from .shapes import Ellipsoid

Mask = npt.NDArray[np.bool_]


def pyramids(rng: Rng, scene: Scene, side: Side) -> Scene:
    """Medulla darker or brighter than the cortex, in patches of pyramid size."""
    return _in_kidney(rng, scene, side, _pyramids)


def dilated_pelvis(rng: Rng, scene: Scene, side: Side) -> Scene:
    """Urine (or contrast) filling part of the sinus: hydronephrosis, an extrarenal pelvis."""
    return _in_kidney(rng, scene, side, _pelvis)


def stones(rng: Rng, scene: Scene, side: Side) -> Scene:
    """One to four stones of 2 to 9 mm at the edge of the sinus."""
    return _in_kidney(rng, scene, side, _stones)


def prominent_column(rng: Rng, scene: Scene, side: Side) -> Scene:
    """A hypertrophied column of Bertin: 8 to 24 mm of cortex, as bright as the rest, pushing into the sinus."""
    kidney = scene.labels == Label.kidney(side)
    sinus = kidney & ~scene.parenchyma
    edge = sinus & ndimage.binary_dilation(scene.parenchyma & kidney)
    places = np.argwhere(edge)
    if len(places) == 0:
        return scene
    centre = places[int(rng.integers(len(places)))] * scene.spacing_mm
    diameter = float(rng.uniform(8, 24))
    outline = Ellipsoid.draw(rng, diameter, float(rng.uniform(0, 0.1)))
    box = Box.around(kidney)
    if box is None:
        return scene
    axes = [
        (np.arange(start, stop) * step - at).astype(np.float32)
        for start, stop, step, at in zip(box.start, box.stop, scene.spacing_mm, centre, strict=True)
    ]
    signed = outline.signed_mm(np.stack(np.meshgrid(*axes, indexing="ij")))
    signed = np.where(sinus[box.slices], signed, np.maximum(signed, 0))  # the parenchyma about it stays as it is
    share = share_within(signed, scene.spacing_mm, 0.6) * sinus[box.slices]
    tissue = scene.hu[scene.parenchyma & kidney]
    hu, parenchyma = scene.hu.copy(), scene.parenchyma.copy()
    drawn = float(np.quantile(tissue, rng.uniform(0.5, 0.8))) + scene.noise.draw(rng, box.shape)
    hu[box.slices] += share * (drawn - hu[box.slices])
    parenchyma[box.slices] |= share > 0.5
    return replace(scene.altered(hu), parenchyma=parenchyma)


def lookalike(rng: Rng, scene: Scene, side: Side) -> Scene:
    """A random one of them."""
    kinds = (pyramids, dilated_pelvis, stones, prominent_column)
    return kinds[int(rng.choice(4, p=[0.25, 0.4, 0.1, 0.25]))](rng, scene, side)


def _in_kidney(rng: Rng, scene: Scene, side: Side, change: Callable[[Rng, Scene, Mask], Field]) -> Scene:
    kidney = scene.labels == Label.kidney(side)
    box = Box.around(kidney)
    if box is None:
        return scene
    where = box.slices
    part = scene.crop(box)
    hu = scene.hu.copy()
    hu[where] = change(rng, part, kidney[where])
    return scene.altered(hu)


def _pyramids(rng: Rng, part: Scene, kidney: Mask) -> Field:
    tissue = kidney & part.parenchyma
    depth = ndimage.distance_transform_edt(np.pad(kidney, 1), sampling=part.spacing_mm)[1:-1, 1:-1, 1:-1]
    field = smooth_field(rng, part.shape, part.spacing_mm, rng.uniform(7, 13))
    share = 1 / (1 + np.exp(-(field - rng.uniform(0.0, 0.8)) / 0.2)) / (1 + np.exp(-(depth - rng.uniform(4, 8)) / 0.6))
    share = ndimage.gaussian_filter(np.where(tissue, share, 0).astype(np.float32), 0.6 / part.spacing_mm)
    depth_hu = rng.uniform(0.1, 0.4) * (part.kidney_hu + 20) * (-1 if rng.random() < 0.8 else 0.6)
    return np.asarray(part.hu + share * depth_hu, dtype=np.float32)


def _pelvis(rng: Rng, part: Scene, kidney: Mask) -> Field:
    sinus = kidney & ~part.parenchyma & (part.labels <= Label.KIDNEY_LEFT)
    if sinus.sum() < 30:
        return part.hu
    inner = ndimage.distance_transform_edt(~sinus, sampling=part.spacing_mm)
    depth = ndimage.distance_transform_edt(np.pad(kidney, 1), sampling=part.spacing_mm)[1:-1, 1:-1, 1:-1]
    swell = rng.uniform(-2, 5 if rng.random() < 0.75 else 12) + 1.5 * smooth_field(rng, part.shape, part.spacing_mm, 12)
    signed = np.maximum(inner - swell, 5 - depth)  # a rim of parenchyma stays
    urine: Field | float = float(rng.normal(7, 5))
    if rng.random() < 0.2:  # contrast medium, at times settled
        bright = float(rng.uniform(120, 400))
        urine = layered(rng, signed < 0, part.spacing_mm, float(urine), bright) if rng.random() < 0.4 else bright
    share = 1 / (1 + np.exp(signed / 0.5)) * kidney
    return np.asarray(part.hu + share * (urine + part.noise.draw(rng, part.shape) - part.hu), dtype=np.float32)


def _stones(rng: Rng, part: Scene, kidney: Mask) -> Field:
    hu = part.hu.copy()
    sinus = kidney & ~part.parenchyma
    places = np.argwhere(sinus if sinus.any() else kidney)
    axes = [np.arange(count) * step for count, step in zip(part.shape, part.spacing_mm, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"))
    for _ in range(int(rng.integers(1, 5))):
        centre = places[int(rng.integers(len(places)))] * part.spacing_mm
        radius = rng.uniform(1.0, 4.5)
        distance = np.sqrt(((grid - centre.reshape(3, 1, 1, 1)) ** 2).sum(axis=0))
        hu = hu + (1 / (1 + np.exp((distance - radius) / 0.5))) * (rng.uniform(200, 900) - hu)
    return np.asarray(np.minimum(hu, max(float(part.hu.max()), 276.0)), dtype=np.float32)
