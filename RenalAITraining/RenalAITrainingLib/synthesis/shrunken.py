"""Shrunken and scarred kidneys, as after ischaemia, obstruction or infection: image and truth are pulled together.

A grown-up's kidney is 10 to 12 cm long; below 9 cm it counts as small, below 7 cm as good as lost.
"""

from __future__ import annotations

import numpy as np

from RenalAILib.labels import Side

from .bulging import pushed
from .fields import Field, Rng
from .one_kidney import kidneys_of
from .scene import Scene
from .sinus_variants import sinus_lipomatosis
from .warping import pulled, put_back

_REACH = 2.4  # in the kidney's half axes: what lies farther off stays where it is
_FATTY_SINUS_SHARE = 0.6


def shrunken(rng: Rng, scene: Scene, side: Side) -> Scene:
    """One kidney at 62 to 88 % of its length, what lies about it drawn in, its sinus often full of fat."""
    kidneys = kidneys_of(scene, side, fewest_voxels=1)
    if not kidneys:
        return scene
    box = kidneys[0]
    scale = float(rng.uniform(0.62, 0.88))
    half = np.array(box.shape) / 2 * scene.spacing_mm
    centre = (np.array(box.start) + np.array(box.stop) - 1) / 2 * scene.spacing_mm
    moved = box.grown((_REACH - 1) * float(half.max()) + 2, scene.spacing_mm, scene.shape)
    part = scene.crop(moved)
    offsets = [
        (np.arange(start, stop) * step - at).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(3)])
        for axis, (start, stop, step, at) in enumerate(
            zip(moved.start, moved.stop, scene.spacing_mm, centre, strict=True)
        )
    ]
    squared: Field = np.zeros(part.shape, dtype=np.float32)
    for offset, radius in zip(offsets, half, strict=True):
        squared = squared + (offset / np.float32(radius)) ** 2
    at = np.sqrt(squared)  # 1 on the ellipsoid in the kidney's box
    edge = 1.1  # of the tissue that shrinks: a kidney's corners reach out of the ellipsoid
    beyond = edge + (at - scale * edge) * (_REACH - edge) / (_REACH - scale * edge)
    source = np.where(at < scale * edge, at / scale, np.maximum(beyond, at))
    stretch = np.where(at < _REACH, source / np.maximum(at, 1e-3), 1) - 1
    shifts = [stretch * offset / np.float32(step) for offset, step in zip(offsets, scene.spacing_mm, strict=True)]
    small = put_back(scene, moved, pulled(part, [np.asarray(shift, dtype=np.float32) for shift in shifts]))
    return sinus_lipomatosis(rng, small, side) if rng.random() < _FATTY_SINUS_SHARE else small


def scarred(rng: Rng, scene: Scene, side: Side) -> Scene:
    """One to three scars: notches 3 to 8 mm deep in the outline of one kidney."""
    for _ in range(int(rng.integers(1, 4))):
        depth = float(rng.uniform(3, 8))
        scene = pushed(rng, scene, side, -depth, depth * float(rng.uniform(0.7, 1.3)))
    return scene
