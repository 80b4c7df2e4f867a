"""A body painted in RAS mm on any grid, and the outcome that a perfect engine would give for it."""

from __future__ import annotations

import numpy as np

from RenalAILib.boxes import Box
from RenalAILib.findings import (
    BundleIdentity,
    Diameters,
    Evidence,
    Findings,
    Kidney,
    Mass,
    Outcome,
    Saliency,
    describe_volume,
    segment_label,
)
from RenalAILib.labels import MassClass, Side
from RenalAILib.volume import Volume

AXIAL = np.array([[-3.0, 0, 0, 150], [0, -3.0, 0, 110], [0, 0, 5.0, -90], [0, 0, 0, 1]])
SHAPE = (36, 74, 100)
BUNDLE = BundleIdentity("painted", "1.2.3", "0123456789abcdef" * 4, demonstration=True)

# Structures as ellipsoids: center and half axes, RAS mm. The patient's right is +R.
BODY = ((0, 0, 0), (140, 100, 400))
KIDNEYS = {Side.RIGHT: ((70, -30, -10), (28, 25, 55)), Side.LEFT: ((-70, -30, 5), (28, 25, 55))}
MASSES = {
    "mass_right_1": (Side.RIGHT, MassClass.CYSTIC, (95, -30, -30), (22, 20, 22), 8),
    "mass_left_1": (Side.LEFT, MassClass.SOLID, (-70, -55, 30), (18, 16, 18), 95),
    "mass_left_2": (Side.LEFT, MassClass.AML, (-80, -10, -25), (9, 9, 12), -60),
}


def painted_outcome(affine: np.ndarray = AXIAL, shape: tuple[int, int, int] = SHAPE, name: str = "painted") -> Outcome:
    """Two kidneys, a right cyst, a left solid mass and a left AML, on which network and evidence disagree."""
    grid = Volume(np.zeros(shape, np.int16), affine, name)
    ras = grid.ras(np.moveaxis(np.indices(shape), 0, -1))
    voxels = np.where(_inside(ras, *BODY), 40, -1000).astype(np.int16)
    instances = np.zeros(shape, np.uint8)
    segments: list[Kidney | Mass] = []
    for number, ellipsoid in enumerate(KIDNEYS.values(), 1):
        instances[_inside(ras, *ellipsoid)] = number
        voxels[instances == number] = 180
    for number, (_, _, center, axes, hu) in enumerate(MASSES.values(), 3):
        instances[_inside(ras, center, axes)] = number
        voxels[instances == number] = hu
    volume = Volume(voxels, affine, name)
    for number, side in enumerate(KIDNEYS, 1):
        ml = float((instances == number).sum() * volume.voxel_ml)
        segments.append(Kidney(f"kidney_{side.value}", side, round(ml, 2), 180.0))
    saliency = {}
    for number, (segment_id, (side, mass_class, center, axes, hu)) in enumerate(MASSES.items(), 3):
        mask = instances == number
        segments.append(_mass(segment_id, side, mass_class, center, axes, hu, float(mask.sum() * volume.voxel_ml)))
        box = Box.around(mask)
        assert box is not None
        saliency[segment_id] = Saliency(
            box, np.linspace(0, 1, mask[box.slices].size, dtype=np.float32).reshape(box.shape)
        )
    labels = np.zeros(shape, np.uint8)
    for number, segment in enumerate(segments, 1):
        labels[instances == number] = segment_label(segment)
    kidneys = tuple(segment for segment in segments if isinstance(segment, Kidney))
    masses = tuple(segment for segment in segments if isinstance(segment, Mass))
    findings = Findings(
        BUNDLE,
        describe_volume(volume),
        kidneys,
        masses,
        ("The left kidney reaches the edge of the scan.",),
        {"read": 0.4, "locate": 0.3, "delineate": 0.9, "characterise": 0.2, "total": 1.8},
    )
    return Outcome(volume, findings, labels, instances, saliency)


def _inside(ras: np.ndarray, center: tuple[float, ...], half_axes: tuple[float, ...]) -> np.ndarray:
    return np.asarray((((ras - center) / half_axes) ** 2).sum(-1) <= 1)


def _mass(
    segment_id: str,
    side: Side,
    mass_class: MassClass,
    center: tuple[float, float, float],
    axes: tuple[float, float, float],
    hu: float,
    volume_ml: float,
) -> Mass:
    rest = dict.fromkeys((MassClass.AML, MassClass.CYSTIC, MassClass.SOLID), 0.06)
    agrees = mass_class is not MassClass.AML
    evidence = Evidence(
        14.0,
        0.01,
        0.97 if mass_class is MassClass.CYSTIC else 0.05,
        None,
        mass_class if agrees else MassClass.SOLID,
        agrees,
        "Painted for a test: what is measured here is what was painted.",
    )
    diameters = Diameters(2 * sum(axes) / 3, 2 * max(axes[:2]))
    return Mass(segment_id, side, mass_class, {**rest, mass_class: 0.88}, volume_ml, diameters, center, hu, evidence)
