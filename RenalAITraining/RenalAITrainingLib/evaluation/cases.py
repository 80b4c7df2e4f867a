"""Case results: what one system said about one case, measured against the reference, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from RenalAILib.compare import Agreement, Domain, DomainOutcome, compare_labels
from RenalAILib.compare.regrid import on_grid_of
from RenalAILib.findings import BundleIdentity, Findings, Mass
from RenalAILib.labels import MassClass
from RenalAILib.volume import Volume

from .pairs import Pair
from .regions import RegionAgreement, region_agreement

SCHEMA = "renalai.case-result/1"
KNOWN_CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)

Probabilities = Mapping[MassClass, float]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a system says about a CT.

    Attributes:
        labels: values of `Label` on any grid.
        findings: None where there is only a mask.
        seconds: wall time from volume to findings, None where it was not measured.
    """

    labels: Volume
    findings: Findings | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class EvaluatedMass:
    """One mass of a case: true, predicted, or both.

    Attributes:
        case, patient: whose it is.
        domain: outcome, size, overlap and classes.
        probabilities: of the classifier for the predicted mass; None without one.
    """

    case: str
    patient: str
    domain: Domain
    probabilities: Probabilities | None

    @property
    def found(self) -> bool:
        """Whether a true mass was matched."""
        return self.domain.outcome is DomainOutcome.TRUE_POSITIVE

    @property
    def dice(self) -> float:
        """Of the mass with its match: 2 IoU / (1 + IoU); 0 where it has none."""
        return 2 * self.domain.iou / (1 + self.domain.iou)

    @property
    def classifiable(self) -> bool:
        """Whether it was found and its true class is known."""
        return self.found and self.domain.true_class in KNOWN_CLASSES


@dataclass(frozen=True)
class CaseResult:
    """One case, measured.

    Attributes:
        case, patient, part: as in `Pair`.
        agreement: of prediction and reference.
        probabilities: of the predicted mass of each domain of ``agreement.detection``, None where there is none.
        bundle: which weights spoke, None where nobody knows.
        warnings: the system's own.
        seconds: wall time from volume to findings, None where it was not measured.
        regions: of prediction and reference, one inside the other; empty in results of older versions.
    """

    case: str
    patient: str
    part: str
    agreement: Agreement
    probabilities: tuple[Probabilities | None, ...]
    bundle: BundleIdentity | None = None
    warnings: tuple[str, ...] = ()
    seconds: float | None = None
    regions: Mapping[str, RegionAgreement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(self.agreement.detection.domains):
            raise ValueError(f"{self.case} needs probabilities or None for each of its masses")

    @property
    def masses(self) -> tuple[EvaluatedMass, ...]:
        """True masses first, then false ones."""
        return tuple(
            EvaluatedMass(self.case, self.patient, domain, probabilities)
            for domain, probabilities in zip(self.agreement.detection.domains, self.probabilities, strict=True)
        )

    @property
    def has_masses(self) -> bool:
        """Whether the reference shows a mass."""
        return any(domain.true_class is not None for domain in self.agreement.detection.domains)

    def to_json(self) -> dict[str, Any]:
        """Plain types for ``json.dump``."""
        return {
            "schema": SCHEMA,
            "case": self.case,
            "patient": self.patient,
            "set": self.part,
            "agreement": self.agreement.to_json(),
            "probabilities": [
                None if told is None else {cls.value: share for cls, share in told.items()}
                for told in self.probabilities
            ],
            "bundle": None if self.bundle is None else asdict(self.bundle),
            "warnings": list(self.warnings),
            "seconds": self.seconds,
            "regions": {name: asdict(region) for name, region in self.regions.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CaseResult:
        """The inverse of `to_json`. Raises ValueError for another schema or a missing field."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"expected schema {SCHEMA}, got {data.get('schema')!r}")
        try:
            return cls(
                data["case"],
                data["patient"],
                data["set"],
                Agreement.from_json(data["agreement"]),
                tuple(
                    None if told is None else {MassClass(name): share for name, share in told.items()}
                    for told in data["probabilities"]
                ),
                None if data["bundle"] is None else BundleIdentity(**data["bundle"]),
                tuple(data["warnings"]),
                data["seconds"],
                {name: RegionAgreement(**told) for name, told in data.get("regions", {}).items()},
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a complete case result: {problem}") from problem


def judge(pair: Pair, prediction: Prediction, reference: Volume) -> CaseResult:
    """Measure a prediction against the reference mask of its case.

    Raises:
        InputError: a label map holds foreign values, or the two lie in different places.
    """
    agreement = compare_labels(prediction.labels, reference)
    findings = prediction.findings
    return CaseResult(
        pair.case,
        pair.patient,
        pair.part,
        agreement,
        tuple(_probabilities(domain, findings.masses if findings else ()) for domain in agreement.detection.domains),
        findings.bundle if findings else None,
        findings.warnings if findings else (),
        prediction.seconds,
        _regions(prediction.labels, reference),
    )


def _regions(prediction: Volume, reference: Volume) -> dict[str, RegionAgreement]:
    """Region by region, on the reference's grid."""
    found = prediction if prediction.same_grid(reference) else on_grid_of(prediction, reference)
    return region_agreement(np.asarray(found.voxels), np.asarray(reference.voxels))


def _probabilities(domain: Domain, masses: Sequence[Mass]) -> Probabilities | None:
    """Of the finding whose middle lies nearest to that of the predicted domain: the mass it was painted from."""
    if domain.predicted_centroid_ras is None or not masses:
        return None
    middles = np.array([mass.centroid_ras for mass in masses])
    distances = np.linalg.norm(middles - domain.predicted_centroid_ras, axis=1)
    return dict(masses[int(distances.argmin())].probabilities) or None
