"""Sections: flat pictures with square pixels, cut from a canonical array the way a radiologist hangs them.

The patient's right is on the left of the screen (axial, coronal); sagittal sections face left; the head is up.
Sections run along the scan's own axes: an oblique scan is shown in its own planes, and the shear of a tilted gantry
is not undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from ..boxes import Triple
from ..resampling import interpolate

Place = tuple[float, float, float]


class Plane(Enum):
    """Which way a section is cut."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """What lies at the left, right, top and bottom edge: R, L, A, P, H(ead) or F(eet)."""
        return _LETTERS[self]

    @property
    def axes(self) -> Triple:
        """Canonical array axes: through the section, down the picture, along the picture."""
        return _AXES[self]


_LETTERS = {
    Plane.AXIAL: ("R", "L", "A", "P"),
    Plane.CORONAL: ("R", "L", "H", "F"),
    Plane.SAGITTAL: ("A", "P", "H", "F"),
}
_AXES = {Plane.AXIAL: (0, 1, 2), Plane.CORONAL: (1, 0, 2), Plane.SAGITTAL: (2, 0, 1)}


@dataclass(frozen=True)
class Section:
    """A field of square pixels in one slice of a canonical grid (head, back, left).

    Attributes:
        plane: which way it is cut.
        middle: of the field, canonical indices (k, j, i), fractions allowed.
        spacing_mm: of the grid, (k, j, i).
        pixels: (rows, columns).
        mm_per_pixel: their edge.

    Example:
        >>> section = Section(Plane.CORONAL, (1.0, 0.0, 0.5), (2.0, 1.0, 1.0), (6, 2), 1.0)
        >>> section.sample(np.arange(6.0).reshape(3, 1, 2))[::2].tolist()  # the head, last in the array, is up
        [[4.0, 5.0], [2.5, 3.5], [0.5, 1.5]]
    """

    plane: Plane
    middle: Place
    spacing_mm: Place
    pixels: tuple[int, int]
    mm_per_pixel: float

    @property
    def depth(self) -> int:
        """The index of the slice that is cut."""
        return int(np.floor(self.middle[self.plane.axes[0]] + 0.5))

    def coarser(self, step: int) -> Section:
        """The same field with ``step`` times fewer pixels along each edge."""
        rows, columns = (max(1, round(n / step)) for n in self.pixels)
        return Section(self.plane, self.middle, self.spacing_mm, (rows, columns), self.mm_per_pixel * step)

    def window(self, rows: slice, columns: slice) -> Section | None:
        """The part of the field in these rows and columns, pixel on pixel; None where it has fewer than two of each."""
        (top, bottom, _), (left, right, _) = rows.indices(self.pixels[0]), columns.indices(self.pixels[1])
        if bottom - top < 2 or right - left < 2:
            return None
        middle = list(self.middle)
        for axis, first, stop in zip(self.plane.axes[1:], (top, left), (bottom, right), strict=True):
            middle[axis] = float(self.positions(axis)[first:stop].mean())
        k, j, i = middle
        return Section(self.plane, (k, j, i), self.spacing_mm, (bottom - top, right - left), self.mm_per_pixel)

    def positions(self, axis: int) -> npt.NDArray[np.float64]:
        """Canonical indices along ``axis`` (k, j or i) of the pixels' middles, in the order of the picture."""
        through, down, along = self.plane.axes
        if axis == through:
            return np.array([float(self.depth)])
        count = self.pixels[0] if axis == down else self.pixels[1]
        steps = np.arange(count) - (count - 1) / 2
        if axis == down and self.plane is not Plane.AXIAL:
            steps = -steps  # the head, last in the array, is up
        assert axis in (down, along)
        return np.asarray(self.middle[axis] + steps * self.mm_per_pixel / self.spacing_mm[axis])

    def sample(self, array: np.ndarray, offset: Triple = (0, 0, 0), outside: float = 0.0) -> npt.NDArray[np.float32]:
        """The section through a canonical array, linear in the plane, one slice thick.

        Args:
            array: 3-D, any numeric type.
            offset: the canonical index of its first voxel, where it is a part of the scan.
            outside: the value of pixels that lie outside it.

        Returns:
            float32 of shape ``pixels``.
        """
        local = [self.positions(axis) - offset[axis] for axis in range(3)]
        inside = [(at > -0.5) & (at < n - 0.5) for at, n in zip(local, array.shape, strict=True)]
        through, down, along = self.plane.axes
        result = np.full(self.pixels, outside, np.float32)
        if inside[through][0] and inside[down].any() and inside[along].any():
            rows, columns = _extent(inside[down]), _extent(inside[along])
            at: list[npt.NDArray[np.float64]] = [local[through]] * 3
            at[down], at[along] = local[down][rows], local[along][columns]
            slice_ = array.take([int(local[through][0])], axis=through)
            at[through] = np.zeros(1)
            result[rows, columns] = interpolate(slice_, at).squeeze(through)
        return result

    def pixel(self, place: Place) -> tuple[float, float]:
        """Where a canonical place (k, j, i) lies in the picture: (x, y) in pixels from its upper left corner."""
        _, down, along = self.plane.axes
        y, x = ((place[a] - self.middle[a]) * self.spacing_mm[a] / self.mm_per_pixel for a in (down, along))
        rows, columns = self.pixels
        return columns / 2 + x, rows / 2 + (y if self.plane is Plane.AXIAL else -y)


def _extent(inside: npt.NDArray[np.bool_]) -> slice:
    """The range of a mask that is one run."""
    at = np.flatnonzero(inside)
    return slice(int(at[0]), int(at[-1]) + 1)
