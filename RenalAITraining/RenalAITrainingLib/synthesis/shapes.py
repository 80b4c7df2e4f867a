"""Outlines of masses: real KiTS23 ones and parametric ones, both as signed distances in mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from .sources import RealShape

Field = npt.NDArray[np.float32]
Rng = np.random.Generator

_RIPPLES = 6  # plane waves that perturb a parametric outline


class Outline(Protocol):
    """The outline of a mass about its centre."""

    def signed_mm(self, offsets_mm: npt.NDArray[np.float32]) -> Field:
        """Distance to the outline, negative inside, mm; ``offsets_mm`` are (3, ...) in order (k, j, i)."""
        ...

    @property
    def reach_mm(self) -> float:
        """A radius about the centre that holds all of it."""
        ...


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid whose radius ripples with direction: smooth for cysts, lobulated for tumours.

    Attributes:
        radii_mm: along its own axes.
        turn: 3x3 rotation.
        waves: (n, 3) wave vectors on the unit sphere, ``phases`` (n,), ``heights`` (n,) as shares of the radius.
    """

    radii_mm: npt.NDArray[np.float64]
    turn: npt.NDArray[np.float64]
    waves: npt.NDArray[np.float64]
    phases: npt.NDArray[np.float64]
    heights: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, rng: Rng, diameter_mm: float, roughness: float) -> Ellipsoid:
        """A random one with mean diameter ``diameter_mm``; ``roughness`` 0 (smooth) to about 0.3 (lobulated)."""
        stretch = np.exp(rng.normal(0, 0.12, 3))
        radii = diameter_mm / 2 * stretch / np.cbrt(stretch.prod())
        waves = rng.normal(0, 1, (_RIPPLES, 3)) * rng.uniform(1.5, 5.0, (_RIPPLES, 1))
        heights = rng.normal(0, roughness / np.sqrt(_RIPPLES), _RIPPLES)
        return cls(
            radii, Rotation.random(random_state=rng).as_matrix(), waves, rng.uniform(0, 2 * np.pi, _RIPPLES), heights
        )

    @property
    def reach_mm(self) -> float:
        return float(self.radii_mm.max() * (1 + np.abs(self.heights).sum()))

    def signed_mm(self, offsets_mm: npt.NDArray[np.float32]) -> Field:
        own = np.tensordot(self.turn.astype(np.float32), offsets_mm, axes=1)
        scaled = own / self.radii_mm.astype(np.float32).reshape(3, *([1] * (own.ndim - 1)))
        length = np.sqrt((scaled**2).sum(axis=0)) + np.float32(1e-6)
        ripple = np.zeros(length.shape, dtype=np.float32)
        for wave, phase, height in zip(self.waves.astype(np.float32), self.phases, self.heights, strict=True):
            ripple += np.float32(height) * np.cos(np.tensordot(wave, scaled, axes=1) / length + np.float32(phase))
        distance = np.sqrt((own**2).sum(axis=0)) / length  # mm per unit of the scaled radius, in this direction
        return np.asarray((length - 1 - ripple) * distance, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Traced:
    """A real mass's outline: its signed distance map at 1 mm, turned, flipped and scaled.

    Attributes:
        distance_mm: float32 ``[k, j, i]`` at 1 mm, negative inside, of the shape at its real size.
        matrix: 3x3, wanted mm to the real shape's mm (rotation, flips, 1 / scale).
        scale: wanted size over real size.
    """

    distance_mm: Field
    matrix: npt.NDArray[np.float64]
    scale: float

    @classmethod
    def draw(cls, rng: Rng, shape: RealShape, diameter_mm: float) -> Traced:
        """``shape`` scaled to a mean diameter (of the sphere of its volume) and turned at random."""
        mask = np.pad(shape.mask, 6)
        smooth = ndimage.gaussian_filter(mask.astype(np.float32), (2.0, 1.2, 1.2)) > 0.5  # the staircase of slices
        mask = smooth if smooth.any() else mask
        distance = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
        scale = diameter_mm / (2 * np.cbrt(3 * mask.sum() / (4 * np.pi)))
        turn = Rotation.random(random_state=rng).as_matrix() @ np.diag(rng.choice([-1.0, 1.0], 3))
        return cls(distance.astype(np.float32), turn / scale, float(scale))

    @property
    def reach_mm(self) -> float:
        return float(np.linalg.norm(np.subtract(self.distance_mm.shape, 12)) / 2 * self.scale)

    def signed_mm(self, offsets_mm: npt.NDArray[np.float32]) -> Field:
        centre = (np.array(self.distance_mm.shape) - 1) / 2
        at = np.tensordot(self.matrix, offsets_mm, axes=1) + centre.reshape(3, *([1] * (offsets_mm.ndim - 1)))
        outside = np.maximum(at - (2 * centre).reshape(3, *([1] * (offsets_mm.ndim - 1))), 0) + np.maximum(-at, 0)
        near = ndimage.map_coordinates(self.distance_mm, at, order=1, mode="nearest", output=np.float32)
        return np.asarray((near + np.sqrt((outside**2).sum(axis=0))) * self.scale, dtype=np.float32)
