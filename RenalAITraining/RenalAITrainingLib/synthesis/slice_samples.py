"""Samples for 2-D segmentation: axial slices of a scene, whole, in their proportions, as at work."""

from __future__ import annotations

import numpy as np

from RenalAILib.axial_slices import Pair, fitted, slice_on_grid
from RenalAILib.boxes import Box
from RenalAILib.labels import Label
from RenalAILib.volume import Volume

from .fields import Rng
from .made import MadeSample
from .scene import Scene, resample_labels

SHAPE: Pair = (224, 224)
AIR_HU = -1024.0
EMPTY_SHARE = 0.25
"""Share of the slices without kidney and mass that become samples."""


def slice_samples(rng: Rng, scene: Scene, shape: Pair = SHAPE, empty_share: float = EMPTY_SHARE) -> list[MadeSample]:
    """Every slice with kidney or mass, and some of the others, from feet to head.

    The record says where in the body each lies (``k``) and where the midline is (``midline``, a column of the slice):
    masses left of it in the picture are those of the right kidney.
    """
    dk, dj, di = (float(mm) for mm in scene.spacing_mm)
    view = Volume(scene.hu, np.diag([-di, -dj, dk, 1.0]))
    inner = fitted(view, shape)
    rows, columns = ((whole - part) // 2 for whole, part in zip(shape, inner, strict=True))
    midline = columns + (_midline(scene) + 0.5) * inner[1] / scene.shape[2] - 0.5
    made = []
    for k in range(scene.shape[0]):
        if not scene.labels[k].any() and rng.random() >= empty_share:
            continue
        label = np.zeros((1, *shape), dtype=np.uint8)
        box = Box((k, 0, 0), (k + 1, scene.shape[1], scene.shape[2]))
        label[:, rows : rows + inner[0], columns : columns + inner[1]] = resample_labels(scene.labels, box, (1, *inner))
        facts = {"k": k, "midline": round(midline, 2), "spacing_mm": [round(mm, 3) for mm in (dk, dj, di)]}
        made.append(MadeSample(slice_on_grid(view, k, shape, AIR_HU)[None], label, scene, facts))
    return made


def _midline(scene: Scene) -> float:
    """Column between the two kidneys; the middle of the picture where one is missing."""
    centres = [np.nonzero(scene.labels == side)[2] for side in (Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT)]
    if any(columns.size == 0 for columns in centres):
        return (scene.shape[2] - 1) / 2
    return float(np.mean([columns.mean() for columns in centres]))
