"""The pipeline ``slice-vote`` (Pedersen 2020, Bolocan 2023): slices are classified, the patient by their votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..anatomy.kidneys import OutlinedKidney
from ..anatomy.masses import Character
from ..axial_slices import slice_on_grid
from ..bundles.stages.slice_vote import SliceClassifyStage, SliceVoteStages
from ..cascade.delineate import delineate
from ..cascade.locate import Location, locate
from ..labels import MassClass
from ..orientation import Orientation
from ..resampling import window
from ..verdicts import SliceVote, Verdict
from .outlines import found_in
from .voting import class_probabilities, patient_class, slice_vote
from .work import Found, Work

BATCH = 8  # slices a run: always as many, since an engine may compile anew for each number
FAST_STEP = 2


def run(work: Work) -> Found:
    """The verdict, and where the bundle finds kidneys and masses first, these.

    ``fast`` looks at every second slice with the first network only.
    """
    stages, view = work.stages(SliceVoteStages), work.view
    classify = stages.slice_classify
    location: Location | None = None
    outlined: list[OutlinedKidney] = []
    warnings: list[str] = []
    if stages.locate is not None:
        work.steps("locate", 0.0, "Looking for the kidneys")
        with work.stopwatch("locate"):
            location = locate(view, stages.locate, work.networks, fast=work.fast)
        warnings += location.warnings
    if location is not None and stages.delineate is not None:
        with work.stopwatch("delineate"):
            outlined, lost = delineate(view, location, stages.delineate, work.networks, work.steps, fast=work.fast)
        warnings += lost
    chosen = _chosen(work, classify, location, outlined)
    if not chosen:
        warnings.append(f"No slice through a {classify.slices} was found, so there is no verdict.")
    with work.stopwatch("vote"):
        verdict = _verdict(work, classify, chosen, 0.8 if outlined else 0.2) if chosen else None
    if not outlined:
        return Found.without_segments(work.volume, warnings, verdict)
    found = found_in(outlined, work, lambda region: Character(MassClass.UNKNOWN, {}), warnings, begin=1.0)
    return replace(found, verdict=verdict)


def _chosen(
    work: Work, stage: SliceClassifyStage, location: Location | None, outlined: Sequence[OutlinedKidney]
) -> list[int]:
    """Canonical numbers of the slices that vote, from feet to head."""
    count = work.view.shape[0]
    seen = np.ones(count, dtype=np.bool_)
    if stage.slices == "kidney" and location is not None:
        seen = _through_kidneys(location, count)
    elif stage.slices == "mass":
        seen = np.zeros(count, dtype=np.bool_)
        for kidney in outlined:
            seen[kidney.box.slices[0]] |= kidney.mass.any(axis=(1, 2))
    chosen = [int(k) for k in np.flatnonzero(seen)]
    return chosen[::FAST_STEP] if work.fast else chosen


def _through_kidneys(location: Location, count: int) -> npt.NDArray[np.bool_]:
    """For each of ``count`` slices whether a kidney lies at its height on the coarse grid."""
    seen = np.zeros(count, dtype=np.bool_)
    if location.kidneys:
        coarse = np.any([kidney.mask.any(axis=(1, 2)) for kidney in location.kidneys], axis=0)
        at = ((np.arange(count) + 0.5) * len(coarse) / count).astype(int)
        seen = coarse[at]
    return seen


def _verdict(work: Work, stage: SliceClassifyStage, chosen: Sequence[int], begin: float) -> Verdict:
    models = stage.models[:1] if work.fast else stage.models
    probabilities = []
    for first in range(0, len(chosen), BATCH):
        part = chosen[first : first + BATCH]
        done = begin + (1 - begin) * first / len(chosen)
        work.steps("vote", done, f"Classifying slices {first + 1} to {first + len(part)} of {len(chosen)}")
        images = prepared(work, stage, part)
        logits = [work.networks.run(model, images)["logits"][: len(part)] for model in models]
        probabilities.append(np.mean([class_probabilities(each, len(stage.classes)) for each in logits], axis=0))
    votes = tuple(
        _slice_vote(work, stage, k, values.tolist())
        for k, values in zip(chosen, np.concatenate(probabilities), strict=True)
    )
    label = patient_class([vote.vote for vote in votes], stage.classes, stage.decisive, stage.threshold)
    return Verdict(label, stage.decisive or None, stage.threshold, votes)


def prepared(work: Work, stage: SliceClassifyStage, slices: Sequence[int]) -> npt.NDArray[np.float32]:
    """The network's input ``(BATCH, 1, rows, columns)`` in -1 ... 1; what is left of the batch is air."""
    images = np.full((BATCH, 1, *stage.shape), -1.0, dtype=np.float32)
    outside = stage.window.level_hu - stage.window.width_hu
    for place, k in enumerate(slices):
        hu = slice_on_grid(work.view, k, stage.shape, outside)
        images[place, 0] = window(hu, stage.window.width_hu, stage.window.level_hu)
    return images


def _slice_vote(work: Work, stage: SliceClassifyStage, k: int, probabilities: list[float]) -> SliceVote:
    count, rows, columns = work.view.shape
    stored = count - 1 - k if Orientation.of(work.volume).flipped[0] else k
    r, a, s = (float(value) for value in work.view.ras((k, (rows - 1) / 2, (columns - 1) / 2)))
    named = dict(zip(stage.classes, probabilities, strict=True))
    return SliceVote(stored, (r, a, s), named, slice_vote(probabilities, stage.classes))
