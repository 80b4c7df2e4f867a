"""A segmentation to draw into: the right segments on the CT's grid, so that nothing needs to be matched later."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from RenalAILib.findings import Kidney
from RenalAILib.labels import Label, MassClass, Side
from RenalAILib.terminology import CLASS_COLORS, Rgb, segment_color, segment_terminology
from RenalAIScene.matching import set_match
from RenalAIScene.resultsegmentation import put_beside
from RenalAIWidgets.texts import label_in_words


def new_outlines(ct: Any) -> Any:
    """A segmentation node with an empty segment for each kidney and each class of mass, beside its CT."""
    name = _("{ct} outlines").format(ct=ct.GetName())
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    node.SetAndObserveTransformNodeID(ct.GetTransformNodeID())
    for side in (Side.RIGHT, Side.LEFT):
        kidney = Kidney(f"kidney_{side.value}", side, 0.0, 0.0)
        segment = _add(node, kidney.segment_id, Label.kidney(side), segment_color(kidney))
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), segment_terminology(kidney).slicer_entry)
    for mass_class in MassClass:
        _add(node, f"mass_{mass_class.value}", mass_class.label, CLASS_COLORS[mass_class])
    put_beside(node, ct)
    return node


def _add(node: Any, segment_id: str, label: Label, color: Rgb) -> Any:
    segments = node.GetSegmentation()
    segments.AddEmptySegment(segment_id, label_in_words(label), [value / 255 for value in color])
    set_match(node, segment_id, label)
    return segments.GetSegment(segment_id)
