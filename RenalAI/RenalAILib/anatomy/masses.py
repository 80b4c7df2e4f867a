"""Masses: connected domains of the mass label at one kidney, and their sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..boxes import Box
from ..findings import Diameters, Saliency
from ..labels import MassClass, Side
from ..volume import Volume
from .domains import Mask, connected_domains

SPECK_MM = 3.0
GAS_HU = -200.0
"""Below it is no fat, however noisy: fat lies about -100."""


@dataclass(frozen=True, eq=False)
class MassRegion:
    """Where one mass lies: ``mask`` (bool) on the voxels of ``box``, which fits it tightly."""

    side: Side
    box: Box
    mask: Mask

    @property
    def voxels(self) -> int:
        """How many there are."""
        return int(np.count_nonzero(self.mask))


@dataclass(frozen=True, eq=False)
class Character:
    """What a network says about one mass; ``probabilities`` is empty where it gives none."""

    mass_class: MassClass
    probabilities: Mapping[MassClass, float]
    saliency: Saliency | None = None


def mass_regions(mask: Mask, box: Box, side: Side) -> Iterator[MassRegion]:
    """The connected domains of ``mask``, which lies on ``box`` of a volume, by falling size."""
    numbers, counts = connected_domains(mask)
    if counts.size == 0:
        return
    # Bounding boxes of all domains in one pass: polycystic kidneys have hundreds.
    at = np.argwhere(numbers)
    at = at[np.argsort(numbers[tuple(at.T)], kind="stable")]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    starts, stops = np.minimum.reduceat(at, first), np.maximum.reduceat(at, first) + 1
    for number, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True), 1):
        tight = Box(tuple(start), tuple(stop))
        yield MassRegion(side, tight.moved(box.start), numbers[tight.slices] == number)


def without_specks(mass: Mask, voxel_ml: float) -> Mask:
    """``mass`` without domains smaller than a ball of 3 mm diameter: too small to be told from noise."""
    numbers, counts = connected_domains(mass)
    smallest = np.pi / 6 * SPECK_MM**3 / 1000 / voxel_ml
    kept = np.concatenate([[False], counts >= smallest])
    return mass if kept[1:].all() else np.asarray(kept[numbers])


def without_gas(mass: Mask, hu: npt.NDArray[np.float32]) -> Mask:
    """``mass`` without domains that are gas for the most part: bowel, whose gas looks like fat in a network's window.

    Args:
        hu: of the same voxels, HU.
    """
    gas = mass & (hu < GAS_HU)
    if not gas.any():
        return mass
    numbers, counts = connected_domains(mass)
    inside = np.bincount(numbers[gas], minlength=counts.size + 1)[1:]
    kept = np.concatenate([[False], 2 * inside <= counts])
    return mass if kept[1:].all() else np.asarray(kept[numbers])


def diameters(region: MassRegion, volume: Volume) -> Diameters:
    """Sizes of a mass in mm, from the far edges of its voxels.

    In each axial slice the width of the mass is taken along directions 1 degree apart; the largest is its longest
    diameter there (the largest caliper width of a set is its diameter) and the width at a right angle in the same
    slice the one across it.

    Args:
        region: in indices of ``volume``.
        volume: in canonical order, so that its slices are axial.
    """
    along_i, along_j, along_k = (volume.ijk_to_ras[:3, axis] for axis in range(3))
    # Orthonormal axes of the slice plane: the grid may be sheared.
    right = along_i / np.linalg.norm(along_i)
    normal = np.cross(along_i, along_j)
    normal /= np.linalg.norm(normal)
    down = np.cross(normal, right)
    angles = np.deg2rad(np.arange(180))
    directions = np.stack([np.cos(angles), np.sin(angles)])

    axial_max, across = 0.0, 0.0
    for plane in region.mask:
        corners = _outline_corners(plane)
        if corners.size == 0:
            continue
        mm = corners[:, :1] * along_j + corners[:, 1:] * along_i
        reach = np.stack([mm @ right, mm @ down], axis=1) @ directions
        widths = reach.max(axis=0) - reach.min(axis=0)
        longest = int(widths.argmax())
        if widths[longest] > axial_max:
            axial_max, across = float(widths[longest]), float(widths[(longest + 90) % 180])
    height = region.mask.shape[0] * abs(float(normal @ along_k))
    return Diameters((axial_max + across + height) / 3, axial_max)


def centroid_ras(region: MassRegion, volume: Volume) -> tuple[float, float, float]:
    """Mean position of the mass's voxels, RAS mm."""
    r, a, s = volume.ras(np.argwhere(region.mask).mean(axis=0) + region.box.start)
    return float(r), float(a), float(s)


def _outline_corners(plane: Mask) -> npt.NDArray[np.float64]:
    """Corners ``(n, 2)`` in (j, i) of the first and last voxel of each row: they hold the convex hull."""
    rows = np.flatnonzero(plane.any(axis=1))
    first = plane[rows].argmax(axis=1) - 0.5
    last = plane.shape[1] - plane[rows, ::-1].argmax(axis=1) - 0.5
    ends = [np.stack([rows + edge, column], axis=1) for edge in (-0.5, 0.5) for column in (first, last)]
    return np.concatenate(ends)
