"""Vote: a slice classifier's rule for patients, and which slices it learns from and looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Slices = Literal["all", "kidney", "mass"]
Labelled = Literal["mass", "oncocytoma"]


@dataclass(frozen=True)
class Vote:
    """What becomes of the votes of a patient's slices, and what the slices are labelled by.

    Args:
        slices: which slices vote at work: all, those through a kidney, or those through a mass.
        labelled: what makes the class of a training slice, see `dataset.slice_samples`: whether it shows a ``mass``, or
            whether the patient has an ``oncocytoma``.
        decisive: the class that is the verdict with ``threshold`` of the votes and only then; empty for a majority.
        threshold: share of the slices.
    """

    slices: Slices = "all"
    labelled: Labelled = "mass"
    decisive: str = ""
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be a share above 0 and up to 1, got {self.threshold}")
