"""Segmentations as label maps on the CT's grid: a manual one by its matches, ours by the radiologist's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from RenalAILib.errors import InputError
from RenalAILib.findings import Kidney, Mass, segment_label
from RenalAILib.labels import KIDNEY_LABELS, MASS_LABELS, Label
from RenalAILib.radiologist.readings import Answer

from .drawnkidneys import drawn_kidneys
from .drawnmasses import drawn_classes
from .labelmaps import segment_array
from .matching import BothKidneys, Match, guess_matching
from .readings import readings
from .resultsegmentation import findings
from .volumes import volume_of

_KITS_KIDNEY, _KITS_TUMOR = 1, 2

#: Where segments overlap, the later label wins: a mass overrides kidney, and the more definite mass the vaguer one.
PAINT_ORDER = (
    Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT, Label.UNKNOWN, Label.CYSTIC, Label.AML, Label.SOLID
)  # fmt: skip


def reference_labels(manual: Any, matches: Mapping[str, Match], ct: Any) -> npt.NDArray[np.uint8]:
    """A manual segmentation as values of :class:`Label`, ``[k, j, i]`` on the CT's grid.

    Segments that are matched to nothing are left out; overlaps follow :data:`PAINT_ORDER`. A segment of both kidneys
    is divided by anatomy, as label maps of KiTS are.

    Raises:
        InputError: no segment is matched, or the segmentation does not lie where the CT is.
    """
    chosen = {segment_id: label for segment_id, label in matches.items() if isinstance(label, Label) and label}
    both = [segment_id for segment_id, match in matches.items() if isinstance(match, BothKidneys)]
    if not chosen and not both:
        raise InputError(f"no segment of {manual.GetName()} is matched to a kidney or a mass")
    labels = _paint(manual, chosen, ct)
    if both:
        _divide(manual, both, labels, ct)
    if not labels.any():
        raise InputError(f"{manual.GetName()} has nothing within {ct.GetName()}; do they belong together?")
    return labels


def corrected_labels(segmentation: Any, ct: Any) -> npt.NDArray[np.uint8]:
    """Our own segmentation as it is now, edits and the radiologist's classes included.

    A rejected mass becomes kidney of its side. A segment that was drawn anew counts by the class that was chosen for
    it, else by its codes or its name; one that none of them names is a mass of unknown class.

    Raises:
        InputError: the segmentation is not one of RenalAI's.
    """
    found = findings(segmentation)
    if found is None:
        raise InputError(f"{segmentation.GetName()} was not made by RenalAI")
    said = readings(segmentation)
    segments: tuple[Kidney | Mass, ...] = (*found.kidneys, *found.masses)
    known = {segment.segment_id: segment for segment in segments}
    chosen: dict[str, Label] = {}
    guesses = guess_matching(segmentation)
    drawn = drawn_classes(segmentation)
    kidneys = {kidney.segment_id: Label.kidney(kidney.side) for kidney in drawn_kidneys(segmentation)[0]}
    for segment_id in guesses:
        reading = said.get(segment_id)
        segment = known.get(segment_id)
        if segment_id in drawn:
            chosen[segment_id] = drawn[segment_id].label
        elif segment is None:
            if segment_id in kidneys:  # else another organ
                chosen[segment_id] = kidneys[segment_id]
        elif reading is not None and reading.verdict is Answer.REJECTED:
            chosen[segment_id] = Label.kidney(segment.side)
        elif reading is not None and reading.mass_class is not None:
            chosen[segment_id] = reading.mass_class.label
        else:
            chosen[segment_id] = segment_label(segment)
    return _paint(segmentation, chosen, ct)


def _divide(node: Any, both: Sequence[str], labels: npt.NDArray[np.uint8], ct: Any) -> None:
    """Adds segments of both kidneys, in place: right and left where nothing else is."""
    from RenalAILib.compare.schemes import (
        Scheme,
        in_our_labels,
    )  # with the readers of files: not needed to open a panel

    kits = np.zeros_like(labels)
    for segment_id in both:
        kits[segment_array(node, segment_id, ct) > 0] = _KITS_KIDNEY
    kits[np.isin(labels, MASS_LABELS)] = _KITS_TUMOR
    kits[np.isin(labels, KIDNEY_LABELS)] = 0
    sided, _notes = in_our_labels(volume_of(ct).with_voxels(kits), Scheme.KITS)
    kidney = kits == _KITS_KIDNEY
    labels[kidney] = sided.voxels[kidney]


def _paint(node: Any, chosen: Mapping[str, Label], ct: Any) -> npt.NDArray[np.uint8]:
    dimensions = ct.GetImageData().GetDimensions()
    labels = np.zeros(dimensions[::-1], np.uint8)
    for segment_id in sorted(chosen, key=lambda identifier: PAINT_ORDER.index(chosen[identifier])):
        labels[segment_array(node, segment_id, ct) > 0] = chosen[segment_id]
    return labels
