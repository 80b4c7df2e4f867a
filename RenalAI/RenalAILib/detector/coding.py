"""From boxes in a slice to what the network is taught, and from what it gives back to boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..default_boxes import Boxes
from .overlap import intersection_over_union, non_maximum_suppression

VARIANCES = (0.1, 0.2)  # of centre and size in Liu's own code: they bring the four targets to about one scale
BACKGROUND = 0
_LARGEST_LOG = 7.0  # e^7, a thousand default boxes: more than any slice, and short of overflow


def encode(boxes: Boxes, defaults: Boxes) -> npt.NDArray[np.float64]:
    """Offsets ``(n, 4)`` that take default boxes ``(n, 4)`` to ``boxes`` ``(n, 4)``: centre (y, x), size (h, w).

    Liu et al. 2016, equation 2, divided by `VARIANCES`.
    """
    centre, size = _centres(boxes)
    default_centre, default_size = _centres(defaults)
    moved = (centre - default_centre) / default_size / VARIANCES[0]
    return np.concatenate([moved, np.log(size / default_size) / VARIANCES[1]], axis=1)


def decode(offsets: npt.NDArray[np.floating], defaults: Boxes) -> Boxes:
    """The inverse of :func:`encode`."""
    default_centre, default_size = _centres(defaults)
    centre = default_centre + offsets[:, :2] * VARIANCES[0] * default_size
    half = default_size * np.exp(np.minimum(offsets[:, 2:] * VARIANCES[1], _LARGEST_LOG)) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def match(truth: Boxes, defaults: Boxes, iou: float = 0.5) -> npt.NDArray[np.intp]:
    """For each default box the index of the true box it stands for, -1 for background (Liu et al. 2016, section 2.2).

    Every true box gets the default box that overlaps it most, whatever the overlap; then every other default box the
    true one that it overlaps most, if by more than ``iou``.
    """
    result = np.full(len(defaults), -1, dtype=np.intp)
    if len(truth) == 0:
        return result
    overlap = intersection_over_union(truth, defaults)
    best = overlap.argmax(axis=0)
    result[overlap.max(axis=0) > iou] = best[overlap.max(axis=0) > iou]
    # Pairs by falling overlap, so that two true boxes never take the same default box.
    for _ in range(len(truth)):
        number, default = np.unravel_index(int(overlap.argmax()), overlap.shape)
        result[default] = number
        overlap[number, :], overlap[:, default] = -1.0, -1.0
    return result


def targets(
    truth: Boxes, classes: npt.NDArray[np.integer], defaults: Boxes, iou: float = 0.5
) -> npt.NDArray[np.float32]:
    """What a network is taught about one slice, ``(defaults, 5)``: class number (0 background), then four offsets.

    Args:
        truth: ``(n, 4)`` true boxes.
        classes: ``(n,)`` their class numbers, from 1.
    """
    result = np.zeros((len(defaults), 5), dtype=np.float32)
    matched = match(truth, defaults, iou)
    at = np.flatnonzero(matched >= 0)
    result[at, 0] = classes[matched[at]]
    result[at, 1:] = encode(truth[matched[at]], defaults[at])
    return result


@dataclass(frozen=True, eq=False)
class SliceBoxes:
    """Boxes found in one slice.

    Attributes:
        boxes: ``(n, 4)``, shares of the slice, inside it.
        scores: ``(n,)`` probability of the class.
        classes: ``(n,)`` class numbers, from 1.
    """

    boxes: Boxes
    scores: npt.NDArray[np.float64]
    classes: npt.NDArray[np.intp]


def read_output(
    output: npt.NDArray[np.floating], defaults: Boxes, score_above: float, iou: float = 0.45, most: int = 100
) -> SliceBoxes:
    """What a network says about one slice, without the boxes that repeat a better one.

    Args:
        output: ``(defaults, C + 4)``: logits of C classes (the first is background), then four offsets.
        score_above: boxes with a lower probability of their class are left out.
        iou: of non-maximum suppression, class by class.
        most: boxes of one class kept at the most.
    """
    logits = output[:, :-4].astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability = powers / powers.sum(axis=1, keepdims=True)
    found = []
    for number in range(1, probability.shape[1]):
        at = np.flatnonzero(probability[:, number] > score_above)
        boxes = np.clip(decode(output[at, -4:].astype(np.float64), defaults[at]), 0.0, 1.0)
        real = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        boxes, scores = boxes[real], probability[at[real], number]
        kept = non_maximum_suppression(boxes, scores, iou, most)
        found.append((boxes[kept], scores[kept], np.full(len(kept), number, dtype=np.intp)))
    return SliceBoxes(
        np.concatenate([boxes for boxes, _, _ in found]) if found else np.zeros((0, 4)),
        np.concatenate([scores for _, scores, _ in found]) if found else np.zeros(0),
        np.concatenate([classes for _, _, classes in found]) if found else np.zeros(0, np.intp),
    )


def _centres(boxes: Boxes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
