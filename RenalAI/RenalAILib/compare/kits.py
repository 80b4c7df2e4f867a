"""The KiTS challenge's scores: hierarchical evaluation classes with its exact tolerances and empty rules.

Read in neheller/kits23: a class's Dice and surface Dice are 1 where both masks are empty and 0 where exactly one is.
The tolerances are the 95th percentile of the distances between annotators' surfaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from ..labels import KIDNEY_LABELS, MASS_LABELS, Label
from .dice import dice
from .surfaces import surface_distances


class HierarchicalClass(Enum):
    """KiTS' nested classes as our labels. KiTS has no unknown masses: ours count as masses, not as tumors."""

    KIDNEY_AND_MASS = "kidney_and_mass"
    MASS = "mass"
    TUMOR = "tumor"

    @property
    def labels(self) -> tuple[Label, ...]:
        """The label values that belong to the class (KiTS' tumors hold its angiomyolipomas)."""
        return {
            HierarchicalClass.KIDNEY_AND_MASS: (*KIDNEY_LABELS, *MASS_LABELS),
            HierarchicalClass.MASS: MASS_LABELS,
            HierarchicalClass.TUMOR: (Label.AML, Label.SOLID),
        }[self]

    @property
    def tolerance_mm(self) -> float:
        """Of the surface Dice."""
        return {
            HierarchicalClass.KIDNEY_AND_MASS: 1.0330772532390826,
            HierarchicalClass.MASS: 1.1328796488598762,
            HierarchicalClass.TUMOR: 1.1498198361434828,
        }[self]


@dataclass(frozen=True)
class KitsScore:
    """Dice and surface Dice of one hierarchical class, 0 to 1."""

    hierarchical_class: HierarchicalClass
    dice: float
    surface_dice: float


def kits_scores(
    prediction: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8], spacing_mm: npt.ArrayLike
) -> tuple[KitsScore, ...]:
    """The scores of one case.

    Args:
        prediction, reference: ``[k, j, i]``, values of `Label`, one grid.
        spacing_mm: (k, j, i).
    """
    scores = []
    for cls in HierarchicalClass:
        found, true = np.isin(prediction, cls.labels), np.isin(reference, cls.labels)
        if not found.any() or not true.any():
            same = float(not found.any() and not true.any())
            scores.append(KitsScore(cls, same, same))
            continue
        surface = surface_distances(true, found, spacing_mm).surface_dice(cls.tolerance_mm)
        scores.append(KitsScore(cls, dice(found, true) or 0.0, surface or 0.0))
    return tuple(scores)
