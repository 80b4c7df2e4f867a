"""A detector's candidates as regions: where the engine says, in the CT's study, gone with the result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer
from handmade import painted_outcome
from test_results import TURNS

from RenalAILib.boxes import Box
from RenalAILib.detections import Detection
from RenalAILib.findings import Outcome
from RenalAILib.labels import Side
from RenalAIScene import results, views, volumes
from RenalAIScene.candidateboxes import LABEL, SCORE, SIDE, candidate_node, candidate_nodes


def with_boxes(turn: np.ndarray, segments: bool = False) -> Outcome:
    """An outcome with two candidates; without segments, as a detector gives it."""
    outcome = painted_outcome(turn)
    boxes = (
        Detection.of_box(
            "candidate_1", "mass", 0.91, Box((9, 14, 3), (15, 26, 11)), outcome.volume, (9, 11), Side.RIGHT
        ),
        Detection.of_box("candidate_2", "nodule", 0.42, Box((2, 2, 30), (4, 9, 41)), outcome.volume, (2, 3)),
    )
    findings = replace(outcome.findings, detections=boxes)
    if segments:
        return replace(outcome, findings=findings)
    empty = np.zeros_like(outcome.labels)
    return Outcome(outcome.volume, replace(findings, kidneys=(), masses=()), empty, empty.copy(), {})


def corners(node: object) -> np.ndarray:
    """The eight corners of a region, RAS."""
    matrix = slicer.util.arrayFromVTKMatrix(node.GetObjectToWorldMatrix())
    signs = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    return np.asarray((matrix[:3, :3] @ (signs * node.GetSize()).T).T + matrix[:3, 3])


def ordered(points: np.ndarray) -> np.ndarray:
    return np.array(sorted(np.round(points, 3).tolist()))


@pytest.mark.parametrize("turn", TURNS)
def test_regions_lie_where_the_engine_says_on_any_grid(double, turn):
    outcome = with_boxes(TURNS[turn])
    ct = volumes.add_volume(outcome.volume, "CT")
    segmentation, _table = results.add_result(outcome, ct)
    for detection, node in zip(outcome.findings.detections, candidate_nodes(segmentation), strict=True):
        expected = detection.corners_ras
        axes = np.array(detection.axes_ras)
        if np.allclose(axes @ axes.T, np.eye(3), atol=1e-3):  # a region cannot be sheared
            assert np.allclose(ordered(corners(node)), ordered(expected), atol=0.02)
        assert node.GetCenterWorld() == pytest.approx(detection.centre_ras)
        assert node.GetSize() == pytest.approx(detection.size_mm)
    assert results.outcome_of(segmentation).findings == outcome.findings


def test_name_attributes_and_study_say_what_a_region_is(double):
    outcome = with_boxes(TURNS["axial"])
    ct = volumes.add_volume(outcome.volume, "CT")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "patient")
    study = hierarchy.CreateStudyItem(patient, "study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(ct), study)
    segmentation, _table = results.add_result(outcome, ct)
    one, two = candidate_nodes(segmentation)
    assert (one.GetName(), two.GetName()) == ("Box 1: mass 0.91", "Box 2: nodule 0.42")
    assert [one.GetAttribute(name) for name in (SCORE, LABEL, SIDE)] == ["0.910", "mass", "right"]
    assert two.GetAttribute(SIDE) is None
    assert one.GetLocked()
    for node in (one, two):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study


def test_views_go_to_a_candidate_and_the_others_stand_back(double):
    outcome = with_boxes(TURNS["axial"], segments=True)
    ct = volumes.add_volume(outcome.volume, "CT")
    segmentation, _table = results.add_result(outcome, ct)
    sliced = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    results.go_to(segmentation, "candidate_2")
    matrix = slicer.util.arrayFromVTKMatrix(sliced.GetSliceToRAS())
    assert matrix[:3, 3] == pytest.approx(outcome.findings.detections[1].centre_ras)
    one, two = candidate_nodes(segmentation)
    assert one.GetDisplayNode().GetOpacity() < two.GetDisplayNode().GetOpacity() == 1.0
    results.go_to(segmentation, outcome.findings.masses[0].segment_id)  # masses still work beside boxes
    with pytest.raises(ValueError, match="candidate_9"):
        views.go_to(segmentation, "candidate_9")


def test_a_deleted_region_is_missed_by_nobody_and_a_result_takes_its_regions_along(double):
    outcome = with_boxes(TURNS["axial"])
    ct = volumes.add_volume(outcome.volume, "CT")
    before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode")
    segmentation, _table = results.add_result(outcome, ct)
    deleted = candidate_node(segmentation, "candidate_1")
    slicer.mrmlScene.RemoveNode(deleted.GetDisplayNode())
    slicer.mrmlScene.RemoveNode(deleted)
    results.go_to(segmentation, "candidate_1")
    assert len(candidate_nodes(segmentation)) == 1
    results.remove_result(segmentation)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == before
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsDisplayNode") == 0


def test_regions_follow_the_transform_of_their_ct(double):
    outcome = with_boxes(TURNS["oblique"])
    ct = volumes.add_volume(outcome.volume, "CT")
    move = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "move")
    shift = np.eye(4)
    shift[:3, 3] = (5, -7, 11)
    move.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
    segmentation, _table = results.add_result(outcome, ct)
    node = candidate_nodes(segmentation)[0]
    ct.SetAndObserveTransformNodeID(move.GetID())
    node.SetAndObserveTransformNodeID(move.GetID())
    expected = np.add(outcome.findings.detections[0].centre_ras, (5, -7, 11))
    assert node.GetCenterWorld() == pytest.approx(expected)
    results.go_to(segmentation, "candidate_1")
