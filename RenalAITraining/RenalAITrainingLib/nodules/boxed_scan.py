"""A CT with boxes about its nodules, slice by slice, whatever they were annotated as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from RenalAILib.volume import Volume

from ..lesion_boxes import LesionBox

NODULE = "nodule"


@dataclass(frozen=True, eq=False)
class BoxedScan:
    """One scan.

    Attributes:
        view: the CT in canonical order.
        boxes: by canonical slice, in pixel edges of the CT.
        centres: canonical slice through the middle of each nodule, by its number.
    """

    view: Volume
    boxes: Mapping[int, Sequence[LesionBox]]
    centres: Mapping[int, int]
