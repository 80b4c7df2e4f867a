"""Regions: nested structures measured as the brain tumor challenge measures ET, TC and WT, one inside the other.

Of a kidney the whole region is the organ with its masses (as WT holds everything), inside it the masses (as TC), inside
these the enhancing, solid ones (as ET). Each region is measured by itself, whatever is drawn inside it; where reference
and prediction both lack it the Dice is 1, where one does 0, as in the challenge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from RenalAILib.compare.dice import dice
from RenalAILib.labels import KIDNEY_LABELS, MASS_LABELS, Label

from .bootstrap import Ratio, Resamples
from .table import Cell, Table

REGIONS: Mapping[str, tuple[Label, ...]] = {
    "kidney_and_mass": (*KIDNEY_LABELS, *MASS_LABELS),
    "mass": MASS_LABELS,
    "solid": (Label.SOLID,),
}
"""From the outermost to the innermost."""

_SAID = {"kidney_and_mass": "kidneys with masses (as WT)", "mass": "masses (as TC)", "solid": "solid masses (as ET)"}


@dataclass(frozen=True)
class RegionAgreement:
    """One region of one case.

    Attributes:
        dice: of the region.
        sensitivity: share of its true voxels that were found; None where there are none.
        specificity: share of the other voxels that were left alone; None where there are none.
    """

    dice: float
    sensitivity: float | None
    specificity: float | None


def region_agreement(predicted: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8]) -> dict[str, RegionAgreement]:
    """Agreement of two label maps on one grid, region by region.

    Args:
        predicted, reference: values of `Label`, of one shape.

    Raises:
        ValueError: they differ in shape.

    Example:
        >>> truth, found = np.array([0, 1, 5, 4], np.uint8), np.array([1, 1, 5, 5], np.uint8)
        >>> {name: round(region.dice, 2) for name, region in region_agreement(found, truth).items()}
        {'kidney_and_mass': 0.86, 'mass': 1.0, 'solid': 0.67}
    """
    if predicted.shape != reference.shape:
        raise ValueError(f"label maps need one shape, got {predicted.shape} and {reference.shape}")
    result = {}
    for name, labels in REGIONS.items():
        found, wanted = np.isin(predicted, labels), np.isin(reference, labels)
        hit, others = int((found & wanted).sum()), int((~wanted).sum())
        quiet = int((~found & ~wanted).sum())
        overlap = dice(found, wanted)
        result[name] = RegionAgreement(
            1.0 if overlap is None else overlap,
            hit / int(wanted.sum()) if wanted.any() else None,
            quiet / others if others else None,
        )
    return result


def region_table(cases: Iterable[tuple[str, Mapping[str, RegionAgreement]]], resamples: Resamples) -> Table:
    """Means over cases as the brain tumor challenge tells them, one row a region.

    Args:
        cases: patient and agreement by region; cases without any are left out.
        resamples: of the patients.
    """
    told = [(patient, regions) for patient, regions in cases if regions]
    rows: list[tuple[Cell, ...]] = []
    for name in REGIONS if told else ():
        means = [
            resamples.estimate(Ratio.mean((patient, getattr(regions[name], what)) for patient, regions in told))
            for what in ("dice", "sensitivity", "specificity")
        ]
        rows.append((_SAID[name], *means))
    notes = (
        "Nested: each region holds the next. Means over CTs; where reference and prediction both lack a region its Dice"
        " is 1, where one of them does 0, as in BraTS.",
    )
    return Table("regions", "Nested regions", ("Region", "Dice", "Sensitivity", "Specificity"), tuple(rows), notes)
