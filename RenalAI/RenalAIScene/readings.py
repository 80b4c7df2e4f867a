"""The radiologist's word about each mass, kept in the segment itself: it survives save and reload, also of the file."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote

import vtk

from RenalAILib.radiologist.readings import Reading

TAG = "RenalAI.Reading"  # the value is percent-encoded JSON: a bar would end the tag in .seg.nrrd and .mrb


def readings(segmentation: Any) -> dict[str, Reading]:
    """The answers by mass, for those that were answered."""
    segments = segmentation.GetSegmentation()
    found = {}
    for segment_id in segments.GetSegmentIDs():
        text = vtk.reference("")
        if segments.GetSegment(segment_id).GetTag(TAG, text):
            found[segment_id] = Reading.from_json(json.loads(unquote(str(text))))
    return found


def set_reading(segmentation: Any, segment_id: str, reading: Reading | None) -> None:
    """Keep an answer; None forgets it.

    Raises:
        ValueError: the segmentation has no such segment, or the reading is about another one.
    """
    segment = segmentation.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise ValueError(f"{segmentation.GetName()} has no segment {segment_id}")
    if reading is None:
        segment.RemoveTag(TAG)
    elif reading.segment_id != segment_id:
        raise ValueError(f"a reading of {reading.segment_id} does not belong to {segment_id}")
    else:
        segment.SetTag(TAG, quote(json.dumps(reading.to_json())))
    segmentation.Modified()
