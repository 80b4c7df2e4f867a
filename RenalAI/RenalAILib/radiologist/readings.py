"""Readings: what a radiologist says about a mass that RenalAI found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from ..labels import MassClass


class Answer(Enum):
    """The radiologist's answer to one mass."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RECLASSIFIED = "reclassified"
    NOTED = "noted"
    DRAWN = "drawn"


@dataclass(frozen=True)
class Reading:
    """One radiologist's answer to one mass. It stands beside the engine's finding and never replaces it.

    Args:
        segment_id: the mass, as in the findings.
        verdict: accepted, rejected (no mass there), reclassified, just noted, or drawn: the mass is the radiologist's
            own (``Mass.drawn``).
        mass_class: the radiologist's class; given with ``RECLASSIFIED`` and ``DRAWN`` and with nothing else.
        note: free words, may be empty.
        reader: who read, may be empty.
        time: ISO 8601, such as ``2026-03-01T14:05:00+01:00``; may be empty.

    Raises:
        ValueError: the verdict and the class contradict each other, or the time is none.

    Example:
        >>> Reading("mass_left_1", Answer.RECLASSIFIED, MassClass.AML, note="fat at the rim").words
        'Reclassified as AML'
    """

    segment_id: str
    verdict: Answer
    mass_class: MassClass | None = None
    note: str = ""
    reader: str = ""
    time: str = ""

    def __post_init__(self) -> None:
        if (self.verdict in (Answer.RECLASSIFIED, Answer.DRAWN)) != (self.mass_class is not None):
            raise ValueError(
                f"{self.segment_id}: a class belongs to 'reclassified' and 'drawn' and to no other verdict"
            )
        if self.time:
            datetime.fromisoformat(self.time)

    @property
    def words(self) -> str:
        """The verdict as a report says it."""
        if self.mass_class is None:
            return self.verdict.value.capitalize()
        names = {MassClass.AML: "AML", MassClass.UNKNOWN: "of unknown class"}
        return f"{self.verdict.value.capitalize()} as {names.get(self.mass_class, self.mass_class.value)}"

    def to_json(self) -> dict[str, Any]:
        """Plain types for ``json.dump``."""
        return {
            "segment_id": self.segment_id,
            "verdict": self.verdict.value,
            "class": None if self.mass_class is None else self.mass_class.value,
            "note": self.note,
            "reader": self.reader,
            "time": self.time,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reading:
        """The inverse of :meth:`to_json`. Raises ValueError where a field is missing or unknown."""
        try:
            mass_class = None if data["class"] is None else MassClass(data["class"])
            return cls(
                data["segment_id"], Answer(data["verdict"]), mass_class, data["note"], data["reader"], data["time"]
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a complete reading: {problem}") from problem
