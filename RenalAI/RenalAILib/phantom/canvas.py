"""Canvas: the array a phantom is painted on, in millimetres, with soft edges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..boxes import Triple

Field = npt.NDArray[np.float32]
Point = tuple[float, float, float]
"""(x, y, z) in mm: to the left, to the back, to the head."""


class Canvas:
    """HU and labels on a grid; shapes are functions of (x, y, z) that give about the distance to their surface in mm.

    Attributes:
        hu: float32 ``[k, j, i]``, air at first.
        labels: uint8 ``[k, j, i]``.
        x, y, z: coordinates in mm, each broadcastable to the grid.
        cavity: about the distance in mm to the wall that holds the organs, negative within; None before it is built.
    """

    def __init__(self, shape: Triple, spacing_mm: tuple[float, float, float], centre_z_mm: float) -> None:
        self.hu = np.full(shape, -1000.0, np.float32)
        self.labels = np.zeros(shape, np.uint8)
        self.spacing_mm = spacing_mm
        self.cavity: Field | None = None
        axes = [
            ((np.arange(n, dtype=np.float32) - (n - 1) / 2) * step).astype(np.float32)
            for n, step in zip(shape, spacing_mm, strict=True)
        ]
        self.z = (axes[0] + np.float32(centre_z_mm))[:, None, None]
        self.y = axes[1][None, :, None]
        self.x = axes[2][None, None, :]

    def region(self, centre: Point, reach: Point) -> tuple[slice, slice, slice] | None:
        """The slices within ``reach`` mm of ``centre``, None outside the grid."""
        slices = []
        for axis, at, far in (
            (self.z, centre[2], reach[2]),
            (self.y, centre[1], reach[1]),
            (self.x, centre[0], reach[0]),
        ):
            line = axis.ravel()
            low, high = np.searchsorted(line, (at - far, at + far))
            if low >= high:
                return None
            slices.append(slice(int(low), int(high)))
        return slices[0], slices[1], slices[2]

    def coordinates(self, where: tuple[slice, slice, slice]) -> tuple[Field, Field, Field]:
        """(x, y, z) of a region, broadcastable."""
        return self.x[:, :, where[2]], self.y[:, where[1], :], self.z[where[0]]

    def paint(
        self,
        where: tuple[slice, slice, slice] | None,
        distance: Field,
        hu: float | Field,
        edge_mm: float = 1.0,
        over: Callable[[Field], npt.NDArray[np.bool_]] | None = None,
    ) -> None:
        """Blend ``hu`` in where ``distance`` (mm, negative inside, on the region) says, over ``edge_mm``.

        Args:
            over: given the HU there, the voxels that may be painted; None is all of them.
        """
        if where is None:
            return
        weight = np.clip(0.5 - distance / edge_mm, 0.0, 1.0)
        there = self.hu[where]
        if over is not None:
            weight = weight * over(there)
        there += weight * (hu - there)

    def ellipsoid(
        self,
        centre: Point,
        radii: Point,
        hu: float | Callable[[Field, Field, Field], Field],
        *,
        bumps: Field | None = None,
        edge_mm: float = 1.5,
        rotation: npt.NDArray[np.float64] | None = None,
        held: bool = False,
    ) -> None:
        """An ellipsoid, turned by ``rotation`` (rows: its axes) and made irregular by ``bumps`` (see `wobble`).

        Args:
            held: whether the wall of the cavity stops it.
        """
        far = max(radii) * 1.35 if rotation is not None or bumps is not None else 0.0
        where = self.region(centre, tuple(max(r * 1.2 + edge_mm, far) for r in radii))  # type: ignore[arg-type]
        if where is None:
            return
        x, y, z = self.coordinates(where)
        distance = ellipsoid_distance(x, y, z, centre, radii, bumps, rotation)
        if held and self.cavity is not None:
            distance = np.maximum(distance, self.cavity[where])
        self.paint(where, distance, hu(x, y, z) if callable(hu) else hu, edge_mm)

    def tube(
        self,
        points: npt.NDArray[np.float64],
        radius: float | npt.NDArray[np.float64],
        hu: float,
        *,
        held: bool = False,
    ) -> None:
        """A chain of balls through ``points`` (N, 3) in mm: a vessel, a rib."""
        for point, r in zip(points, np.broadcast_to(radius, len(points)), strict=True):
            self.ellipsoid((float(point[0]), float(point[1]), float(point[2])), (float(r),) * 3, hu, held=held)


def ellipsoid_distance(
    x: Field,
    y: Field,
    z: Field,
    centre: Point,
    radii: Point,
    bumps: Field | None = None,
    rotation: npt.NDArray[np.float64] | None = None,
) -> Field:
    """About the distance in mm to an ellipsoid's surface, negative inside."""
    u, v, w = x - np.float32(centre[0]), y - np.float32(centre[1]), z - np.float32(centre[2])
    if rotation is not None:
        m = rotation.astype(np.float32)
        u, v, w = (m[n, 0] * u + m[n, 1] * v + m[n, 2] * w for n in range(3))
    size = np.float32(np.prod(radii) ** (1 / 3))
    r = np.sqrt((u / np.float32(radii[0])) ** 2 + (v / np.float32(radii[1])) ** 2 + (w / np.float32(radii[2])) ** 2)
    if bumps is not None:
        r = r + wave(bumps, u, v, w)
    return np.asarray((r - np.float32(1.0)) * size, dtype=np.float32)


def wobble(rng: np.random.Generator, amplitude: float, wavelength_mm: float, waves: int = 5) -> Field:
    """Parameters of a smooth random field of about ``amplitude``: rows (amplitude, kx, ky, kz, phase)."""
    directions = rng.normal(size=(waves, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = wavelength_mm * rng.uniform(0.6, 1.6, (waves, 1))
    sizes = rng.normal(0, amplitude / np.sqrt(waves / 2), (waves, 1))
    return np.hstack([sizes, directions * 2 * np.pi / lengths, rng.uniform(0, 2 * np.pi, (waves, 1))]).astype(
        np.float32
    )


def wave(field: Field, x: Field, y: Field, z: Field) -> Field:
    """The field of `wobble` at some coordinates."""
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape), np.float32)
    for size, kx, ky, kz, phase in field:
        # sin(a + b + c) from the sines and cosines of each axis: no transcendental on the full grid, where separable
        ex, ey, ez = np.exp(1j * (kx * x + phase)), np.exp(1j * ky * y), np.exp(1j * kz * z)
        if x.size * y.size * z.size > 4 * (x.size + y.size + z.size):
            total += size * ((ex * ey).astype(np.complex64) * ez.astype(np.complex64)).imag
        else:
            total += size * np.sin(kx * x + ky * y + kz * z + phase)
    return total
