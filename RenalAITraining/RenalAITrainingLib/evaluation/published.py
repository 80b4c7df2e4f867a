"""Published: KiTS' scores of the system measured here, beside what nnU-Net's authors published on the KiTS data.

The figures are of other data: they say what is within reach with real training images, not who is better. Read in the
repository neheller/kits21, file ``nnUNet_summary.csv``: five-fold cross-validation of nnU-Net v1 on the training cases
of KiTS21, with the tolerances of `HierarchicalClass.tolerance_mm`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from RenalAILib.compare.kits import HierarchicalClass

from . import measures
from .bootstrap import Resamples
from .cases import CaseResult
from .table import Cell, Table


@dataclass(frozen=True)
class Published:
    """Dice and surface Dice as published."""

    dice: float
    surface_dice: float


NNUNET = "nnU-Net on KiTS21 (other data)"
NNUNET_KITS21: Mapping[HierarchicalClass, Published] = {
    HierarchicalClass.KIDNEY_AND_MASS: Published(0.9747, 0.9453),
    HierarchicalClass.MASS: Published(0.8799, 0.7714),
    HierarchicalClass.TUMOR: Published(0.8491, 0.7393),
}


def beside_published(results: Sequence[CaseResult], resamples: Resamples) -> Table:
    """Mean Dice and surface Dice of each hierarchical class over all cases; the published ones in columns apart."""
    rows: list[tuple[Cell, ...]] = []
    for cls in HierarchicalClass:
        dice, surface = (resamples.estimate(measures.kits_mean(results, cls, kind)) for kind in (False, True))
        theirs = NNUNET_KITS21[cls]
        words = cls.value.replace("_", " ")
        rows.append((words, dice.count, dice, surface, cls.tolerance_mm, theirs.dice, theirs.surface_dice))
    columns = (
        "class", "CTs", "Dice, measured here", "surface Dice, measured here", "tolerance mm",
        f"Dice, {NNUNET}", f"surface Dice, {NNUNET}",
    )  # fmt: skip
    notes = (
        "The last two columns are nnU-Net's 3d_cascade_fullres in cross-validation, measured by its authors on other"
        " patients: a mark of what is within reach, no comparison."
        " A CT without masses scores 0 for one false voxel and 1 for none.",
    )
    return Table("published", "KiTS' scores beside published ones", columns, tuple(rows), notes, {"tolerance mm": 4})
