"""Agreement: everything `compare` measures between a prediction and a reference, and its JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..anatomy.domains import Mask
from ..anatomy.masses import MassRegion
from ..errors import InputError
from ..labels import MASS_LABELS, Label, MassClass, Side
from ..orientation import canonical
from ..volume import Volume
from ..writing.whole import replaced_file
from .detection import Detection, DetectionCounts, Domain, DomainOutcome, detect
from .dice import dice
from .kits import HierarchicalClass, KitsScore, kits_scores
from .regrid import on_grid_of
from .sides import sided_masses
from .surfaces import surface_distances

SCHEMA = "renalai.agreement/1"

_KIDNEY, _WITH_MASSES, _ANY_MASS = "kidney", "kidney_and_mass", "mass"
_TOLERANCES_MM = {
    _KIDNEY: HierarchicalClass.KIDNEY_AND_MASS.tolerance_mm,
    _WITH_MASSES: HierarchicalClass.KIDNEY_AND_MASS.tolerance_mm,
    _ANY_MASS: HierarchicalClass.MASS.tolerance_mm,
    **{cls.value: HierarchicalClass.MASS.tolerance_mm for cls in MassClass},
}


@dataclass(frozen=True)
class StructureAgreement:
    """How well one structure on one side agrees; a value is None where a mask it needs is empty.

    Attributes:
        structure: ``kidney`` (without masses), ``kidney_and_mass``, ``mass`` (of any class) or a class's name.
        side: the patient's.
        surface_dice: at ``tolerance_mm``, KiTS' own for kidneys and for masses.
        volume_ml, reference_ml: predicted and true volume.
    """

    structure: str
    side: Side
    dice: float | None
    surface_dice: float | None
    tolerance_mm: float
    hausdorff_mm: float | None
    hausdorff95_mm: float | None
    volume_ml: float
    reference_ml: float

    @property
    def volume_difference_ml(self) -> float:
        """Predicted minus true."""
        return self.volume_ml - self.reference_ml


@dataclass(frozen=True)
class Agreement:
    """A prediction against a reference."""

    prediction: str
    reference: str
    structures: tuple[StructureAgreement, ...]
    detection: Detection
    kits: tuple[KitsScore, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain types for ``json.dump``; what cannot be measured is null."""
        detection = self.detection
        return {
            "schema": SCHEMA,
            "prediction": self.prediction,
            "reference": self.reference,
            "structures": [_structure_to_json(structure) for structure in self.structures],
            "detection": {
                "all": _counts_to_json(detection.counts()),
                "under_5_mm": _counts_to_json(detection.counts(small=True)),
                "from_5_mm": _counts_to_json(detection.counts(small=False)),
                "any_overlap": _counts_to_json(detection.any_overlap()),
                "any_overlap_under_5_mm": _counts_to_json(detection.any_overlap(small=True)),
                "any_overlap_from_5_mm": _counts_to_json(detection.any_overlap(small=False)),
                "domains": [_domain_to_json(domain) for domain in detection.domains],
            },
            "kits": {
                score.hierarchical_class.value: {
                    "dice": score.dice,
                    "surface_dice": score.surface_dice,
                    "tolerance_mm": score.hierarchical_class.tolerance_mm,
                }
                for score in self.kits
            },
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Agreement:
        """The inverse of :meth:`to_json`. Raises ValueError for another schema or a missing field."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"expected schema {SCHEMA}, got {data.get('schema')!r}")
        try:
            return cls(
                data["prediction"],
                data["reference"],
                tuple(_structure_from_json(structure) for structure in data["structures"]),
                Detection(tuple(_domain_from_json(domain) for domain in data["detection"]["domains"])),
                tuple(
                    KitsScore(HierarchicalClass(name), score["dice"], score["surface_dice"])
                    for name, score in data["kits"].items()
                ),
                tuple(data["notes"]),
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a complete agreement: {problem}") from problem


def compare_labels(prediction: Volume, reference: Volume) -> Agreement:
    """Measure a predicted label map against a true one.

    Args:
        prediction, reference: values of `Label`. The reference is brought to the prediction's grid (nearest voxel)
            where it lies on another, and a note says so.

    Example:
        >>> true = np.zeros((20, 30, 30), np.uint8)
        >>> true[5:15, 10:20, 2:12] = Label.KIDNEY_RIGHT
        >>> found = np.roll(true, 1, axis=0)  # a slice too high
        >>> grid = np.diag([-1.0, -1.0, 2.5, 1.0])  # IJK to RAS, mm
        >>> measured = compare_labels(Volume(found, grid), Volume(true, grid))
        >>> [(row.structure, round(row.dice, 2)) for row in measured.structures]
        [('kidney', 0.9), ('kidney_and_mass', 0.9)]

    Raises:
        InputError: other values than those of `Label`, or label maps of different places in the patient.
    """
    for labels in (prediction, reference):
        strange = np.setdiff1d(np.unique(labels.voxels), [int(label) for label in Label])
        if strange.size:
            raise InputError(
                f"{labels.name} holds the value {strange[0]}; label maps have 0 background, 1 right kidney,"
                " 2 left kidney, 3 AML, 4 cystic, 5 solid, 6 unknown"
            )
    notes = []
    if not prediction.same_grid(reference):
        moved = on_grid_of(reference, prediction)
        if reference.voxels.any() and not moved.voxels.any():
            raise InputError(f"{reference.name} and {prediction.name} do not overlap: they lie in different places")
        notes.append(f"{reference.name} was brought to the grid of {prediction.name} (nearest voxel)")
        reference = moved
    predicted, true = canonical(prediction), canonical(reference)
    found, wanted = sided_masses(predicted, true)
    structures = []
    for side in Side:
        for name in _TOLERANCES_MM:
            masks = _structure(predicted, found, side, name), _structure(true, wanted, side, name)
            if masks[0].any() or masks[1].any():
                structures.append(_measure(name, side, *masks, predicted))
    return Agreement(
        prediction.name,
        reference.name,
        tuple(structures),
        detect(found, wanted, predicted, true),
        kits_scores(predicted.voxels, true.voxels, predicted.spacing_mm),
        tuple(notes),
    )


def write_agreement(agreement: Agreement, folder: Path) -> Path:
    """Write ``agreement.json`` into ``folder`` (made if absent), whole or not at all; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "agreement.json"
    with replaced_file(path) as beside:
        beside.write_text(json.dumps(agreement.to_json(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path


def _structure(labels: Volume, masses: Sequence[MassRegion], side: Side, name: str) -> Mask:
    """The voxels of a structure on one side."""
    kidney = np.asarray(labels.voxels == Label.kidney(side))
    if name == _KIDNEY:
        return kidney
    mask = kidney.copy() if name == _WITH_MASSES else np.zeros(labels.shape, dtype=np.bool_)
    values = MASS_LABELS if name in (_WITH_MASSES, _ANY_MASS) else (MassClass(name).label,)
    for region in masses:
        if region.side is side:
            there = labels.voxels[region.box.slices]
            mask[region.box.slices] |= region.mask & np.isin(there, values)
    return mask


def _measure(name: str, side: Side, found: Mask, true: Mask, grid: Volume) -> StructureAgreement:
    distances = surface_distances(true, found, grid.spacing_mm)
    return StructureAgreement(
        structure=name,
        side=side,
        dice=dice(found, true),
        surface_dice=distances.surface_dice(_TOLERANCES_MM[name]),
        tolerance_mm=_TOLERANCES_MM[name],
        hausdorff_mm=distances.hausdorff_mm(),
        hausdorff95_mm=distances.hausdorff_mm(95),
        volume_ml=int(np.count_nonzero(found)) * grid.voxel_ml,
        reference_ml=int(np.count_nonzero(true)) * grid.voxel_ml,
    )


def _structure_to_json(structure: StructureAgreement) -> dict[str, Any]:
    return {
        "structure": structure.structure,
        "side": structure.side.value,
        "dice": structure.dice,
        "surface_dice": structure.surface_dice,
        "tolerance_mm": structure.tolerance_mm,
        "hausdorff_mm": structure.hausdorff_mm,
        "hausdorff95_mm": structure.hausdorff95_mm,
        "volume_ml": structure.volume_ml,
        "reference_ml": structure.reference_ml,
        "volume_difference_ml": structure.volume_difference_ml,
    }


def _structure_from_json(data: Mapping[str, Any]) -> StructureAgreement:
    told = {name: value for name, value in data.items() if name != "volume_difference_ml"}
    return StructureAgreement(**{**told, "side": Side(data["side"])})


def _domain_to_json(domain: Domain) -> dict[str, Any]:
    return {
        **asdict(domain),
        "outcome": domain.outcome.value,
        "side": domain.side.value,
        "true_class": domain.true_class.value if domain.true_class else None,
        "predicted_class": domain.predicted_class.value if domain.predicted_class else None,
    }


def _domain_from_json(data: Mapping[str, Any]) -> Domain:
    found = data["predicted_centroid_ras"]
    told = {
        "outcome": DomainOutcome(data["outcome"]),
        "side": Side(data["side"]),
        "centroid_ras": tuple(data["centroid_ras"]),
        "predicted_centroid_ras": None if found is None else tuple(found),
        "true_class": MassClass(data["true_class"]) if data["true_class"] else None,
        "predicted_class": MassClass(data["predicted_class"]) if data["predicted_class"] else None,
    }
    return Domain(**{**data, **told})


def _counts_to_json(counts: DetectionCounts) -> dict[str, Any]:
    return {
        "true_positive": counts.true_positive,
        "false_positive": counts.false_positive,
        "false_negative": counts.false_negative,
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
    }
