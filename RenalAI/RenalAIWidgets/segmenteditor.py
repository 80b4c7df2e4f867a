"""Drawing: the Segment Editor opened on one segment of a result."""

from __future__ import annotations

from typing import Any

import slicer

from RenalAIScene.results import ct_of

EDITOR = "SegmentEditor"


def draw_segment(segmentation: Any, segment_id: str) -> None:
    """Opens the Segment Editor with the result, its CT and the segment chosen; the user comes back by themselves."""
    node = _editor_node()
    node.SetAndObserveSegmentationNode(segmentation)
    node.SetAndObserveSourceVolumeNode(ct_of(segmentation))
    slicer.util.selectModule(EDITOR)
    node.SetSelectedSegmentID(segment_id)


def _editor_node() -> Any:
    """The parameters that the Segment Editor module works with, made where it has not been opened yet."""
    node = slicer.mrmlScene.GetSingletonNode(EDITOR, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)  # the scene owns it from the next lines on
        node.SetSingletonTag(EDITOR)
        node = slicer.mrmlScene.AddNode(node)
    return node
