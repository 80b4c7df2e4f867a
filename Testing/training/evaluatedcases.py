"""Case results by hand: masses and Dice as a test wants them, without any image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from RenalAILib.compare import Agreement, Detection, Domain, DomainOutcome, KitsScore, StructureAgreement
from RenalAILib.compare.kits import HierarchicalClass
from RenalAILib.findings import BundleIdentity
from RenalAILib.labels import MassClass, Side
from RenalAITrainingLib.evaluation.cases import KNOWN_CLASSES, CaseResult

BUNDLE = BundleIdentity("hand", "1.0", "0" * 64)
_PLACE = (60.0, -30.0, 10.0)


def found(true: MassClass, predicted: MassClass, *, diameter_mm: float = 20.0, iou: float = 0.6, **told: Any) -> Domain:
    """A true mass that was found."""
    told = {
        "hausdorff_mm": 3.0,
        "hausdorff95_mm": 2.0,
        "predicted_centroid_ras": _PLACE,
        "predicted_diameter_mm": diameter_mm,
    } | told
    return Domain(DomainOutcome.TRUE_POSITIVE, Side.RIGHT, diameter_mm, 4.0, _PLACE, iou, true, predicted, **told)


def missed(true: MassClass, diameter_mm: float = 4.0) -> Domain:
    """A true mass that was not found."""
    return Domain(DomainOutcome.FALSE_NEGATIVE, Side.LEFT, diameter_mm, 0.03, _PLACE, 0.0, true, None)


def false(predicted: MassClass, diameter_mm: float = 8.0) -> Domain:
    """A predicted mass that is not true."""
    return Domain(
        DomainOutcome.FALSE_POSITIVE, Side.LEFT, diameter_mm, 0.3, _PLACE, 0.0, None, predicted,
        predicted_centroid_ras=_PLACE, predicted_diameter_mm=diameter_mm,
    )  # fmt: skip


def sure(cls: MassClass, share: float) -> dict[MassClass, float]:
    """``share`` for a class, the rest in halves for the other two."""
    return {other: share if other is cls else (1 - share) / 2 for other in KNOWN_CLASSES}


def case(
    name: str,
    masses: Iterable[Domain | tuple[Domain, Mapping[MassClass, float]]] = (),
    *,
    part: str = "",
    patient: str | None = None,
    dice: float | None = 0.9,
    kits: float = 0.8,
) -> CaseResult:
    """One case with two kidneys of one Dice."""
    told = [mass if isinstance(mass, tuple) else (mass, None) for mass in masses]
    structures = tuple(
        StructureAgreement("kidney_and_mass", side, dice, 0.8, 1.0, 5.0, 2.0, 150.0, 160.0) for side in Side
    )
    return CaseResult(
        name,
        patient or name,
        part,
        Agreement(
            f"prediction {name}",
            f"reference {name}",
            structures,
            Detection(tuple(domain for domain, _ in told)),
            tuple(KitsScore(cls, kits, kits - 0.1) for cls in HierarchicalClass),
            (),
        ),
        tuple(probabilities for _, probabilities in told),
        BUNDLE,
        ("a warning",),
        1.5,
    )
