"""A detector's candidates in the panel: rows in the place of masses, one click to each box, nothing to classify."""

from __future__ import annotations

import pytest
import qt
import slicer
import toybundle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from toydetector import SEEN, make_detector

pytestmark = pytest.mark.usefixtures("toy")


def shown(folder, parts):
    """The outcome of the toy detector and its segmentation node in the scene."""
    from RenalAILib.pipelines.running import segment
    from RenalAIScene import results, volumes

    ct = toybundle.painted(*toybundle.axial(), parts)
    outcome = segment(ct, make_detector(folder / "detector"), device="cpu", engine="onnxruntime")
    return outcome, results.add_result(outcome, volumes.add_volume(ct, "CT"))[0]


def test_boxes_take_the_place_of_masses_and_a_click_goes_there(entered, toy, double):
    outcome, segmentation = shown(toy, SEEN)
    entered._parameterNode.result = segmentation
    double.app.processEvents()
    ui, found = entered.ui, outcome.findings.detections
    assert "3 candidates" in ui.kidneysLine.text
    assert ui.massTable.rowCount == 3
    assert [ui.massTable.horizontalHeaderItem(n).text() for n in range(5)] == ["Box", "Class", "Score", "mm", "Slices"]
    assert [ui.massTable.item(row, 2).text() for row in range(3)] == [f"{one.score:.2f}" for one in found]
    assert ui.massTable.item(0, 0).text() == f"{found[0].side.value.capitalize()} 1"
    assert not ui.acceptButton.enabled and not ui.classSelector.enabled and ui.nextButton.enabled
    center = ui.massTable.visualItemRect(ui.massTable.item(1, 0)).center()
    QTest.mouseClick(ui.massTable.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, center)
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        place = [node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)]
        assert max(abs(a - b) for a, b in zip(place, found[1].centre_ras, strict=True)) < 1e-3
    assert qt.QApplication.activeModalWidget() is None


def test_the_next_result_finds_the_table_as_it_was(entered, toy, double):
    from RenalAIScene import results, volumes

    _outcome, segmentation = shown(toy, SEEN)
    entered._parameterNode.result = segmentation
    double.app.processEvents()
    masses = toybundle.toy_outcome((6.0, 3.0, 3.0))
    entered._parameterNode.result = results.add_result(masses, volumes.add_volume(masses.volume, "other"))[0]
    double.app.processEvents()
    assert entered.ui.massTable.rowCount == len(masses.findings.masses)
    assert entered.ui.massTable.horizontalHeaderItem(0).text() == "Mass"


def test_no_candidate_is_said_in_words(entered, toy, double):
    _outcome, segmentation = shown(toy, SEEN[:3])
    entered._parameterNode.result = segmentation
    double.app.processEvents()
    assert entered.ui.massTable.rowCount == 0
    assert "found no candidate" in entered.ui.kidneysLine.text


def test_the_engine_s_process_brings_boxes_into_the_scene(double, toy, monkeypatch):
    import RenalAI
    from RenalAIScene import results, volumes
    from RenalAIScene.candidateboxes import candidate_nodes

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    make_detector(toy / "detector")
    ct = volumes.add_volume(toybundle.painted(*toybundle.axial(), SEEN), "CT")
    logic = RenalAI.RenalAILogic()
    segmentation, table = logic.segment(ct, bundle=str(toy / "detector"))
    logic.close()
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 0 and table.GetTable().GetNumberOfRows() == 0
    assert len(candidate_nodes(segmentation)) == 3
    outcome = results.outcome_of(segmentation)
    assert outcome.findings.detections is not None and len(outcome.findings.detections) == 3
