"""The result as a segmentation node: names, colours, codes, and "automatic, by RenalAI" for every DICOM writer."""

from __future__ import annotations

import json
from typing import Any

import slicer
import slicer.util

from RenalAILib.findings import Findings, Kidney, Mass, Outcome
from RenalAILib.report.slicer_segmentation import algorithm_name
from RenalAILib.terminology import segment_color, segment_name, segment_terminology

from .labelmaps import new_segmentation

FINDINGS = "RenalAI.findings"  # node attribute: findings.json, so that a saved scene says all that was said
FILL_OPACITY = 0.25
LINE_PIXELS = 2


def add_segmentation(outcome: Outcome, ct: Any) -> Any:
    """A segmentation node with every kidney and mass, on the CT's grid, under its transform and in its study.

    Raises:
        RuntimeError: Slicer refused the label map.
    """
    identifiers = [segment.segment_id for segment in outcome.segments]
    node = new_segmentation(f"{ct.GetName()} RenalAI", outcome.instances, identifiers, ct)
    with slicer.util.NodeModify(node):
        for segment in outcome.segments:
            _describe(node.GetSegmentation().GetSegment(segment.segment_id), segment, outcome.findings)
        node.SetAttribute(FINDINGS, json.dumps(outcome.findings.to_json()))
        _look(node.GetDisplayNode())
    put_beside(node, ct)
    return node


def findings(segmentation: Any) -> Findings | None:
    """The findings kept in a segmentation node; None for one that RenalAI did not make."""
    text = segmentation.GetAttribute(FINDINGS)
    return None if text is None else Findings.from_json(json.loads(text))


def ct_of(segmentation: Any) -> Any:
    """The CT a segmentation was made on, None where it is gone."""
    return segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())


def put_beside(node: Any, ct: Any) -> None:
    """Move a node to the CT's study in Subject Hierarchy (DICOM export takes patient and study from there)."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item, own = hierarchy.GetItemByDataNode(ct), hierarchy.GetItemByDataNode(node)
    if item and own:
        hierarchy.SetItemParent(own, hierarchy.GetItemParent(item))


def _describe(target: Any, segment: Kidney | Mass, found: Findings) -> None:
    target.SetName(segment_name(segment))
    target.SetColor(*(value / 255.0 for value in segment_color(segment)))
    target.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), segment_terminology(segment).slicer_entry)
    target.SetTag("DICOM.SegmentAlgorithmType", "AUTOMATIC")
    target.SetTag("DICOM.SegmentAlgorithmName", algorithm_name(found.bundle))


def _look(display: Any) -> None:
    """Thin lines and a light fill: the CT must stay readable underneath."""
    display.SetOpacity2DFill(FILL_OPACITY)
    display.SetOpacity2DOutline(1.0)
    display.SetSliceIntersectionThickness(LINE_PIXELS)
