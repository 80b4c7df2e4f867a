"""Listings: every case and every mass in a line, for a spreadsheet or a statistics package."""

from __future__ import annotations

from collections.abc import Sequence

from RenalAILib.labels import Side

from .cases import KNOWN_CLASSES, CaseResult
from .table import Cell, Table


def case_listing(results: Sequence[CaseResult]) -> Table:
    """One line a case."""
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        dice = {(part.structure, part.side): part.dice for part in result.agreement.structures}
        counts = result.agreement.detection.counts()
        scores = [value for score in result.agreement.kits for value in (score.dice, score.surface_dice)]
        overlaps = [dice.get((name, side)) for name in ("kidney_and_mass", "mass") for side in Side]
        found = (counts.true_positive, counts.false_positive, counts.false_negative)
        rows.append(
            (result.case, result.patient, result.part or None, *overlaps, *scores, *found, result.seconds, _by(result))
        )
    columns = (
        "case", "patient", "set",
        "Dice right kidney with masses", "Dice left kidney with masses", "Dice right masses", "Dice left masses",
        *(f"KiTS {kind} {name}" for name in ("kidney and mass", "mass", "tumor") for kind in ("Dice", "surface Dice")),
        "found", "false", "missed", "seconds", "bundle",
    )  # fmt: skip
    return Table("cases", "Every case", columns, tuple(rows))


def _by(result: CaseResult) -> str | None:
    """Which weights spoke: name, version and the beginning of their SHA-256."""
    bundle = result.bundle
    return None if bundle is None else f"{bundle.name} {bundle.version} {bundle.sha256[:8]}"


def mass_listing(results: Sequence[CaseResult]) -> Table:
    """One line a mass: true, predicted, or both."""
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        for mass in result.masses:
            domain = mass.domain
            rows.append(
                (
                    result.case, result.patient, result.part or None, domain.outcome.value, domain.side.value,
                    domain.true_class.value if domain.true_class else None,
                    domain.predicted_class.value if domain.predicted_class else None,
                    *((mass.probabilities or {}).get(cls) for cls in KNOWN_CLASSES),
                    domain.diameter_mm, domain.volume_ml, domain.iou, mass.dice if mass.found else None,
                    domain.hausdorff_mm, domain.hausdorff95_mm, *domain.centroid_ras,
                )
            )  # fmt: skip
    columns = (
        "case", "patient", "set", "outcome", "side", "true class", "predicted class",
        *(f"probability {cls.value}" for cls in KNOWN_CLASSES),
        "diameter mm", "volume ml", "IoU", "Dice", "HD mm", "HD95 mm", "R mm", "A mm", "S mm",
    )  # fmt: skip
    return Table("masses", "Every mass", columns, tuple(rows))
