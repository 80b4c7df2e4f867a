"""The pipeline ``detector`` (Abdullah et al.): boxes in axial slices, joined to candidates in 3-D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..boxes import Box
from ..bundles.stages.detector import DetectorStages, SliceDetectStage
from ..cascade.locate import coarse_volume
from ..cascade.sides import Component, body_at
from ..detections import Detection
from ..detector.candidates import Candidate, join
from ..detector.coding import SliceBoxes
from ..detector.slices import BATCH, SliceGrid, box_of, find_boxes, looked_at
from ..labels import Side
from ..orientation import Orientation
from ..volume import Volume
from .work import Found, Work

FAST_STEP = 2
NEAR_MM = 20.0  # between a candidate and its context: where a mass replaces a kidney, the detector sees no kidney
COARSE_MM = 6.0  # grid on which the body's midline is measured


@dataclass(frozen=True, eq=False)
class Placed:
    """A candidate and its box in the canonical CT."""

    candidate: Candidate
    label: str
    box: Box


def run(work: Work) -> Found:
    """Candidates by falling score; ``fast`` looks at every second slice, with the first network only."""
    stage, view = work.stages(DetectorStages).slice_detect, work.view
    with work.stopwatch("detect"):
        slices, found = boxes_in_slices(work)
        reported, context = placed(stage, view, slices, found)
        midline = _midline(view, context or reported) if stage.sides and reported else None
        detections = [_detection(work, number, each, slices, midline) for number, each in enumerate(reported, 1)]
    return Found.without_segments(work.volume, _warnings(stage.classes, stage.reported, context), detections=detections)


def boxes_in_slices(work: Work) -> tuple[range, list[SliceBoxes]]:
    """The canonical slices that are looked at, and the boxes in each."""
    stage, view = work.stages(DetectorStages).slice_detect, work.view
    slices = looked_at(view, stage.step_mm * (FAST_STEP if work.fast else 1))
    models = stage.models[:1] if work.fast else stage.models

    def before(done: int) -> None:
        last = min(done + BATCH, len(slices))
        work.steps("detect", 0.95 * done / len(slices), f"Looking at slices {done + 1} to {last} of {len(slices)}")

    return slices, find_boxes(view, slices, stage, work.networks, models, before)


def placed(
    stage: SliceDetectStage, view: Volume, slices: range, found: Sequence[SliceBoxes]
) -> tuple[list[Placed], list[Placed]]:
    """Candidates of the reported classes, those near context only (where a bundle has any), and the context."""
    grid = SliceGrid.of(view, stage.defaults.shape)
    every = []
    for candidate in join(found, fewest=stage.fewest_slices):
        box = box_of(candidate, slices, grid, view)
        if box is not None:
            every.append(Placed(candidate, stage.classes[candidate.class_number - 1], box))
    context = [each for each in every if each.label not in stage.reported]
    reported = [each for each in every if each.label in stage.reported]
    if set(stage.classes) != set(stage.reported):
        near = [each.box.grown(NEAR_MM, view.spacing_mm, view.shape) for each in context]
        reported = [each for each in reported if any(each.box.overlap(box) for box in near)]
    return reported, context


def _warnings(classes: Sequence[str], reported: Sequence[str], context: Sequence[Placed]) -> list[str]:
    missing = [name for name in classes if name not in reported and name not in {each.label for each in context}]
    return [f"No {name} was found, and so no candidate was looked for near one." for name in missing]


def _midline(view: Volume, around: Sequence[Placed]) -> float:
    """R of the body's midline at the height of the boxes, mm."""
    coarse = coarse_volume(view, COARSE_MM)
    mask = np.zeros(coarse.shape, dtype=np.bool_)
    for each in around:
        mask[each.box.scaled(view.shape, coarse.shape).clipped(coarse.shape).slices] = True
    return body_at(coarse, [Component(mask, float(mask.sum()) * coarse.voxel_ml, 1.0)]).midline_r


def _detection(work: Work, number: int, one: Placed, slices: range, midline_r: float | None) -> Detection:
    orientation = Orientation.of(work.volume)
    count = work.view.shape[0]
    seen = sorted(
        count - 1 - slices[n] if orientation.flipped[0] else slices[n] for n in one.candidate.slices
    )  # along the stored axis that runs most nearly to the head
    box = orientation.undo_box(one.box, work.volume.shape)
    found = Detection.of_box(f"candidate_{number}", one.label, one.candidate.score, box, work.volume, tuple(seen))
    if midline_r is None:
        return found
    return replace(found, side=Side.RIGHT if found.centre_ras[0] > midline_r else Side.LEFT)
