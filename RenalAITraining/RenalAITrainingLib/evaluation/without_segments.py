"""Without segments: bundles that give boxes or votes are evaluated by tables of their own."""

from __future__ import annotations

from collections.abc import Sequence

from RenalAILib.bundles.bundle import Bundle
from RenalAILib.errors import InputError
from RenalAILib.steps import Report

from .boxes import evaluate_boxes
from .request import Request
from .slice_votes import evaluate_votes
from .table import Table

GIVES = {"detector": "finds boxes", "slice-vote": "votes by slices"}
"""By kind of bundle."""


def check_comparable(first: Bundle, second: Bundle | None) -> None:
    """Refuse to compare what has no common measure: only two bundles of slice votes have one.

    Args:
        first: gives boxes or votes.
        second: None for results of another program.

    Raises:
        InputError: in one sentence, why.
    """
    if second is None or (first.pipeline, second.pipeline) != ("slice-vote", "slice-vote"):
        other = "results of another program" if second is None else f"{second.name}, a {second.pipeline} bundle"
        raise InputError(f"{first.name} {GIVES[first.pipeline]}; it cannot be compared with {other}")


def evaluate_without_segments(request: Request, bundles: Sequence[Bundle], progress: Report) -> list[Table]:
    """The report folder of a detector, of a bundle of slice votes, or of two of these; its tables.

    Raises:
        InputError: see `evaluate_boxes` and `evaluate_votes`.
    """
    if bundles[0].pipeline == "detector":
        return evaluate_boxes(request, bundles[0], progress)
    return evaluate_votes(request, bundles, progress)
