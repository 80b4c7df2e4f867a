"""Overlap of boxes in a slice, and non-maximum suppression."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..default_boxes import Boxes


def intersection_over_union(one: Boxes, other: Boxes) -> npt.NDArray[np.float64]:
    """IoU ``(n, m)`` of every box of ``one`` ``(n, 4)`` with every box of ``other`` ``(m, 4)``.

    Example:
        >>> intersection_over_union(np.array([[0, 0, 2, 2.0]]), np.array([[1, 0, 3, 2.0], [5, 5, 6, 6]])).round(3)
        array([[0.333, 0.   ]])
    """
    corner = np.maximum(one[:, None, :2], other[None, :, :2])
    opposite = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.clip(opposite - corner, 0.0, None), axis=2)
    union = areas(one)[:, None] + areas(other)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def areas(boxes: Boxes) -> npt.NDArray[np.float64]:
    """Area ``(n,)`` of boxes ``(n, 4)``."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def non_maximum_suppression(
    boxes: Boxes, scores: npt.NDArray[np.float64], iou: float = 0.45, most: int = 100
) -> npt.NDArray[np.intp]:
    """Indices of the boxes to keep, by falling score: none overlaps a kept one of higher score by more than ``iou``.

    Args:
        boxes: ``(n, 4)`` of one class in one slice.
        scores: ``(n,)``.
        iou: 0.45 in Liu et al. 2016.
        most: boxes kept at the most.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while waiting.size and len(kept) < most:
        best, rest = int(waiting[0]), waiting[1:]
        kept.append(best)
        waiting = rest[intersection_over_union(boxes[best : best + 1], boxes[rest])[0] <= iou]
    return np.array(kept, dtype=np.intp)
