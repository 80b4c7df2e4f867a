"""The kidneys that the radiologist drew: segments that no network made, and whose codes or name say kidney."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from RenalAILib.boxes import Box
from RenalAILib.findings import Kidney
from RenalAILib.labels import Label, Side

from .drawnmasses import drawn_classes
from .labelmaps import segment_crop, segment_part
from .matching import BothKidneys, guess_matching
from .resultsegmentation import ct_of, findings
from .volumes import volume_of

_SIDES = {Label.kidney(side): side for side in Side}


def drawn_kidneys(segmentation: Any) -> tuple[tuple[Kidney, ...], tuple[str, ...]]:
    """The kidneys drawn by hand, measured on the CT without the masses in them, and what is to be said about the rest.

    Sides are those of codes or name, else of the half of the body. One segment that holds both kidneys is left out
    with a warning: findings and exports speak of one kidney at a time. Segments without a voxel are left out too.

    Raises:
        InputError: the CT lies under a non-linear transform or has lost its image.
    """
    found, ct = findings(segmentation), ct_of(segmentation)
    if found is None or ct is None:
        return (), ()
    theirs = {segment.segment_id for segment in (*found.kidneys, *found.masses)}
    drawn = {
        segment_id: _SIDES.get(guess) if isinstance(guess, Label) else None
        for segment_id, guess in guess_matching(segmentation).items()
        if segment_id not in theirs and (isinstance(guess, BothKidneys) or guess in _SIDES)
    }
    if not drawn:
        return (), ()
    from RenalAILib.radiologist.drawn_kidneys import drawn_kidney  # what measures: not needed where nothing was drawn

    segments = segmentation.GetSegmentation()
    masses = [*(mass.segment_id for mass in found.masses), *drawn_classes(segmentation)]
    present = [segment_id for segment_id in masses if segments.GetSegment(segment_id) is not None]
    kidneys, told = [], []
    for segment_id, side in drawn.items():
        crop = segment_crop(segmentation, segment_id, ct)
        if crop is None:
            continue
        box, mask, part = crop
        mask &= ~_any_of(present, box, segmentation, ct)
        if not mask.any():
            continue
        kidney = drawn_kidney(segment_id, mask, part, side, volume_of(ct))
        if kidney is None:
            name = segments.GetSegment(segment_id).GetName()
            told.append(f"{name} holds both kidneys and is not counted: give each kidney a segment of its own.")
        else:
            kidneys.append(kidney)
    return tuple(kidneys), tuple(told)


def _any_of(segment_ids: Iterable[str], box: Box, segmentation: Any, ct: Any) -> npt.NDArray[np.bool_]:
    """The voxels of ``box`` that any of the segments has."""
    result = np.zeros(box.shape, bool)
    for segment_id in segment_ids:
        found = segment_part(segmentation, segment_id, ct)
        both = None if found is None else box.overlap(found[0])
        if found is not None and both is not None:
            result[both.relative_to(box).slices] |= found[1][both.relative_to(found[0]).slices]
    return result
