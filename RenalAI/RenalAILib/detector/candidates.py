"""Candidates: boxes of neighbouring slices that show the same thing, joined to one box in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .coding import SliceBoxes
from .overlap import intersection_over_union


@dataclass(frozen=True, eq=False)
class Candidate:
    """One thing seen in one slice or several.

    Attributes:
        class_number: from 1.
        score: of its best slice.
        slices: indices of the slices that show it, rising.
        start, stop: corners (k, j, i): ``k`` a slice index (stop is the last and one), ``j, i`` shares of the slice.
    """

    class_number: int
    score: float
    slices: tuple[int, ...]
    start: tuple[float, float, float]
    stop: tuple[float, float, float]


@dataclass
class _Chain:
    class_number: int
    slices: list[int]
    boxes: list[np.ndarray]
    scores: list[float]


def join(found: Sequence[SliceBoxes], iou: float = 0.3, gap: int = 1, fewest: int = 1) -> list[Candidate]:
    """Candidates by falling score.

    From slice to slice, a box goes on the chain of its class whose last box it overlaps most; pairs that overlap most
    are taken first, and a box or a chain is taken once.

    Args:
        found: by slice, in order.
        iou: that two boxes of neighbouring slices overlap at least.
        gap: slices between two boxes of one candidate that may lack it.
        fewest: slices that a candidate needs.
    """
    ended: list[_Chain] = []
    chains: list[_Chain] = []
    for number, boxes in enumerate(found):
        ended += [chain for chain in chains if number - chain.slices[-1] > gap + 1]
        chains = [chain for chain in chains if number - chain.slices[-1] <= gap + 1]
        chains += _extend(chains, boxes, number, iou)
    result = [_candidate(chain) for chain in [*ended, *chains] if len(chain.slices) >= fewest]
    return sorted(result, key=lambda candidate: (-candidate.score, candidate.start))


def _extend(chains: list[_Chain], found: SliceBoxes, number: int, iou: float) -> list[_Chain]:
    """Put the boxes of slice ``number`` on chains; those that fit none begin new ones, which are returned."""
    free = set(range(len(found.boxes)))
    if chains and free:
        overlap = intersection_over_union(np.stack([chain.boxes[-1] for chain in chains]), found.boxes)
        same = np.equal.outer([chain.class_number for chain in chains], found.classes)
        overlap = np.where(same, overlap, -1.0)
        while overlap.max() >= iou:
            chain, box = (int(n) for n in np.unravel_index(int(overlap.argmax()), overlap.shape))
            chains[chain].slices.append(number)
            chains[chain].boxes.append(found.boxes[box])
            chains[chain].scores.append(float(found.scores[box]))
            overlap[chain, :], overlap[:, box] = -1.0, -1.0
            free.discard(box)
    return [_Chain(int(found.classes[n]), [number], [found.boxes[n]], [float(found.scores[n])]) for n in sorted(free)]


def _candidate(chain: _Chain) -> Candidate:
    corners = np.stack(chain.boxes)
    top, left = corners[:, :2].min(axis=0)
    bottom, right = corners[:, 2:].max(axis=0)
    return Candidate(
        chain.class_number,
        max(chain.scores),
        tuple(chain.slices),
        (float(chain.slices[0]), float(top), float(left)),
        (float(chain.slices[-1] + 1), float(bottom), float(right)),
    )
