"""What the radiologist drew and removed since: segments that no network made, and those that are gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import slicer
import slicer.util

from RenalAILib.findings import Findings, Kidney, Mass
from RenalAILib.labels import Label, MassClass
from RenalAILib.terminology import segment_color, segment_name, segment_terminology
from RenalAILib.volume import Volume

from .labelmaps import segment_part, voxel_counts
from .matching import guess_matching, named_elsewhere
from .readings import readings
from .resultsegmentation import ct_of, findings
from .volumes import volume_of

_CLASSES = {mass_class.label: mass_class for mass_class in MassClass}


def drawn_classes(segmentation: Any) -> dict[str, MassClass]:
    """The class of each mass that was drawn by hand, by segment ID, empty ones too.

    A drawn mass is any segment that is not of the networks, but for those whose codes or name say that they are a
    kidney or another organ. Its class is what the radiologist chose, else what codes or name say, else unknown.
    """
    found = findings(segmentation)
    if found is None:
        return {}
    theirs = {segment.segment_id for segment in (*found.kidneys, *found.masses)}
    said = readings(segmentation)
    classes: dict[str, MassClass] = {}
    for segment_id, guess in guess_matching(segmentation).items():
        if segment_id in theirs:
            continue
        chosen = said[segment_id].mass_class if segment_id in said else None
        if chosen is not None:
            classes[segment_id] = chosen
        elif guess is None:
            name = segmentation.GetSegmentation().GetSegment(segment_id).GetName()
            if not named_elsewhere(name):
                classes[segment_id] = MassClass.UNKNOWN
        elif isinstance(guess, Label) and guess in _CLASSES:
            classes[segment_id] = _CLASSES[guess]
    return classes


def drawn_masses(segmentation: Any) -> tuple[Mass, ...]:
    """The masses drawn by hand, measured on the CT as it is; those without a voxel are left out.

    Raises:
        InputError: the CT lies under a non-linear transform or has lost its image.
    """
    found, ct = findings(segmentation), ct_of(segmentation)
    classes = drawn_classes(segmentation)
    if found is None or ct is None or not classes:
        return ()
    from RenalAILib.radiologist.drawn_masses import (  # what measures: not needed where nothing was drawn
        drawn_mass,
        side_at,
    )

    volume, masses = volume_of(ct), []
    present = set(segmentation.GetSegmentation().GetSegmentIDs())
    kidneys = [
        (kidney.side, segmentation.GetSegmentCenterRAS(kidney.segment_id))
        for kidney in found.kidneys
        if kidney.segment_id in present
    ]
    kidneys = [(side, middle) for side, middle in kidneys if middle is not None]
    for number, (segment_id, mass_class) in enumerate(classes.items(), start=1):
        part = segment_part(segmentation, segment_id, ct)
        if part is not None:
            box, mask = part
            grid = volume.ijk_to_ras.copy()
            grid[:3, 3] += grid[:3, :3] @ np.array(box.start[::-1], float)
            crop = Volume(volume.voxels[box.slices], grid, volume.name)
            middle = crop.ras(np.argwhere(mask).mean(axis=0))
            side = side_at(middle, kidneys, volume)
            masses.append(drawn_mass(segment_id, number, mask, crop, side, mass_class, found.kidneys))
    return tuple(masses)


def findings_now(segmentation: Any) -> Findings | None:
    """The findings with what the radiologist drew among the masses, and what they removed among ``removed``.

    What the networks found stays as they found it, also where its outline was changed
    (:mod:`RenalAILib.radiologist.edits`). None for a segmentation that RenalAI did not make.
    """
    found = findings(segmentation)
    if found is None:
        return None
    counts = voxel_counts(segmentation)

    def gone(segment: Kidney | Mass) -> bool:
        return counts.get(segment.segment_id, 0) == 0

    return replace(
        found,
        kidneys=tuple(kidney for kidney in found.kidneys if not gone(kidney)),
        masses=(*(mass for mass in found.masses if not gone(mass)), *drawn_masses(segmentation)),
        removed=tuple(segment for segment in (*found.kidneys, *found.masses) if gone(segment)),
    )


def add_drawn_segment(segmentation: Any) -> str:
    """An empty segment to draw a missed mass into; returns its ID. It is named when it has a place."""
    segments = segmentation.GetSegmentation()
    segment_id: str = segments.AddEmptySegment()
    return segment_id


def describe_drawn(segmentation: Any, mass: Mass) -> None:
    """Give a drawn mass its codes, and a name and colour where the user gave none.

    The codes say what and where; that it was drawn by hand is what Slicer writes of a segment without an algorithm.
    """
    segment = segmentation.GetSegmentation().GetSegment(mass.segment_id)
    with slicer.util.NodeModify(segmentation):
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), segment_terminology(mass).slicer_entry)
        if segment.GetNameAutoGenerated():
            segment.SetName(segment_name(mass))
        if segment.GetColorAutoGenerated():
            segment.SetColor(*(value / 255.0 for value in segment_color(mass)))
