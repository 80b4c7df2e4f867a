"""The agreement as tables on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .agreement import Agreement
from .detection import DomainOutcome

if TYPE_CHECKING:
    from rich.console import Console


def show_agreement(agreement: Agreement, console: Console) -> None:
    """Print structures, masses and KiTS scores; ``-`` stands for what cannot be measured."""
    from rich.table import Table

    table = Table(title=f"{agreement.prediction} against {agreement.reference}")
    table.add_column("structure")
    for heading in ("side", "Dice", "surface Dice", "HD mm", "HD95 mm", "found ml", "true ml", "difference ml"):
        table.add_column(heading, justify="right")
    for row in agreement.structures:
        table.add_row(
            row.structure.replace("_", " "),
            row.side.value,
            _number(row.dice, 3),
            _number(row.surface_dice, 3),
            _number(row.hausdorff_mm, 1),
            _number(row.hausdorff95_mm, 1),
            _number(row.volume_ml, 1),
            _number(row.reference_ml, 1),
            f"{row.volume_difference_ml:+.1f}",
        )
    console.print(table)

    table = Table(title="Masses (connected domains, matched at an intersection over union of 0.1)")
    table.add_column("average diameter")
    for heading in ("found", "false", "missed", "precision", "recall", "F1"):
        table.add_column(heading, justify="right")
    detection = agreement.detection
    for name, counts in (
        ("all", detection.counts()),
        ("under 5 mm", detection.counts(small=True)),
        ("5 mm and more", detection.counts(small=False)),
        ("all, any overlap", detection.any_overlap()),
    ):
        table.add_row(
            name,
            str(counts.true_positive),
            str(counts.false_positive),
            str(counts.false_negative),
            _number(counts.precision, 2),
            _number(counts.recall, 2),
            _number(counts.f1, 2),
        )
    console.print(table)

    table = Table(title="KiTS hierarchical classes (both empty counts 1, one empty 0)")
    table.add_column("class")
    for heading in ("Dice", "surface Dice", "tolerance mm"):
        table.add_column(heading, justify="right")
    for score in agreement.kits:
        cls = score.hierarchical_class
        table.add_row(
            cls.value.replace("_", " "), f"{score.dice:.3f}", f"{score.surface_dice:.3f}", f"{cls.tolerance_mm:.3f}"
        )
    console.print(table)
    for domain in agreement.detection.domains:
        if domain.outcome is not DomainOutcome.TRUE_POSITIVE:
            word = "missed" if domain.outcome is DomainOutcome.FALSE_NEGATIVE else "false"
            console.print(
                f"{word}: {domain.side.value}, {domain.diameter_mm:.1f} mm at RAS"
                f" {', '.join(f'{value:.0f}' for value in domain.centroid_ras)}"
            )
    for note in agreement.notes:
        console.print(note)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
