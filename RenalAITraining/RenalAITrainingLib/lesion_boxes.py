"""Lesion boxes: what a detector's sample says is in its slice, and the JSON form in the sample's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from RenalAILib.default_boxes import Boxes

Rect = tuple[float, float, float, float]

KEY = "boxes"
"""Of a record's extra facts."""


@dataclass(frozen=True)
class LesionBox:
    """One thing in one slice.

    Attributes:
        rect: top, left, bottom, right in pixel edges of the sample's grid (0 is the outer edge of its first pixel).
        label: its class, by name.
        lesion: a number that its boxes in other slices of the same scan share.
    """

    rect: Rect
    label: str
    lesion: int

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"rect": [round(edge, 2) for edge in self.rect], "label": self.label, "lesion": self.lesion}


def to_facts(boxes: Iterable[LesionBox]) -> dict[str, Any]:
    """What a record notes: an empty list where the slice holds nothing."""
    return {KEY: [box.to_json() for box in boxes]}


def from_facts(facts: Mapping[str, Any]) -> list[LesionBox]:
    """The inverse of `to_facts`. Raises ValueError where a record notes no boxes."""
    try:
        return [LesionBox(_rect(box["rect"]), str(box["label"]), int(box["lesion"])) for box in facts[KEY]]
    except (KeyError, TypeError) as error:
        raise ValueError("the sample notes no boxes; it was not made for a detector") from error


def as_shares(boxes: Sequence[LesionBox], shape: tuple[int, int]) -> Boxes:
    """Boxes ``(n, 4)`` as shares of a grid of ``shape``."""
    rects = np.array([box.rect for box in boxes], dtype=np.float64).reshape(-1, 4)
    return np.asarray(rects / np.tile(np.array(shape, dtype=np.float64), 2))


def rect_of(mask: npt.NDArray[np.bool_]) -> Rect | None:
    """The rectangle of pixel edges about a mask ``[j, i]``, None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return float(rows[0]), float(columns[0]), float(rows[-1] + 1), float(columns[-1] + 1)


def _rect(values: Any) -> Rect:
    top, left, bottom, right = (float(value) for value in values)
    if not (top < bottom and left < right):
        raise ValueError(f"a box needs top < bottom and left < right, got {list(values)}")
    return top, left, bottom, right
