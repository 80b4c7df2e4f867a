"""Bowel full of oral contrast all over the abdomen: as bright as a kidney and as large, in every second scan or so."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from RenalAILib.boxes import Box

from .bowel import bent_tube, soft_edge
from .fields import Rng, smooth_field
from .scene import Scene
from .surroundings import body_mask

_WALL_MM = 30.0
_SKIN_MM = 14.0
"""No loop has its middle nearer the skin than ``_WALL_MM``, and none reaches into the wall of the abdomen."""

_PELVIS_MM = 120.0
"""How far below the kidneys loops are drawn."""

_OFF_KIDNEY_MM = 4.0
_BONE_HU = 220.0
_REACH_MM = 45.0
_NEIGHBOURS_MM = 35.0
_LOOPS = (3, 14)


def oral_contrast(rng: Rng, scene: Scene) -> Scene:
    """Three to fourteen loops of bowel with one drink of contrast in them, before the kidneys and beside them.

    Loops lie in groups, as bowel does; some hold water or stool in place of contrast. They take what no label and no
    organ claims and no bone, and never touch a kidney (that is `bowel.bowel_against`). Levels of 120 to 500 HU as in
    the BTCV scans.

    Args:
        scene: changed in a copy; returned as it is where it has no kidney or no room. The truth stays as it is.
    """
    kidneys = Box.around(scene.labels > 0)
    if kidneys is None:
        return scene
    away = ndimage.distance_transform_edt(scene.labels == 0, sampling=scene.spacing_mm).astype(np.float32)
    depth = _depth_mm(scene)
    free = (away > _OFF_KIDNEY_MM) & (depth > _SKIN_MM) & (scene.organs == 0) & ~_bone(scene)
    middles = free & (depth > _WALL_MM) & (scene.hu > -150)
    middles[: max(kidneys.start[0] - round(_PELVIS_MM / scene.spacing_mm[0]), 0)] = False
    middles[kidneys.stop[0] :] = False
    middles[:, (kidneys.start[1] + kidneys.stop[1]) // 2 :] = False  # not behind the kidneys
    places = np.argwhere(middles)
    if len(places) == 0:
        return scene
    level = rng.uniform(0.8, 1.4) * scene.kidney_hu if rng.random() < 0.4 and scene.enhanced else rng.uniform(120, 500)
    hu = scene.hu.copy()
    at = places[int(rng.integers(len(places)))]
    for _ in range(int(rng.integers(*_LOOPS, endpoint=True))):
        near = places[np.linalg.norm((places - at) * scene.spacing_mm, axis=1) < _NEIGHBOURS_MM]
        at = near[int(rng.integers(len(near)))] if rng.random() < 0.75 else places[int(rng.integers(len(places)))]
        _draw_loop(rng, scene, hu, free, at, float(level) * rng.uniform(0.85, 1.1))
    return scene.altered(hu)


def _bone(scene: Scene) -> npt.NDArray[np.bool_]:
    """With its marrow, and a voxel more."""
    bright = (scene.hu > _BONE_HU) & (scene.organs == 0) & (scene.labels == 0)
    closed = ndimage.binary_closing(bright, np.ones((1, 3, 3)), iterations=2) | bright
    return np.stack([ndimage.binary_fill_holes(each) for each in ndimage.binary_dilation(closed)])


def _depth_mm(scene: Scene) -> npt.NDArray[np.float32]:
    """How far each voxel lies under the skin, slice by slice; 0 outside."""
    in_plane = scene.spacing_mm[1:]
    deep = [ndimage.distance_transform_edt(each, sampling=in_plane) for each in body_mask(scene)]
    return np.asarray(deep, dtype=np.float32)


def _draw_loop(
    rng: Rng,
    scene: Scene,
    hu: npt.NDArray[np.float32],
    free: npt.NDArray[np.bool_],
    at: npt.NDArray[np.int64],
    level: float,
) -> None:
    """One loop into ``hu``."""
    k, j, i = (int(n) for n in at)
    box = Box((k, j, i), (k + 1, j + 1, i + 1)).grown(_REACH_MM, scene.spacing_mm, scene.shape)
    part = scene.crop(box)
    outward = rng.standard_normal(3)
    outward /= np.linalg.norm(outward)
    radius = float(rng.uniform(7, 24))
    signed = bent_tube(rng, part, (at - np.array(box.start)) * scene.spacing_mm, outward, radius)
    content = str(rng.choice(["contrast", "water", "stool"], p=[0.75, 0.15, 0.1]))
    clumps = smooth_field(rng, part.shape, part.spacing_mm, 8 if content == "stool" else 10)
    inside = {
        "contrast": level * (1 + 0.06 * clumps),
        "water": 15 + 5 * clumps,
        "stool": np.where(clumps > 0.8, -700.0, 40 + 15 * clumps),
    }[content]
    wall = 80.0 if part.enhanced else 35.0
    filling = wall + soft_edge(signed + rng.uniform(1.0, 3.0)) * (inside - wall)
    share = soft_edge(signed) * free[box.slices]
    hu[box.slices] += share * (filling + part.noise.draw(rng, part.shape) - hu[box.slices])
