"""Boxes: index ranges of a volume, and how they grow, clip and map to millimetres."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Triple = tuple[int, int, int]


def _triple(values: Iterable[float]) -> Triple:
    k, j, i = (int(value) for value in values)
    return k, j, i


@dataclass(frozen=True)
class Box:
    """A half-open index range ``[start, stop)`` per axis, in array order (k, j, i). It may reach outside its volume.

    Example:
        >>> Box((10, 20, 30), (20, 40, 60)).shape
        (10, 20, 30)
    """

    start: Triple
    stop: Triple

    def __post_init__(self) -> None:
        if any(stop <= start for start, stop in zip(self.start, self.stop, strict=True)):
            raise ValueError(f"a box needs start < stop on every axis, got {self.start} to {self.stop}")

    @classmethod
    def whole(cls, shape: Triple) -> Box:
        """The box of a whole array."""
        return cls((0, 0, 0), shape)

    @classmethod
    def around(cls, mask: np.ndarray) -> Box | None:
        """The smallest box that holds every non-zero voxel of a 3-D mask, None where there is none."""
        bounds = []
        for axis in range(3):
            hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
            if hit.size == 0:
                return None
            bounds.append((hit[0], hit[-1] + 1))
        return cls(_triple(low for low, _ in bounds), _triple(high for _, high in bounds))

    @classmethod
    def around_both(cls, one: Box, other: Box) -> Box:
        """The smallest box that holds two boxes."""
        return cls(_triple(np.minimum(one.start, other.start)), _triple(np.maximum(one.stop, other.stop)))

    @property
    def shape(self) -> Triple:
        """Voxels along (k, j, i)."""
        return _triple(np.subtract(self.stop, self.start))

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """To index an array with; only for a box inside it."""
        if min(self.start) < 0:
            raise ValueError(f"the box {self.start} to {self.stop} starts outside its volume; clip it first")
        k, j, i = (slice(start, stop) for start, stop in zip(self.start, self.stop, strict=True))
        return k, j, i

    def clipped(self, within: Triple) -> Box:
        """The part inside a volume of shape ``within``. Raises ValueError where there is none."""
        return Box(_triple(np.maximum(self.start, 0)), _triple(np.minimum(self.stop, within)))

    def moved(self, by: Triple) -> Box:
        """The box shifted by ``by`` voxels; ``box.moved(crop.start)`` takes it from a crop to the whole volume."""
        return Box(_triple(np.add(self.start, by)), _triple(np.add(self.stop, by)))

    def relative_to(self, crop: Box) -> Box:
        """The box in the indices of ``crop``: the inverse of :meth:`moved`."""
        return Box(_triple(np.subtract(self.start, crop.start)), _triple(np.subtract(self.stop, crop.start)))

    def overlap(self, other: Box) -> Box | None:
        """What both boxes share, None where they do not meet."""
        start, stop = np.maximum(self.start, other.start), np.minimum(self.stop, other.stop)
        return Box(_triple(start), _triple(stop)) if bool((start < stop).all()) else None

    def grown(self, margin_mm: float, spacing_mm: npt.ArrayLike, within: Triple) -> Box:
        """The box with ``margin_mm`` more on each side, clipped to a volume of shape ``within``.

        Exophytic masses reach past the kidney: 12 to 20 mm keeps nearly all of them.
        """
        return self.padded(_triple(np.ceil(margin_mm / np.asarray(spacing_mm))), within)

    def padded(self, by: Triple, within: Triple) -> Box:
        """The box with ``by`` voxels more on each side, clipped to a volume of shape ``within``."""
        return Box(_triple(np.subtract(self.start, by)), _triple(np.add(self.stop, by))).clipped(within)

    def cube(self, spacing_mm: npt.ArrayLike, scale: float, minimum_mm: float) -> Box:
        """The box of (nearly) equal edges in mm about the same centre: ``scale`` times the longest edge.

        Not clipped: a patch about a mass at the border of the scan keeps its scale, and `resample` repeats the edge.
        """
        spacing = np.asarray(spacing_mm, dtype=np.float64)
        edge = max(float((np.array(self.shape) * spacing).max()) * scale, minimum_mm)
        size = np.maximum(np.round(edge / spacing), 1)
        start = np.round((np.add(self.start, self.stop) - size) / 2)
        return Box(_triple(start), _triple(start + size))

    def scaled(self, source: Triple, target: Triple) -> Box:
        """The same region on another sampling of the whole volume (shape ``source`` to ``target``), rounded out."""
        ratio = np.divide(target, source)
        return Box(_triple(np.floor(np.multiply(self.start, ratio))), _triple(np.ceil(np.multiply(self.stop, ratio))))
