"""Outcomes without networks: painted or given label maps, described with the engine's own measurements."""

from __future__ import annotations

from typing import Any

import numpy as np

from RenalAILib.anatomy.domains import connected_domains
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
)
from RenalAILib.labels import MASS_LABELS, Label, MassClass, Side
from RenalAILib.volume import Volume
from RenalAIScene.labelmaps import new_segmentation

BUNDLE = BundleIdentity("handmade", "1.0.0", "0" * 64, demonstration=True)


def painted_volume(ijk_to_ras: np.ndarray, shape: tuple[int, int, int] = (24, 40, 48)) -> tuple[Volume, np.ndarray]:
    """A body with two kidneys, a solid mass, a cyst and an AML, painted by index, and its labels.

    The two sides are given by RAS, so the labels are right on any grid.
    """
    k, j, i = np.indices(shape)
    at = np.stack([k, j, i], -1) / np.array(shape)

    def blob(centre: tuple[float, float, float], radius: float) -> np.ndarray:
        return np.asarray(((at - centre) ** 2).sum(-1) < radius**2)

    labels = np.zeros(shape, np.uint8)
    low, high = (0.5, 0.5, 0.28), (0.5, 0.5, 0.72)
    grid = Volume(labels, ijk_to_ras)
    right_is_low = grid.ras(np.array(low) * shape)[0] > grid.ras(np.array(high) * shape)[0]
    labels[blob(low, 0.2)] = Label.KIDNEY_RIGHT if right_is_low else Label.KIDNEY_LEFT
    labels[blob(high, 0.2)] = Label.KIDNEY_LEFT if right_is_low else Label.KIDNEY_RIGHT
    for centre, radius, label in (
        ((0.5, 0.5, 0.14), 0.09, Label.SOLID),
        ((0.72, 0.5, 0.28), 0.07, Label.CYSTIC),
        ((0.5, 0.7, 0.75), 0.08, Label.AML),
    ):
        labels[blob(centre, radius)] = label
    hu = np.where(((at[..., 1:] - 0.5) ** 2).sum(-1) < 0.23, -80, -1000)
    for label, value in ((1, 150), (2, 150), (3, -50), (4, 8), (5, 80)):
        hu[labels == label] = value
    return Volume(hu.astype(np.int16), ijk_to_ras, "painted"), labels


def outcome_from_labels(volume: Volume, labels: np.ndarray) -> Outcome:
    """Masses are the connected domains of each class; a mass belongs to the nearer kidney; Grad-CAM is a soft ball."""
    instances = np.zeros(labels.shape, np.uint8)
    kidneys: list[Kidney] = []
    centres: dict[Side, np.ndarray] = {}
    for side, label in ((Side.RIGHT, Label.KIDNEY_RIGHT), (Side.LEFT, Label.KIDNEY_LEFT)):
        mask = labels == label
        if mask.any():
            kidneys.append(Kidney(f"kidney_{side.value}", side, _ml(mask, volume), float(volume.voxels[mask].mean())))
            centres[side] = volume.ras(np.argwhere(mask)).mean(axis=0)
            instances[mask] = len(kidneys)
    found: list[tuple[Side, MassClass, np.ndarray]] = []
    for mass_class in MassClass:
        if mass_class.label not in MASS_LABELS:
            continue
        numbers, counts = connected_domains(labels == mass_class.label)
        for number in range(1, len(counts) + 1):
            mask = np.asarray(numbers == number)
            at = volume.ras(np.argwhere(mask)).mean(axis=0)
            found.append((min(centres, key=lambda s: np.linalg.norm(centres[s] - at)), mass_class, mask))
    found.sort(key=lambda item: (item[0] is not Side.RIGHT, -int(item[2].sum())))
    masses: list[Mass] = []
    saliency: dict[str, Saliency] = {}
    for side, mass_class, mask in found:
        number = 1 + sum(mass.side is side for mass in masses)
        mass = _mass(f"mass_{side.value}_{number}", side, mass_class, mask, volume)
        instances[mask] = len(kidneys) + len(masses) + 1
        masses.append(mass)
        saliency[mass.segment_id] = _soft_ball(mask)
    findings = Findings(BUNDLE, describe_volume(volume), tuple(kidneys), tuple(masses), ("handmade",), {"total": 1.0})
    return Outcome(volume, findings, labels, instances, saliency)


def painted_outcome(ijk_to_ras: np.ndarray | None = None) -> Outcome:
    """The painted body with its own labels as the result."""
    grid = np.array([[-5.0, 0, 0, 120], [0, -5.0, 0, 100], [0, 0, 6.0, -70], [0, 0, 0, 1]])
    return outcome_from_labels(*painted_volume(grid if ijk_to_ras is None else ijk_to_ras))


def manual_copy(outcome: Outcome, ct: Any, shift: int = 2) -> Any:
    """A segmentation node as somebody else would have drawn it: the labels a little moved, names of all kinds."""
    labels = np.roll(outcome.labels, shift, axis=2)
    names = {1: "Niere rechts", 2: "kidney_left", 3: "AML", 4: "Zyste", 5: "renal tumor", 6: "lesion"}
    present = [value for value in names if (labels == value).any()]
    values = np.zeros(7, np.uint8)
    values[present] = range(1, len(present) + 1)
    node = new_segmentation("Manual", values[labels], [f"Segment_{value}" for value in present], ct)
    for value in present:
        node.GetSegmentation().GetSegment(f"Segment_{value}").SetName(names[value])
    return node


def _ml(mask: np.ndarray, volume: Volume) -> float:
    return float(mask.sum() * volume.voxel_ml)


def _mass(segment_id: str, side: Side, mass_class: MassClass, mask: np.ndarray, volume: Volume) -> Mass:
    hu = volume.voxels[mask].astype(float)
    r, a, s = (float(value) for value in volume.ras(np.argwhere(mask)).mean(axis=0))
    average = float((6 * _ml(mask, volume) * 1000 / np.pi) ** (1 / 3))
    said = MassClass.SOLID if mass_class is MassClass.UNKNOWN else mass_class
    shares = {known: 0.8 if known is said else 0.1 for known in (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)}
    evidence = Evidence(float(hu.std()), 0.0, 0.0, None, said, None, f"On average {hu.mean():.0f} HU.")
    sizes = (_ml(mask, volume), Diameters(average, average))
    return Mass(segment_id, side, mass_class, shares, *sizes, (r, a, s), float(hu.mean()), evidence)


def _soft_ball(mask: np.ndarray) -> Saliency:
    """Highest in the middle of the mass, on a box around it."""
    tight = Box.around(mask)
    assert tight is not None
    box = tight.grown(4.0, (1.0, 1.0, 1.0), (mask.shape[0], mask.shape[1], mask.shape[2]))
    middle = np.argwhere(mask).mean(axis=0)
    reach = np.array(tight.shape) / 2 + 1
    offset = (np.moveaxis(np.indices(box.shape), 0, -1) + box.start - middle) / reach
    return Saliency(box, np.exp(-(offset**2).sum(-1)).astype(np.float32))
