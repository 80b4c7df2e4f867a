"""Repainting: another inside for a kidney whose outline, surroundings and noise stay.

Within a millimetre or two of the outer boundary the scan keeps its own edge, steered to the new cortex; deeper in,
pyramids, columns, sinus fat with septa, calyces, pelvis and vessels are drawn anew. None of it is a mass.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, Side

from .fields import Field, Rng, smooth_field
from .interior import Interior, draw_interior
from .kidney_tissue import KidneyTissue
from .scene import Scene
from .steering import steered_to

_EDGE_MM = 1.0
_FADE_MM = 1.5


def repainted(rng: Rng, scene: Scene, side: Side, tissue: KidneyTissue, carve: bool) -> Scene:
    """``scene`` with another inside in the kidney of ``side``; labels stay, the parenchyma is what was drawn as such.

    Args:
        carve: whether the sinus is widened into the kidney's core (`interior.draw_interior`).
    """
    kidney = scene.labels == Label.kidney(side)
    box = Box.around(kidney)
    if box is None:
        return scene
    box = box.grown(7, scene.spacing_mm, scene.shape)
    where = box.slices
    part, own = scene.crop(box), kidney[where]
    whole = own | part.masses
    interior = draw_interior(rng, whole, own & ~part.parenchyma, part.spacing_mm, carve)
    cortex = np.full(part.shape, tissue.cortex, dtype=np.float32)
    hu, _ = steered_to(part, part.hu, own & part.parenchyma, own, cortex)
    drawn = painted_interior(rng, interior, tissue, part.spacing_mm) + part.noise.draw(rng, part.shape)
    share = np.clip((interior.depth_mm - _EDGE_MM) / _FADE_MM, 0, 1) * own
    if part.masses.any():  # their borders stay as they were
        share *= np.clip(ndimage.distance_transform_edt(~part.masses, sampling=part.spacing_mm) - 0.7, 0, 1)
    if scene.kind == "phantom":  # its cortex ends in a bright line across the hilum
        lip = ndimage.binary_dilation((interior.sinus > 0.5) & (interior.depth_mm < 2) & own, iterations=2)
        lip &= (part.labels == 0) | (interior.sinus > 0.5)
        share, drawn = np.where(lip, 1, share), np.where(lip & ~own, tissue.fat, drawn)
    result, parenchyma = scene.hu.copy(), scene.parenchyma.copy()
    result[where] = hu + share * (drawn - hu)
    sinus = np.maximum(interior.sinus, interior.urine) > 0.5
    parenchyma[where] = np.where(own & (interior.depth_mm > _EDGE_MM), ~sinus, parenchyma[where])
    return replace(scene.altered(result), parenchyma=parenchyma)


def painted_interior(rng: Rng, interior: Interior, tissue: KidneyTissue, spacing_mm: npt.NDArray[np.float64]) -> Field:
    """HU of an interior without noise, valid inside the kidney."""
    shape = interior.depth_mm.shape[0], interior.depth_mm.shape[1], interior.depth_mm.shape[2]
    hu = parenchyma_hu(rng, interior, tissue, spacing_mm)
    coarse, fine = (smooth_field(rng, shape, spacing_mm, length) for length in (9.0, 3.0))
    septa = np.exp(-((coarse / 0.12) ** 2)) * rng.uniform(0, 45)  # thin sheets, where the field crosses zero
    fat = tissue.fat + 7 * fine + septa
    hu = hu + interior.sinus * (fat - hu)
    hu = hu + interior.vessel * (tissue.vessel - hu)
    return np.asarray(hu + interior.urine * (tissue.urine - hu), dtype=np.float32)


def parenchyma_hu(rng: Rng, interior: Interior, tissue: KidneyTissue, spacing_mm: npt.NDArray[np.float64]) -> Field:
    """HU of cortex and pyramids without noise."""
    shape = interior.depth_mm.shape[0], interior.depth_mm.shape[1], interior.depth_mm.shape[2]
    texture = smooth_field(rng, shape, spacing_mm, 20.0) * np.float32(0.02 * tissue.cortex)
    pyramid = tissue.medulla + (tissue.papilla - tissue.medulla) * interior.papilla**2
    return np.asarray(tissue.cortex + texture + interior.medulla * (pyramid - tissue.cortex), dtype=np.float32)
