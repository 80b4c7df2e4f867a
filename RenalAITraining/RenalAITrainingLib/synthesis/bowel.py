"""Bowel that lies against a kidney: the neighbour most often taken for kidney, with oral contrast or without any."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box
from RenalAILib.labels import KIDNEY_LABELS, Label, Side

from .fields import Field, Rng, smooth_field
from .scene import Scene
from .sources import ORGANS

_REACH_MM = 45.0
_BONE_HU = 220.0
_KIDNEY_ORGANS = (ORGANS["kidney_left"], ORGANS["kidney_right"])
_EDGE_MM = 0.6  # of the blur between gut and fat


def bowel_against(rng: Rng, scene: Scene, side: Side) -> Scene:
    """A loop of gut beside or in front of a kidney, touching it or a few millimetres off; the truth stays as it is.

    The loop is a bent tube of 16 to 44 mm. Its content is collapsed gut as dense as the tissues about it, water within
    an enhancing wall, positive oral contrast, or stool with gas. It takes fat and soft tissue that no label and no
    organ claims, and no bone.

    Args:
        scene: changed in a copy; returned as it is where it has no such kidney, or no fat beside it.
    """
    kidney = scene.labels == Label.kidney(side)
    found = Box.around(kidney)
    if found is None:
        return scene
    box = found.grown(_REACH_MM, scene.spacing_mm, scene.shape)
    part = scene.crop(box)
    own = part.labels > 0
    away = ndimage.distance_transform_edt(~own, sampling=part.spacing_mm).astype(np.float32)
    anchor = _anchor(rng, part, kidney[box.slices], away)
    if anchor is None:
        return scene
    radius = float(rng.uniform(8, 22))
    signed = _tube(rng, part, anchor, radius)
    gap = float(rng.choice([0.0, 0.0, 1.0, 3.0]))
    bone = ndimage.binary_dilation((part.hu > _BONE_HU) & ~own, iterations=1) & (part.hu > _BONE_HU / 2)
    claimed = (part.organs > 0) & ~np.isin(part.organs, _KIDNEY_ORGANS)
    share = soft_edge(signed) * np.clip((away - gap) / 0.8, 0, 1) * ~(bone | claimed | own)
    filling = _filling(rng, part, signed)
    hu = scene.hu.copy()
    hu[box.slices] = part.hu + share * (filling + part.noise.draw(rng, part.shape) - part.hu)
    return scene.altered(hu.astype(np.float32))


def _anchor(rng: Rng, part: Scene, kidney: npt.NDArray[np.bool_], away: Field) -> npt.NDArray[np.float64] | None:
    """A point of fat 1 to 6 mm off the kidney (k, j, i in mm), seldom behind it."""
    beside = (away > 1) & (away < 6) & (part.hu < -10) & (part.hu > -200)
    places = np.argwhere(beside)
    if len(places) < 20:
        return None
    middle = float(np.nonzero(kidney)[1].mean())
    weight = np.where(places[:, 1] < middle, 1.0, 0.15)  # gut lies in front and at the sides
    chosen = places[int(rng.choice(len(places), p=weight / weight.sum()))]
    return np.asarray(chosen * part.spacing_mm)


def _tube(rng: Rng, part: Scene, anchor_mm: npt.NDArray[np.float64], radius: float) -> Field:
    """Signed distance (mm, negative inside) to a bent tube whose wall passes the anchor, outside the kidney."""
    kidney = np.argwhere(np.isin(part.labels, KIDNEY_LABELS)).mean(axis=0) * part.spacing_mm
    outward = anchor_mm - kidney
    outward[0] *= 0.3
    outward /= max(float(np.linalg.norm(outward)), 1e-6)
    centre = anchor_mm + outward * radius * rng.uniform(0.5, 1.0)
    return bent_tube(rng, part, centre, outward, radius)


def bent_tube(
    rng: Rng, part: Scene, centre: npt.NDArray[np.float64], outward: npt.NDArray[np.float64], radius: float
) -> Field:
    """Signed distance (mm, negative inside) to a loop of gut, 10 to 80 mm long with folds in its wall.

    Args:
        part: the grid.
        centre: of the loop, (k, j, i) in mm from the grid's first voxel.
        outward: unit vector that the loop mostly runs across, and bends along.
        radius: mm.
    """
    along = rng.standard_normal(3)
    along -= outward * float(along @ outward) * rng.uniform(0.7, 1.0)
    along /= max(float(np.linalg.norm(along)), 1e-6)
    half = float(rng.uniform(5, 40))
    axes = [
        np.arange(count, dtype=np.float32) * np.float32(step)
        for count, step in zip(part.shape, part.spacing_mm, strict=True)
    ]
    offset = [
        grid - np.float32(at) for grid, at in zip(np.meshgrid(*axes, indexing="ij", sparse=True), centre, strict=True)
    ]
    t = np.clip(sum(o * np.float32(a) for o, a in zip(offset, along, strict=True)), -half, half)
    bend = np.float32(rng.uniform(-0.012, 0.012))
    squared = sum(
        (o - t * np.float32(a) - bend * t**2 * np.float32(n)) ** 2
        for o, a, n in zip(offset, along, outward, strict=True)
    )
    folds = 0.1 * radius * smooth_field(rng, part.shape, part.spacing_mm, max(radius / 2, 6.0))
    return np.asarray(np.sqrt(squared) - radius + folds, dtype=np.float32)


def _filling(rng: Rng, part: Scene, signed: Field) -> Field:
    """HU of wall and content."""
    tissue = part.kidney_hu
    kind = rng.choice(["collapsed", "water", "oral contrast", "stool"], p=[0.4, 0.2, 0.28, 0.12])
    wall_hu = float(rng.uniform(60, 125) if part.enhanced else rng.uniform(25, 45))
    if kind == "collapsed":  # as dense as a kidney without contrast, or one that enhances little
        level = rng.normal(35, 8) if not part.enhanced else rng.uniform(45, max(0.8 * tissue, 70))
        return np.asarray(level + 5 * smooth_field(rng, part.shape, part.spacing_mm, 6), dtype=np.float32)
    if kind == "oral contrast":
        level = rng.uniform(0.8, 1.4) * tissue if rng.random() < 0.5 and part.enhanced else rng.uniform(120, 500)
        inside = level + 0.06 * level * smooth_field(rng, part.shape, part.spacing_mm, 10)
    elif kind == "water":
        inside = rng.uniform(0, 35) + 4 * smooth_field(rng, part.shape, part.spacing_mm, 10)
    else:
        clumps = smooth_field(rng, part.shape, part.spacing_mm, 4)
        inside = np.where(clumps > rng.uniform(0.3, 1.2), -700.0, rng.uniform(10, 60) + 15 * clumps)
    wall_mm = float(rng.uniform(1.5, 3.5))
    content = soft_edge(signed + wall_mm)
    return np.asarray(wall_hu + content * (inside - wall_hu), dtype=np.float32)


def soft_edge(signed: Field) -> Field:
    """1 inside, 0 outside, over the blur of an edge."""
    return np.asarray(1 / (1 + np.exp(np.clip(signed / _EDGE_MM, -30, 30))), dtype=np.float32)
