"""Measured: the numbers of one study's findings that a cohort is compared by."""

from __future__ import annotations

from ..findings import Findings
from ..labels import MassClass, Side
from .task import Number


def measured(findings: Findings) -> dict[str, Number]:
    """One row of the cohort's table; None where there is no such thing."""
    row: dict[str, Number] = {}
    for side in Side:
        kidneys = [kidney for kidney in findings.kidneys if kidney.side is side]
        row[f"kidney_{side.value}_ml"] = round(sum(kidney.volume_ml for kidney in kidneys), 2) if kidneys else None
        row[f"kidney_{side.value}_hu"] = round(kidneys[0].mean_hu, 1) if kidneys else None
    row["masses"] = len(findings.masses)
    for cls in MassClass:
        row[cls.value] = sum(mass.mass_class is cls for mass in findings.masses)
    row["largest_mm"] = max((round(mass.diameter_mm.average, 1) for mass in findings.masses), default=None)
    row["mass_volume_ml"] = round(sum(mass.volume_ml for mass in findings.masses), 2)
    row["disagreements"] = sum(mass.evidence.agrees is False for mass in findings.masses)
    row["warnings"] = len(findings.warnings)
    if findings.verdict is not None:
        row["verdict"] = findings.verdict.label
    return row
