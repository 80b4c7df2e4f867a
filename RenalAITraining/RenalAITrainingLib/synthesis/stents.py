"""Ureteral stents: a double-J of 5 to 8 French (1.7 to 2.7 mm), curled in the pelvis and leaving downwards."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from RenalAILib.boxes import Box
from RenalAILib.labels import Label, Side

from .fields import Rng
from .partial_volume import share_within
from .scene import Scene

_PER_TURN = 48


def with_stent(rng: Rng, scene: Scene, side: Side) -> Scene:
    """A stent of 400 to 1400 HU whose upper curl lies in the sinus of one kidney; nothing without a sinus."""
    sinus = (scene.labels == Label.kidney(side)) & ~scene.parenchyma
    found = Box.around(sinus)
    if found is None:
        return scene
    middle = np.argwhere(sinus[found.slices]).mean(axis=0) + found.start
    curl, turn = rng.uniform(5, 11), rng.uniform(0, 2 * np.pi)
    angles = turn + np.linspace(0, rng.uniform(1.0, 1.6) * 2 * np.pi, _PER_TURN)
    tilt = rng.uniform(-0.6, 0.6)
    circle = np.stack([curl * np.sin(angles), curl * tilt * np.cos(angles), curl * np.cos(angles)], axis=1)
    down = np.linspace(0, rng.uniform(30, 90), 80)[:, None] * np.array([-1.0, rng.uniform(-0.3, 0.2), 0.0])
    inward = np.sign((scene.shape[2] - 1) / 2 - middle[2]) * np.minimum(np.linspace(0, 60, 80), 25) * 0.6
    down[:, 2] += inward
    path = np.concatenate([circle, circle[-1] + down]) + middle * scene.spacing_mm
    radius = float(rng.uniform(0.85, 1.35))
    start = np.maximum(np.floor((path.min(axis=0) - 4) / scene.spacing_mm), 0).astype(int)
    stop = np.minimum(np.ceil((path.max(axis=0) + 4) / scene.spacing_mm) + 1, scene.shape).astype(int)
    where = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    shape = tuple(int(n) for n in stop - start)
    at = (np.moveaxis(np.indices(shape), 0, -1) + start) * scene.spacing_mm
    distance, _ = cKDTree(path).query(at.reshape(-1, 3), distance_upper_bound=6.0)
    signed = np.minimum(distance, 6.0).reshape(shape).astype(np.float32) - np.float32(radius)
    share = share_within(signed, scene.spacing_mm, 0.5) * ~scene.parenchyma[where]  # urine's ways, not the tissue
    hu = scene.hu.copy()
    hu[where] += share * (np.float32(rng.uniform(400, 1400)) - hu[where])
    return scene.altered(hu)
