"""Masses of a phantom: where they are put and what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..labels import MassClass
from .canvas import Canvas, Field, Point, ellipsoid_distance, wave, wobble
from .kidneys import PhantomKidney
from .plans import MassPlan, Patient, Phase

_TRIES = 80
_GAP_MM = 5.0
_BONE_HU = 300.0
_MOST_BONE = 0.04  # share of a mass's box: a mass pushes soft tissue aside, not a rib


@dataclass(frozen=True)
class PlacedMass:
    """A plan and where it came to lie: centre (x, y, z) in mm of the phantom, x to the left, y to the back."""

    plan: MassPlan
    centre: Point


def paint_masses(
    canvas: Canvas,
    patient: Patient,
    kidneys: Sequence[PhantomKidney],
    plans: Sequence[MassPlan],
    rng: np.random.Generator,
) -> tuple[PlacedMass, ...]:
    """Place each plan at a kidney of its side, apart from the others; the large ones first, they need the room."""
    placed: list[PlacedMass] = []
    for plan in sorted(plans, key=lambda plan: -plan.diameter_mm):
        centre = _place(canvas, [kidney for kidney in kidneys if kidney.side is plan.side], plan, placed, rng)
        if centre is not None:
            _paint(canvas, patient, plan, centre, rng)
            placed.append(PlacedMass(plan, centre))
    return tuple(placed)


def _place(
    canvas: Canvas,
    kidneys: Sequence[PhantomKidney],
    plan: MassPlan,
    placed: Sequence[PlacedMass],
    rng: np.random.Generator,
) -> Point | None:
    radius = plan.diameter_mm / 2
    low = np.array([canvas.x.min(), canvas.y.min(), canvas.z.min()]) + radius + 2
    high = np.array([canvas.x.max(), canvas.y.max(), canvas.z.max()]) - radius - 2
    for _ in range(_TRIES):
        kidney = kidneys[int(rng.integers(len(kidneys)))]
        direction = rng.normal(size=3) * (1.0, 1.0, 0.8)
        direction /= np.linalg.norm(direction)
        if direction @ kidney.axes[0] < -0.25:  # not into the hilum
            continue
        out = kidney.surface(direction) + plan.diameter_mm * (plan.exophytic - 0.5)
        centre = np.asarray(kidney.centre) + direction * max(out, 0.0)
        if (centre < low).any() or (centre > high).any():
            continue
        where = canvas.region((float(centre[0]), float(centre[1]), float(centre[2])), (radius,) * 3)
        if where is not None and float((canvas.hu[where] > _BONE_HU).mean()) > _MOST_BONE:
            continue
        gaps = [np.linalg.norm(centre - m.centre) - radius - m.plan.diameter_mm / 2 for m in placed]
        if all(gap > _GAP_MM + 0.12 * plan.diameter_mm for gap in gaps):
            return float(centre[0]), float(centre[1]), float(centre[2])
    return None


def _paint(canvas: Canvas, patient: Patient, plan: MassPlan, centre: Point, rng: np.random.Generator) -> None:
    radius = plan.diameter_mm / 2
    stretch = np.exp(rng.normal(0, 0.07, 3))
    stretch /= np.prod(stretch) ** (1 / 3)
    radii: Point = (radius * stretch[0], radius * stretch[1], radius * stretch[2])
    where = canvas.region(centre, (radius * 1.6 + 2,) * 3)
    if where is None:
        return
    x, y, z = canvas.coordinates(where)
    amplitude = {MassClass.CYSTIC: 0.015, MassClass.SOLID: 0.05, MassClass.AML: 0.07}[plan.mass_class]
    distance = ellipsoid_distance(x, y, z, centre, radii, wobble(rng, amplitude, 2.2 * radius))
    texture = {MassClass.CYSTIC: _cyst, MassClass.SOLID: _solid, MassClass.AML: _aml}[plan.mass_class]
    canvas.paint(where, distance, texture(patient, rng, x, y, z, centre, radius), edge_mm=0.8)
    canvas.labels[where][distance < 0] = plan.mass_class.label


def _cyst(
    patient: Patient, rng: np.random.Generator, x: Field, y: Field, z: Field, centre: Point, radius: float
) -> Field:
    return np.full(np.broadcast_shapes(x.shape, y.shape, z.shape), rng.uniform(2, 14), np.float32)


def _solid(
    patient: Patient, rng: np.random.Generator, x: Field, y: Field, z: Field, centre: Point, radius: float
) -> Field:
    level = patient.tissue.solid + rng.normal(0, 5)
    spread = 5.0 if patient.phase is Phase.PLAIN else 14.0
    hu = np.float32(level) + wave(wobble(rng, spread, 14.0, waves=8), x, y, z)
    if radius > 14 and rng.random() < 0.6:
        core = ellipsoid_distance(x, y, z, centre, (0.45 * radius,) * 3, wobble(rng, 0.2, radius))
        hu += np.clip(0.5 - core / 3.0, 0, 1) * (rng.uniform(18, 30) - hu)
    return hu


def _aml(
    patient: Patient, rng: np.random.Generator, x: Field, y: Field, z: Field, centre: Point, radius: float
) -> Field:
    field = wave(wobble(rng, 1.0, max(9.0, 0.9 * radius), waves=8), x, y, z)
    fat = np.clip((field + rng.uniform(0.1, 0.8)) * 1.5 + 0.5, 0, 1)
    soft = np.float32(patient.tissue.solid * rng.uniform(0.6, 0.9))
    return np.asarray(soft + fat * (np.float32(rng.uniform(-95, -70)) - soft), dtype=np.float32)
