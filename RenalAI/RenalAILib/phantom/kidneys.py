"""Kidneys: cortex, pyramids, sinus fat, pelvis and vessels; the outer boundary is the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..labels import Label, Side
from .canvas import Canvas, Field, Point, ellipsoid_distance
from .plans import Anatomy, Patient, Phase

_CORTEX_MM = 7.0


@dataclass(frozen=True, eq=False)
class PhantomKidney:
    """One kidney: centre in mm, half axes (lateral, back, head) in mm and its turn (rows: these axes)."""

    side: Side
    centre: Point
    radii: Point
    axes: npt.NDArray[np.float64]

    def local(self, x: Field, y: Field, z: Field) -> tuple[Field, Field, Field]:
        """Coordinates along the kidney's own axes; the section's centre moves medially towards the poles."""
        m = self.axes.astype(np.float32)
        dx, dy, dz = (a - np.float32(c) for a, c in zip((x, y, z), self.centre, strict=True))
        u, v, w = (m[n, 0] * dx + m[n, 1] * dy + m[n, 2] * dz for n in range(3))
        return u + np.float32(0.2 * self.radii[0]) * (w / np.float32(self.radii[2])) ** 2, v, w

    def distance(self, x: Field, y: Field, z: Field) -> Field:
        """About the distance in mm to the outer boundary, negative inside; flat where the hilum opens."""
        u, v, w = self.local(x, y, z)
        bean = ellipsoid_distance(u, v, w, (0.0, 0.0, 0.0), self.radii)
        return np.asarray(np.maximum(bean, -u - np.float32(0.72 * self.radii[0])), dtype=np.float32)

    def surface(self, direction: npt.NDArray[np.float64]) -> float:
        """How far from the centre the boundary lies along a unit ``direction`` (x, y, z), mm."""
        steps = np.arange(1.0, 100.0, 0.5, dtype=np.float32)
        at = [np.float32(c) + np.float32(d) * steps for c, d in zip(self.centre, direction, strict=True)]
        outside = np.flatnonzero(self.distance(at[0], at[1], at[2]) > 0)
        return float(steps[outside[0]])

    def point(self, u: float, v: float, w: float) -> Point:
        """(x, y, z) of a place given along the kidney's own axes in mm (without the bend)."""
        x, y, z = np.asarray(self.centre) + np.array([u, v, w]) @ self.axes
        return float(x), float(y), float(z)


def paint_kidneys(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> tuple[PhantomKidney, ...]:
    """Paint the kidneys of the patient's anatomy and write their labels; masses come later."""
    kidneys = _draw(patient, rng)
    for kidney in kidneys:
        _vessels(canvas, patient, kidney, rng)
    if patient.anatomy is Anatomy.HORSESHOE:
        _isthmus(canvas, patient, kidneys)
    for kidney in kidneys:
        _paint(canvas, patient, kidney, rng)
    return tuple(kidneys)


def _draw(patient: Patient, rng: np.random.Generator) -> list[PhantomKidney]:
    if patient.anatomy is Anatomy.NO_KIDNEYS:
        return []
    lone = Side.RIGHT if rng.random() < 0.5 else Side.LEFT
    kidneys = []
    for side in Side:
        if patient.anatomy is Anatomy.ONE_KIDNEY and side is not lone:
            continue
        horseshoe = patient.anatomy is Anatomy.HORSESHOE
        lateral = rng.uniform(0.37, 0.42) * patient.half_width if not horseshoe else rng.uniform(44, 50)
        low = patient.anatomy is Anatomy.PTOTIC and side is lone
        height = (rng.uniform(-18, -4) if side is Side.RIGHT else rng.uniform(0, 14)) - 25 * horseshoe - 55 * low
        back = patient.spine_y - rng.uniform(2, 14) - 12 * horseshoe - 8 * low
        tilt = rng.uniform(8, 20) * (-1 if horseshoe else 1)
        kidneys.append(_kidney(patient, rng, side, (lateral, back, height), tilt, turned=50.0 * low))
    if patient.anatomy is Anatomy.THREE_KIDNEYS:
        at = (rng.uniform(44, 52), patient.spine_y - rng.uniform(14, 22), rng.uniform(-112, -100))
        kidneys.append(_kidney(patient, rng, Side.LEFT, at, rng.uniform(-5, 15), size=0.62))
    if patient.anatomy is Anatomy.TRANSPLANT:
        side = Side.RIGHT if rng.random() < 0.7 else Side.LEFT
        kidneys.append(_kidney(patient, rng, side, (68.0, -18.0, -150.0), rng.uniform(-25, 5)))
    return kidneys


def _kidney(
    patient: Patient, rng: np.random.Generator, side: Side, at: Point, tilt: float, size: float = 1.0,
    turned: float = 0.0,
) -> PhantomKidney:  # fmt: skip
    """``at`` is (lateral, back, head) in mm; ``tilt`` in degrees leans the upper pole towards the spine.

    ``turned`` in degrees turns the hilum further forward.
    """
    sign = -1.0 if side is Side.RIGHT else 1.0
    lean, turn, nod = np.deg2rad([tilt, rng.uniform(15, 40) + turned, rng.uniform(5, 18)])
    lateral = np.array([np.cos(turn), np.sin(turn), 0.0])  # the hilum looks to the middle and somewhat forward
    long = np.array([-np.sin(lean), np.sin(nod) * -1.0, np.cos(lean)])
    long -= lateral * (long @ lateral)
    long /= np.linalg.norm(long)
    back = np.cross(long, lateral)
    axes = np.stack([lateral, back, long]) * np.array([sign, 1.0, 1.0])
    scale = size * patient.kidney_scale * rng.uniform(0.95, 1.05)
    radii = (rng.uniform(26, 30) * scale, rng.uniform(21, 25) * scale, rng.uniform(50, 58) * scale)
    return PhantomKidney(side, (sign * at[0], at[1], at[2]), radii, axes)


def _paint(canvas: Canvas, patient: Patient, kidney: PhantomKidney, rng: np.random.Generator) -> None:
    reach = max(kidney.radii) * 1.25
    where = canvas.region(kidney.centre, (reach, reach, reach))
    if where is None:
        return
    x, y, z = canvas.coordinates(where)
    outer = kidney.distance(x, y, z)
    canvas.paint(where, outer, patient.tissue.cortex, edge_mm=1.0)
    part = canvas.labels[where]
    part[outer < 0] = Label.kidney(kidney.side)

    a, b, c = kidney.radii
    inside = outer + np.float32(_CORTEX_MM)
    for height in np.linspace(-0.75, 0.75, 6):
        around = max(2, round(5 * float(np.sqrt(1 - height**2))))
        for angle in np.linspace(-2.2, 2.2, around) + rng.uniform(-0.2, 0.2):
            size = np.sqrt(1 - height**2) * 0.62
            spot = kidney.point(a * size * np.cos(angle), b * size * np.sin(angle), c * height * 0.8)
            distance = ellipsoid_distance(x, y, z, spot, (rng.uniform(5.5, 8), rng.uniform(5.5, 8), rng.uniform(6, 9)))
            canvas.paint(where, np.maximum(distance, inside), patient.tissue.medulla, edge_mm=2.5)
    sinus = ellipsoid_distance(*kidney.local(x, y, z), (-0.68 * a, -0.1 * b, 0.0), (0.72 * a, 0.42 * b, 0.5 * c))
    canvas.paint(where, np.maximum(sinus, outer + np.float32(1.0)), patient.fat_hu + 8, edge_mm=2.0)
    blood = 0.5 * (patient.tissue.aorta + patient.tissue.cava)
    for _ in range(5):
        spot = kidney.point(-a * rng.uniform(0.1, 0.6), b * rng.uniform(-0.3, 0.1), c * rng.uniform(-0.35, 0.35))
        ball = ellipsoid_distance(x, y, z, spot, (rng.uniform(2, 4), rng.uniform(2, 3), rng.uniform(2.5, 6)))
        canvas.paint(where, ball, blood if rng.random() < 0.5 else patient.tissue.urine, edge_mm=1.5)
    wide = rng.uniform(0.8, 1.3)
    pelvis = ellipsoid_distance(
        *kidney.local(x, y, z), (-0.55 * a, -0.05 * b, -0.05 * c), (0.34 * a * wide, 0.2 * b * wide, 0.2 * c * wide)
    )
    canvas.paint(where, pelvis, min(patient.tissue.urine, 900.0), edge_mm=1.5)


def _vessels(canvas: Canvas, patient: Patient, kidney: PhantomKidney, rng: np.random.Generator) -> None:
    hilum = np.array(kidney.point(-0.75 * kidney.radii[0], -0.1 * kidney.radii[1], 0.0))
    steps = np.linspace(0, 1, 40)[:, None]
    for start, radius, hu in (
        ((8.0, patient.spine_y - 32, kidney.centre[2] + 8), rng.uniform(2.2, 3.0), patient.tissue.aorta),
        ((-14.0, patient.spine_y - 34, kidney.centre[2] + 2), rng.uniform(3.5, 5.0), patient.tissue.cava),
    ):
        sag = np.array([0.0, -6.0, 0.0]) * np.sin(np.pi * steps)
        canvas.tube(np.array(start) * (1 - steps) + hilum * steps + sag, radius, hu)
    if patient.phase is Phase.EXCRETORY:
        ureter = hilum + np.array([0.0, 0.0, -90.0]) * steps + np.array([0.0, 8.0, 0.0]) * np.sin(np.pi * steps)
        canvas.tube(ureter, 2.0, patient.tissue.urine)


def _isthmus(canvas: Canvas, patient: Patient, kidneys: list[PhantomKidney]) -> None:
    """Tissue that joins the lower poles in front of the great vessels."""
    low = [np.array(kidney.point(0.0, 0.0, -0.8 * kidney.radii[2])) for kidney in kidneys]
    middle = (low[0] + low[1]) / 2 + np.array([0.0, -10.0, 0.0])
    half = abs(low[1][0] - low[0][0]) / 2 + 6
    centre: Point = (float(middle[0]), float(middle[1]), float(middle[2]))
    where = canvas.region(centre, (half + 4, 24.0, 24.0))
    if where is None:
        return
    x, y, z = canvas.coordinates(where)
    distance = ellipsoid_distance(x, y, z, centre, (half, 14.0, 17.0))
    canvas.paint(where, distance, patient.tissue.cortex)
    part = canvas.labels[where]
    part[(distance < 0) & (x < 0)] = Label.KIDNEY_RIGHT
    part[(distance < 0) & (x >= 0)] = Label.KIDNEY_LEFT
