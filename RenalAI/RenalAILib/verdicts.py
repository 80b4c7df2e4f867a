"""Verdict: what a classifier of slices says about a patient, with the votes behind it, and its JSON form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .labels import Side


@dataclass(frozen=True)
class SliceVote:
    """What the classifier says about one axial slice.

    Attributes:
        k: index of the slice along the head-foot axis of the CT as it is stored.
        centre_ras: RAS mm of the middle of what was looked at (the slice, or a crop of it); where to look in Slicer.
        probabilities: by class, in the network's order.
        vote: the class that the slice votes for.
    """

    k: int
    centre_ras: tuple[float, float, float]
    probabilities: Mapping[str, float]
    vote: str


@dataclass(frozen=True)
class Verdict:
    """The class of a patient, by the votes of its slices.

    Attributes:
        label: the class voted for.
        decisive: the class that ``threshold`` is about: it is the verdict where at least that share of the slices votes
            for it. None where the class with most votes wins.
        threshold: share of the slices, 0 to 1 (Pedersen 2020: 0.51).
        slices: all that voted, from feet to head; at least one.
        side: the kidney it is about, None for the patient.

    Example:
        >>> votes = tuple(SliceVote(k, (0.0, 0.0, k), {"benign": 0.2, "rcc": 0.8}, "rcc") for k in range(3))
        >>> Verdict("rcc", "rcc", 0.51, votes).share
        1.0
    """

    label: str
    decisive: str | None
    threshold: float
    slices: tuple[SliceVote, ...]
    side: Side | None = None

    def __post_init__(self) -> None:
        if not self.slices:
            raise ValueError("a verdict needs at least one slice that voted")

    @property
    def shares(self) -> dict[str, float]:
        """The share of the slices that voted for each class, 0 to 1, in the network's order."""
        votes = Counter(vote.vote for vote in self.slices)
        return {label: votes[label] / len(self.slices) for label in self.slices[0].probabilities}

    @property
    def share(self) -> float:
        """The share of the slices that voted for :attr:`label`."""
        return self.shares[self.label]

    def to_json(self) -> dict[str, Any]:
        """Plain types; ``share`` and ``shares`` are written for people and read back from the votes."""
        return {
            "label": self.label,
            "share": self.share,
            "shares": self.shares,
            "decisive": self.decisive,
            "threshold": self.threshold,
            "side": self.side.value if self.side else None,
            "slices": [{**asdict(vote), "centre_ras": list(vote.centre_ras)} for vote in self.slices],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of :meth:`to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        slices = tuple(
            SliceVote(vote["k"], _triple(vote["centre_ras"]), dict(vote["probabilities"]), vote["vote"])
            for vote in data["slices"]
        )
        side = None if data["side"] is None else Side(data["side"])
        return cls(data["label"], data["decisive"], data["threshold"], slices, side)


def _triple(values: Any) -> tuple[float, float, float]:
    r, a, s = values
    return float(r), float(a), float(s)
