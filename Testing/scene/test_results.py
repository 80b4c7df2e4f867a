"""A result goes into the scene, stays whole through save and reload, comes back, and leaves nothing when removed."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk
from handmade import BUNDLE, painted_outcome
from vtk.util.numpy_support import vtk_to_numpy

from RenalAILib import __version__
from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.terminology import segment_color, segment_name
from RenalAIScene import overlays, reference, results, volumes
from RenalAIScene.findingstable import table_of
from RenalAIScene.labelmaps import segment_array
from RenalAIScene.saliencymaps import saliency_node

TURNS = {
    "axial": np.diag([-5.0, -5, 6, 1]),
    "flipped": np.diag([5.0, 5, -6, 1]),
    "permuted": np.array([[0, 0, -5.0, 100], [0, -5.0, 0, 80], [6.0, 0, 0, -60], [0, 0, 0, 1]]),
    "anisotropic": np.diag([-3.0, -2, 9, 1]),
    "oblique": np.array(
        [[-4.698, -1.71, 0.0, 90.0], [1.607, -4.415, 1.710, 70.0], [-0.584, 1.607, 5.638, -50.0], [0, 0, 0, 1]]
    ),
}


def tag(segment, name):
    text = vtk.reference("")
    assert segment.GetTag(name, text), name
    return str(text)


@pytest.fixture
def shown(double):
    """An outcome, its CT node, its segmentation and table nodes."""
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    return (outcome, ct, *results.add_result(outcome, ct))


@pytest.mark.parametrize("turn", TURNS)
def test_outcome_comes_back_as_it_went_in_on_any_grid(double, turn):
    outcome = painted_outcome(TURNS[turn])
    ct = volumes.add_volume(outcome.volume)
    segmentation, _table = results.add_result(outcome, ct)
    back = results.outcome_of(segmentation)
    assert back.volume.same_grid(outcome.volume)
    assert np.array_equal(back.volume.voxels, outcome.volume.voxels)
    assert np.array_equal(back.labels, outcome.labels)
    assert np.array_equal(back.instances, outcome.instances)
    assert back.findings == outcome.findings
    assert set(back.saliency) == set(outcome.saliency)
    for segment_id, saliency in outcome.saliency.items():
        assert back.saliency[segment_id].box == saliency.box
        assert np.array_equal(back.saliency[segment_id].values, saliency.values)
    for mass in outcome.findings.masses:  # the closed surface lies where the mass is, not at its mirror image
        centre = segmentation.GetSegmentCenterRAS(mass.segment_id)
        assert np.linalg.norm(np.subtract(centre, mass.centroid_ras)) < 6


def test_every_segment_says_what_it_is(shown):
    outcome, _ct, segmentation, _table = shown
    segments = segmentation.GetSegmentation()
    assert segments.GetNumberOfLayers() == 1
    assert list(segments.GetSegmentIDs()) == [segment.segment_id for segment in outcome.segments]
    for expected in outcome.segments:
        segment = segments.GetSegment(expected.segment_id)
        assert segment.GetName() == segment_name(expected)
        assert np.allclose(segment.GetColor(), np.array(segment_color(expected)) / 255)
        assert tag(segment, "DICOM.SegmentAlgorithmType") == "AUTOMATIC"
        assert tag(segment, "DICOM.SegmentAlgorithmName") == f"RenalAI {__version__} {BUNDLE.name} {BUNDLE.version}"
        entry = slicer.vtkSlicerTerminologyEntry()
        text = tag(segment, slicer.vtkSegment.GetTerminologyEntryTagName())
        logic = slicer.vtkSlicerTerminologiesModuleLogic
        assert logic.DeserializeTerminologyEntry(text, entry)
        kind = entry.GetTypeObject().GetCodeMeaning()
        side = entry.GetTypeModifierObject() if kind == "Kidney" else entry.GetRegionModifierObject()
        assert kind in ("Kidney", "Mass", "Cyst") and side.GetCodeMeaning().lower() == expected.side.value


def test_result_lies_with_its_ct(double):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(double.scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study of the CT")
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(ct), study)
    for node in results.add_result(outcome, ct):
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    assert results.ct_of(slicer.util.getNode("CT RenalAI")) is ct


def test_parent_transforms_are_respected(double):
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    move = double.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkTransform()
    matrix.RotateZ(30)
    matrix.Translate(10, -20, 5)
    move.SetMatrixTransformToParent(matrix.GetMatrix())
    ct.SetAndObserveTransformNodeID(move.GetID())
    moved = volumes.volume_of(ct)
    assert np.allclose(moved.ijk_to_ras, slicer.util.arrayFromVTKMatrix(matrix.GetMatrix()) @ outcome.volume.ijk_to_ras)
    assert np.shares_memory(moved.voxels, slicer.util.arrayFromVolume(ct))
    with pytest.raises(InputError, match="moved"):
        results.add_result(outcome, ct)
    turned = painted_outcome(moved.ijk_to_ras)
    segmentation, _table = results.add_result(turned, ct)
    assert np.array_equal(segment_array(segmentation, "mass_left_1", ct) > 0, turned.instances == 5)
    back = results.outcome_of(segmentation)
    assert np.array_equal(back.instances, turned.instances)
    assert back.saliency["mass_right_1"].box == turned.saliency["mass_right_1"].box
    bounds = np.zeros(6)
    saliency_node(segmentation, "mass_right_1").GetRASBounds(bounds)
    centre = turned.findings.masses[0].centroid_ras
    assert np.linalg.norm(bounds.reshape(3, 2).mean(axis=1) - centre) < 8


def test_a_warped_ct_is_refused(double):
    ct = volumes.add_volume(painted_outcome().volume, "CT")
    warp = double.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Warp")
    spline = slicer.vtkOrientedBSplineTransform()
    coefficients = vtk.vtkImageData()
    coefficients.SetDimensions(5, 5, 5)
    coefficients.SetSpacing(60, 60, 60)
    coefficients.SetOrigin(-120, -120, -120)
    coefficients.AllocateScalars(vtk.VTK_DOUBLE, 3)
    vtk_to_numpy(coefficients.GetPointData().GetScalars())[:] = 3.0
    spline.SetCoefficientData(coefficients)
    warp.SetAndObserveTransformFromParent(spline)
    ct.SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(InputError, match="non-linear transform Warp"):
        volumes.volume_of(ct)


@pytest.mark.parametrize("kind", ["mrb", "mrml"])
def test_scene_survives_save_and_reload(double, tmp_path, shown, kind):
    outcome, _ct, segmentation, _table = shown
    note = 'fat | "rim": 5 %; größer'
    reading = Reading("mass_right_1", Answer.RECLASSIFIED, MassClass.AML, note, "Dr. Ü", "2026-03-01")
    results.set_reading(segmentation, "mass_right_1", reading)
    results.set_match(segmentation, "kidney_left", None)
    results.show_saliency(segmentation, "mass_right_1", 0.5, 0.3)
    results.hide_saliency()
    path = str(tmp_path / f"scene.{kind}")
    assert slicer.util.saveScene(path)
    double.scene.Clear(0)
    slicer.util.loadScene(path)
    (loaded,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    back = results.outcome_of(loaded)
    assert np.array_equal(back.instances, outcome.instances) and back.findings == outcome.findings
    assert set(back.saliency) == set(outcome.saliency)
    assert results.readings(loaded) == {"mass_right_1": reading}
    assert results.matches(loaded)["kidney_left"] is None
    assert tag(loaded.GetSegmentation().GetSegment("mass_left_1"), "DICOM.SegmentAlgorithmType") == "AUTOMATIC"
    assert table_of(loaded).GetNumberOfRows() == len(outcome.segments)
    assert all(saliency_node(loaded, mass).GetHideFromEditors() for mass in outcome.saliency)
    assert results.show_saliency(loaded, "mass_right_1", 0.5, 0.3)
    results.remove_result(loaded)


def test_readings_travel_in_the_segmentation_file(tmp_path, shown):
    _outcome, _ct, segmentation, table = shown
    reading = Reading("mass_left_1", Answer.REJECTED, note="a|b:c=d")
    results.set_reading(segmentation, "mass_left_1", reading)
    path = str(tmp_path / "case.seg.nrrd")
    assert slicer.util.saveNode(segmentation, path)
    assert results.readings(slicer.util.loadSegmentation(path)) == {"mass_left_1": reading}
    words = table.GetTable().GetColumnByName("Radiologist")
    assert [words.GetValue(row) for row in range(5)] == ["", "", "", "", "Rejected"]
    results.set_reading(segmentation, "mass_left_1", None)
    assert results.readings(segmentation) == {}
    with pytest.raises(ValueError, match="no segment"):
        results.set_reading(segmentation, "mass_left_9", None)


def test_the_table_holds_numbers(shown):
    outcome, _ct, _segmentation, node = shown
    table, mass = node.GetTable(), outcome.findings.masses[0]
    assert isinstance(table.GetColumnByName("Volume ml"), vtk.vtkDoubleArray)
    assert table.GetColumnByName("Volume ml").GetValue(2) == mass.volume_ml
    assert np.isnan(table.GetColumnByName("Diameter mm").GetValue(0))
    assert table.GetColumnByName("Class").GetValue(2) == mass.mass_class.value


def test_the_radiologist_corrects_the_labels(shown):
    outcome, ct, segmentation, _table = shown
    right, second, left = (mass.segment_id for mass in outcome.findings.masses)
    results.set_reading(segmentation, right, Reading(right, Answer.RECLASSIFIED, MassClass.CYSTIC))
    results.set_reading(segmentation, left, Reading(left, Answer.REJECTED))
    corrected = reference.corrected_labels(segmentation, ct)
    expected = outcome.labels.copy()
    expected[outcome.instances == 3] = Label.CYSTIC
    expected[outcome.instances == 5] = Label.KIDNEY_LEFT
    assert np.array_equal(corrected, expected) and second == "mass_right_2"


def test_edits_of_a_segment_come_back_in_the_outcome(shown):
    outcome, ct, segmentation, _table = shown
    mask = np.zeros(outcome.labels.shape, np.uint8)
    mask[:3, :4, :5] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, "mass_left_1", ct)
    assert np.array_equal(results.outcome_of(segmentation).instances == 5, mask == 1)


def test_a_segmentation_of_another_grid_is_brought_to_the_ct(double):
    outcome = painted_outcome(np.diag([-2.0, -2, 2, 1]))
    ct = volumes.add_volume(outcome.volume, "CT")
    finer = np.array(outcome.volume.ijk_to_ras)
    finer[:3, :3] /= 2
    finer[:3, 3] -= outcome.volume.ijk_to_ras[:3, :3].sum(axis=1) / 4
    doubled = np.repeat(np.repeat(np.repeat(outcome.labels, 2, 0), 2, 1), 2, 2)
    other = volumes.add_volume(outcome.volume.__class__(doubled, finer), "finer")
    node = double.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Manual")
    node.SetReferenceImageGeometryParameterFromVolumeNode(other)
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        (doubled == 1).astype(np.uint8), node, node.GetSegmentation().AddEmptySegment("k", "right kidney"), other
    )
    found, wanted = segment_array(node, "k", ct) > 0, outcome.labels == 1
    assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) > 0.95


def test_nothing_is_left_behind(double):
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")

    def come_and_go():
        segmentation, _table = results.add_result(outcome, ct)
        results.show_saliency(segmentation, "mass_right_1", 0.5, 0.3)
        results.hide_saliency()
        results.outcome_of(segmentation)
        results.show(overlays.Style.AGREEMENT, segmentation, segmentation, 0.5)
        results.remove_result(segmentation)

    come_and_go()  # makes the one colour table of all Grad-CAM maps, a singleton that stays
    with double.counted() as changes:
        come_and_go()
        come_and_go()
        assert changes() == {}


def test_a_result_that_cannot_be_shown_leaves_no_half_of_it(double, monkeypatch):
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")

    def fail(*_arguments):
        raise RuntimeError("no memory")

    monkeypatch.setattr(results, "add_saliency", fail)
    with double.counted() as changes:
        with pytest.raises(RuntimeError, match="no memory"):
            results.add_result(outcome, ct)
        assert changes() == {}
    double.scene.RemoveNode(ct)
    with pytest.raises(InputError, match="removed"):
        results.add_result(outcome, ct)


def test_a_ct_selector_offers_the_ct_and_none_of_our_maps(double, shown):
    _outcome, ct, _segmentation, _table = shown
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(double.scene)
    assert selector.nodes() == [ct]
    selector.setMRMLScene(None)
