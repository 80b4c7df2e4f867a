"""Warping: other people's anatomy from the same scan, by a small rotation, scaling and a smooth displacement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from RenalAILib.boxes import Box

from .fields import Field, Rng, smooth_field
from .scene import Scene

_PARENCHYMA = 128  # of the packed truth: labels in bits 0-2, organs in bits 3-6, parenchyma in bit 7


def warped(rng: Rng, scene: Scene, largest_degrees: float = 12.0, largest_mm: float = 5.0) -> Scene:
    """``scene`` turned, stretched and pushed about; image linear, truth nearest, from the same coordinates."""
    degrees = rng.uniform(-1, 1, 3) * largest_degrees * np.array([0.4, 0.4, 1.0])  # about i, j and k
    stretch = np.exp(rng.normal(0, 0.05, 3))
    turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()[::-1, ::-1]
    step = scene.spacing_mm
    matrix = np.diag(1 / step) @ turn @ np.diag(stretch) @ np.diag(step)
    centre = (np.array(scene.shape) - 1) / 2
    axes = [np.arange(n, dtype=np.float32) - np.float32(c) for n, c in zip(scene.shape, centre, strict=True)]
    amount = rng.uniform(0, largest_mm)
    coordinates = np.empty((3, *scene.shape), dtype=np.float32)
    for row in range(3):
        push = smooth_field(rng, scene.shape, step, 45.0) * np.float32(amount / 2.5 / step[row])
        line = matrix[row].astype(np.float32)
        coordinates[row] = push + np.float32(centre[row])
        coordinates[row] += line[0] * axes[0][:, None, None] + line[1] * axes[1][:, None] + line[2] * axes[2]
    return _taken_at(scene, coordinates)


def pulled(scene: Scene, shifts: Sequence[Field]) -> Scene:
    """``scene`` with each voxel taken from ``shifts`` (along k, j, i; in voxels) away; image linear, truth nearest."""
    coordinates = np.empty((3, *scene.shape), dtype=np.float32)
    for axis, (shift, count) in enumerate(zip(shifts, scene.shape, strict=True)):
        line = np.arange(count, dtype=np.float32)
        coordinates[axis] = shift + line.reshape([-1 if n == axis else 1 for n in range(3)])
    return _taken_at(scene, coordinates)


def put_back(scene: Scene, box: Box, part: Scene) -> Scene:
    """``scene`` with a part of it, changed, in its place."""
    changed = scene.altered(scene.hu.copy())
    changed = replace(
        changed, labels=scene.labels.copy(), organs=scene.organs.copy(), parenchyma=scene.parenchyma.copy()
    )
    changed.hu[box.slices], changed.labels[box.slices] = part.hu, part.labels
    changed.organs[box.slices], changed.parenchyma[box.slices] = part.organs, part.parenchyma
    return changed


def _taken_at(scene: Scene, coordinates: npt.NDArray[np.float32]) -> Scene:
    hu = ndimage.map_coordinates(scene.hu, coordinates, order=1, mode="nearest", output=np.float32)
    packed = scene.labels + 8 * scene.organs + _PARENCHYMA * scene.parenchyma.astype(np.uint8)
    truth = ndimage.map_coordinates(packed, coordinates, order=0, mode="nearest")
    return replace(
        scene.altered(hu),
        labels=(truth & 7).astype(np.uint8),
        organs=(truth >> 3 & 15).astype(np.uint8),
        parenchyma=truth >= _PARENCHYMA,
    )
