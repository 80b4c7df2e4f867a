"""How well boxes were found: precision, recall, F1 and average precision at an overlap, and sensitivity for lesions.

A box counts as found where one of its class overlaps it by an IoU of at least 0.5 (Everingham et al., PASCAL VOC
2010); boxes are taken by falling score, each true box once. Sensitivity counts lesions: one is found where any of its
slices is.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from RenalAILib.default_boxes import Boxes
from RenalAILib.detector.overlap import intersection_over_union

IOU = 0.5
"""From which overlap on a box is one that is there."""
SCORE = 0.5
"""From which score on a box counts in precision, recall and F1."""


@dataclass(frozen=True, eq=False)
class JudgedBoxes:
    """The boxes of one class in one slice, with the true ones.

    Attributes:
        truth: ``(n, 4)``.
        lesions: whose the ``n`` true boxes are, over all scans.
        boxes: ``(m, 4)`` found.
        scores: ``(m,)``.
    """

    truth: Boxes
    lesions: Sequence[Hashable]
    boxes: Boxes
    scores: npt.NDArray[np.float64]


@dataclass(frozen=True)
class DetectionScores:
    """The measures of one class over many slices; nan where there is nothing to count."""

    precision: float
    recall: float
    f1: float
    sensitivity: float
    average_precision: float
    true_positive: int
    false_positive: int
    false_negative: int
    lesions: int


def hits(judged: JudgedBoxes) -> npt.NDArray[np.intp]:
    """For each box found the number of the true box it is, -1 where it is none; in the order of ``judged.boxes``."""
    result = np.full(len(judged.boxes), -1, dtype=np.intp)
    if len(judged.truth) == 0 or len(judged.boxes) == 0:
        return result
    overlap = intersection_over_union(judged.boxes, judged.truth)
    for box in np.argsort(-judged.scores, kind="stable"):
        best = int(overlap[box].argmax())
        if overlap[box, best] >= IOU:
            result[box] = best
            overlap[:, best] = -1.0
    return result


def detection_scores(slices: Sequence[JudgedBoxes]) -> DetectionScores:
    """The measures of one class.

    Example:
        >>> box = np.array([[0.1, 0.1, 0.3, 0.3]])
        >>> found = np.concatenate([box + 0.01, box + 0.5])
        >>> one = detection_scores([JudgedBoxes(box, ["a"], found, np.array([0.9, 0.8]))])
        >>> one.precision, one.recall, one.sensitivity
        (0.5, 1.0, 1.0)
    """
    positive, false, lost = 0, 0, 0
    lesions: set[Hashable] = set()
    found: set[Hashable] = set()
    scores, right = [], []
    for judged in slices:
        which = hits(judged)
        sure = judged.scores >= SCORE
        caught = which[sure & (which >= 0)]
        positive += len(caught)
        false += int((sure & (which < 0)).sum())
        lost += len(judged.truth) - len(caught)
        lesions |= set(judged.lesions)
        found |= {judged.lesions[number] for number in caught}
        scores.append(judged.scores)
        right.append(which >= 0)
    precision, recall = _share(positive, positive + false), _share(positive, positive + lost)
    return DetectionScores(
        precision=precision,
        recall=recall,
        f1=_share(2 * positive, 2 * positive + false + lost),
        sensitivity=_share(len(found), len(lesions)),
        average_precision=_average_precision(scores, right, positive + lost),
        true_positive=positive,
        false_positive=false,
        false_negative=lost,
        lesions=len(lesions),
    )


def _average_precision(
    scores: Sequence[npt.NDArray[np.float64]], right: Sequence[npt.NDArray[np.bool_]], truths: int
) -> float:
    """The area under precision over recall, precision made to fall (PASCAL VOC 2010)."""
    if truths == 0:
        return float("nan")
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hit = np.concatenate(right)[order]
    caught = np.cumsum(hit)
    precision = np.maximum.accumulate((caught / np.arange(1, len(hit) + 1))[::-1])[::-1]
    return float(precision[hit].sum() / truths)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
