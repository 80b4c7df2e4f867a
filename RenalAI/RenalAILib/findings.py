"""Findings: what the engine says about one CT, and its JSON form (schema ``renalai.findings/1``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .boxes import Box
from .detections import Detection
from .labels import Label, MassClass, Side
from .verdicts import Verdict
from .volume import Volume

SCHEMA = "renalai.findings/1"
SMALL_MM = 5.0


@dataclass(frozen=True)
class Kidney:
    """One kidney as found, or as a radiologist drew it, without its masses.

    Attributes:
        drawn: whether a radiologist drew it, and no network.

    Example:
        >>> Kidney("kidney_left", Side.LEFT, volume_ml=161.2, mean_hu=184.0).side.value
        'left'
    """

    segment_id: str
    side: Side
    volume_ml: float
    mean_hu: float
    drawn: bool = False


@dataclass(frozen=True)
class Diameters:
    """Sizes of a mass in mm.

    Attributes:
        average: mean of the longest axial diameter, the one across it, and the head-foot extent.
        axial_max: the longest distance between two voxels' far edges in one axial slice.
    """

    average: float
    axial_max: float


@dataclass(frozen=True)
class Evidence:
    """What is measured in a mass, beside the network: the radiological definitions of Zhao's reference standard.

    Attributes:
        sd_hu: standard deviation inside the mass, HU.
        fat_fraction: share of voxels below -30 HU (macroscopic fat: AML).
        fluid_fraction: share of fluid-like voxels.
        enhancement_hu: mean HU minus that of the second phase, None without one.
        suggests: the class these measurements speak for.
        agrees: whether the network's class is the same; None where either says unknown.
        text: the same in one or two sentences for the radiologist.
    """

    sd_hu: float
    fat_fraction: float
    fluid_fraction: float
    enhancement_hu: float | None
    suggests: MassClass
    agrees: bool | None
    text: str


@dataclass(frozen=True)
class Mass:
    """One renal mass: a connected domain of the mass label at one kidney, or what a radiologist drew.

    Attributes:
        probabilities: of the network; empty where it gives none.
        drawn: its number among the masses that a radiologist drew because the networks missed them, from 1; then the
            class is the radiologist's. 0 for what the networks found.

    Example:
        >>> evidence = Evidence(9.0, 0.0, 0.9, None, MassClass.CYSTIC, True, "Mostly fluid.")
        >>> size, place = Diameters(average=4.2, axial_max=4.6), (40.0, -20.0, 10.0)
        >>> shares = {MassClass.CYSTIC: 0.9, MassClass.SOLID: 0.1}
        >>> cyst = Mass("mass_left_1", Side.LEFT, MassClass.CYSTIC, shares, 0.04, size, place, 8.0, evidence)
        >>> cyst.small, segment_label(cyst)
        (True, <Label.CYSTIC: 4>)
    """

    segment_id: str
    side: Side
    mass_class: MassClass
    probabilities: Mapping[MassClass, float]
    volume_ml: float
    diameter_mm: Diameters
    centroid_ras: tuple[float, float, float]
    mean_hu: float
    evidence: Evidence
    drawn: int = 0

    @property
    def small(self) -> bool:
        """Average diameter under 5 mm: the class is not reliable."""
        return self.diameter_mm.average < SMALL_MM


@dataclass(frozen=True)
class BundleIdentity:
    """Which weights spoke."""

    name: str
    version: str
    sha256: str
    demonstration: bool = False


@dataclass(frozen=True)
class Findings:
    """Everything that is said about one CT.

    Attributes:
        verdict: of a pipeline that classifies the patient, None of others.
        detections: of a pipeline that finds boxes, by falling score (empty where it found none); None of others.
        removed: kidneys and masses that a radiologist removed since, as the networks had found them; they are not
            among :attr:`kidneys` and :attr:`masses`.

    Example:
        >>> kidney = Kidney("kidney_left", Side.LEFT, volume_ml=161.2, mean_hu=184.0)
        >>> weights = BundleIdentity("zhao2023-demo", "0.3.0", sha256="")
        >>> found = Findings(weights, {"name": "scan"}, (kidney,), (), ("Only one kidney was found.",))
        >>> found.to_json()["kidneys"]
        [{'segment_id': 'kidney_left', 'side': 'left', 'volume_ml': 161.2, 'mean_hu': 184.0}]
        >>> Findings.from_json(found.to_json()) == found
        True
    """

    bundle: BundleIdentity
    volume: Mapping[str, Any]
    kidneys: tuple[Kidney, ...]
    masses: tuple[Mass, ...]
    warnings: tuple[str, ...]
    timings_s: Mapping[str, float] = field(default_factory=dict)
    verdict: Verdict | None = None
    detections: tuple[Detection, ...] | None = None
    removed: tuple[Kidney | Mass, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain types for ``json.dump``, in the order that DESIGN.md fixes; the optional parts where there are any."""
        more: dict[str, Any] = {}
        if self.verdict is not None:
            more["verdict"] = self.verdict.to_json()
        if self.detections is not None:
            more["detections"] = [detection.to_json() for detection in self.detections]
        if self.removed:
            more["removed"] = {
                "kidneys": [_kidney_to_json(segment) for segment in self.removed if isinstance(segment, Kidney)],
                "masses": [_mass_to_json(segment) for segment in self.removed if isinstance(segment, Mass)],
            }
        return {
            "schema": SCHEMA,
            "bundle": asdict(self.bundle),
            "volume": dict(self.volume),
            "kidneys": [_kidney_to_json(kidney) for kidney in self.kidneys],
            "masses": [_mass_to_json(mass) for mass in self.masses],
            "warnings": list(self.warnings),
            "timings_s": dict(self.timings_s),
            **more,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Findings:
        """The inverse of :meth:`to_json`. Raises ValueError for another schema or a missing field."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"expected schema {SCHEMA}, got {data.get('schema')!r}")
        try:
            return cls(
                BundleIdentity(**data["bundle"]),
                dict(data["volume"]),
                tuple(_kidney_from_json(kidney) for kidney in data["kidneys"]),
                tuple(_mass_from_json(mass) for mass in data["masses"]),
                tuple(data["warnings"]),
                dict(data["timings_s"]),
                Verdict.from_json(data["verdict"]) if "verdict" in data else None,
                tuple(Detection.from_json(one) for one in data["detections"]) if "detections" in data else None,
                _removed_from_json(data.get("removed", {"kidneys": (), "masses": ()})),
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not complete findings: {problem}") from problem


@dataclass(frozen=True, eq=False)
class Saliency:
    """Grad-CAM of one mass: ``values`` (float32, 0 to 1) on the voxels of ``box`` of the input's own grid."""

    box: Box
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Outcome:
    """Findings and the images that belong to them, on the input's own grid.

    Attributes:
        volume: the CT that was read.
        findings: what is said about it.
        labels: uint8 ``[k, j, i]``, values of :class:`Label`.
        instances: uint8 ``[k, j, i]``, value ``n`` is the ``n``-th of :attr:`segments`, 0 background.
        saliency: Grad-CAM by mass segment ID.

    Example:
        >>> ct = Volume(np.full((1, 2, 2), 30, np.int16), np.eye(4), "scan")
        >>> kidney = Kidney("kidney_left", Side.LEFT, volume_ml=0.002, mean_hu=30.0)
        >>> found = Findings(BundleIdentity("toy", "1.0", ""), describe_volume(ct), (kidney,), (), ())
        >>> instances = np.array([[[1, 1], [0, 0]]], np.uint8)
        >>> outcome = Outcome(ct, found, instances * np.uint8(Label.KIDNEY_LEFT), instances, {})
        >>> [(outcome.instances == n).sum() for n, _ in enumerate(outcome.segments, start=1)] == [2]
        True
    """

    volume: Volume
    findings: Findings
    labels: np.ndarray
    instances: np.ndarray
    saliency: Mapping[str, Saliency]

    @property
    def segments(self) -> tuple[Kidney | Mass, ...]:
        """Kidneys, then masses, in the order of :attr:`instances`."""
        return (*self.findings.kidneys, *self.findings.masses)


def describe_volume(volume: Volume) -> dict[str, Any]:
    """The ``volume`` entry of the findings; ``spacing_mm`` and ``shape`` in array order (k, j, i)."""
    return {
        "name": volume.name,
        "shape": list(volume.shape),
        "spacing_mm": [round(float(value), 6) for value in volume.spacing_mm],
        "ijk_to_ras": volume.ijk_to_ras.tolist(),
    }


def segment_label(segment: Kidney | Mass) -> Label:
    """The label value of a kidney or a mass."""
    return Label.kidney(segment.side) if isinstance(segment, Kidney) else segment.mass_class.label


def _kidney_to_json(kidney: Kidney) -> dict[str, Any]:
    fields = {**asdict(kidney), "side": kidney.side.value}
    return fields if kidney.drawn else {name: value for name, value in fields.items() if name != "drawn"}


def _kidney_from_json(data: Mapping[str, Any]) -> Kidney:
    return Kidney(**{**data, "side": Side(data["side"])})


def _removed_from_json(data: Mapping[str, Any]) -> tuple[Kidney | Mass, ...]:
    kidneys, masses = data["kidneys"], data["masses"]
    return (*(_kidney_from_json(one) for one in kidneys), *(_mass_from_json(one) for one in masses))


def _mass_to_json(mass: Mass) -> dict[str, Any]:
    evidence = asdict(mass.evidence)
    evidence["suggests"] = mass.evidence.suggests.value
    return {
        "segment_id": mass.segment_id,
        "side": mass.side.value,
        "class": mass.mass_class.value,
        "probabilities": {cls.value: probability for cls, probability in mass.probabilities.items()},
        "volume_ml": mass.volume_ml,
        "diameter_mm": asdict(mass.diameter_mm),
        "centroid_ras": list(mass.centroid_ras),
        "mean_hu": mass.mean_hu,
        "evidence": evidence,
        "small": mass.small,
        **({"drawn": mass.drawn} if mass.drawn else {}),
    }


def _mass_from_json(data: Mapping[str, Any]) -> Mass:
    r, a, s = data["centroid_ras"]
    return Mass(
        data["segment_id"],
        Side(data["side"]),
        MassClass(data["class"]),
        {MassClass(name): value for name, value in data["probabilities"].items()},
        data["volume_ml"],
        Diameters(**data["diameter_mm"]),
        (r, a, s),
        data["mean_hu"],
        Evidence(**{**data["evidence"], "suggests": MassClass(data["evidence"]["suggests"])}),
        int(data.get("drawn", 0)),
    )
