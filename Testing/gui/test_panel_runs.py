"""The way of a radiologist through the panel: clicks, the real worker, a bundle of toy networks."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
import qt
import slicer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from scriptedworker import unending_engine

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "engine"))
import toybundle  # noqa: E402

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def unending(toy, monkeypatch):
    """Runs do not end by themselves as long as this file is there."""
    command, flag = unending_engine(toy)
    monkeypatch.setattr("RenalAILib.worker.client.default_command", lambda: command)
    return flag


@pytest.fixture
def add_ct(mrmlScene):
    def add(name="CT", spacing_mm=(3.0, 2.5, 2.5)):
        from RenalAIScene.volumes import add_volume

        affine, shape = toybundle.axial(spacing_mm)
        return add_volume(toybundle.painted(affine, shape, noise_hu=3.0), name)

    return add


@pytest.fixture
def entered(widget, add_ct, double):
    """The panel as it is when the user has loaded a CT and opens the module."""
    add_ct()
    double.enter(widget)
    return widget


def click(target):
    qt.QApplication.processEvents()  # a section that was just unfolded is laid out only now
    QTest.mouseClick(target, Qt.MouseButton.LeftButton)


def click_row(table, row):
    center = table.visualItemRect(table.item(row, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, center)


def segment(widget, double):
    click(widget.ui.segmentButton)
    double.waitFor(lambda: widget.ui.segmentButton.text == "Segment")


def result_of(widget):
    return widget._parameterNode.result


def slice_centers():
    nodes = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    return [[node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)] for node in nodes]


def test_two_clicks_from_a_loaded_ct_to_a_finding(entered, double):
    ui = entered.ui
    assert ui.inputSelector.currentNode().GetName() == "CT" and ui.segmentButton.enabled
    assert "demonstration" in ui.modelLine.text and "not for diagnosis" in ui.modelLine.text
    segment(entered, double)
    assert not double.answers.of("error"), double.dialogs
    assert ui.massTable.rowCount == 3 and "3 masses" in ui.kidneysLine.text
    assert "as last time" in ui.deviceLine.text or "are free" in ui.deviceLine.text
    click_row(ui.massTable, 0)
    from RenalAIScene.results import findings

    mass = findings(result_of(entered)).masses[0]
    for center in slice_centers():
        assert max(abs(a - b) for a, b in zip(center, mass.centroid_ras, strict=True)) < 1e-3
    assert mass.evidence.text.split(".")[0] in ui.evidenceLine.text


def test_the_keyboard_steps_through_the_masses(entered, double):
    segment(entered, double)
    table = entered.ui.massTable
    click_row(table, 0)
    first = slice_centers()
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert table.currentRow() == 1 and slice_centers() != first
    click(entered.ui.nextButton)
    click(entered.ui.nextButton)
    assert table.currentRow() == 0 and slice_centers() == first
    click(entered.ui.previousButton)
    assert table.currentRow() == 2


def test_what_the_radiologist_says_is_kept_and_exported(entered, double, toy):
    ui = entered.ui
    segment(entered, double)
    click_row(ui.massTable, 0)
    click(ui.acceptButton)
    ui.noteEdit.text = "seen on the old scan"
    QTest.keyClick(ui.noteEdit, Qt.Key.Key_Return)
    click_row(ui.massTable, 1)
    assert not ui.acceptButton.checked and ui.noteEdit.text == ""
    click(ui.rejectButton)
    click_row(ui.massTable, 2)
    ui.classSelector.setCurrentIndex(ui.classSelector.findText("Solid"))
    ui.classSelector.activated.emit(ui.classSelector.currentIndex)
    assert [ui.massTable.item(row, 5).text() for row in range(3)] == ["Accepted", "Rejected", "Solid"]
    entered._parameterNode.exportFolder = toy / "exports"
    ui.exportButton.collapsed = False
    click(ui.exportRunButton)
    double.waitFor(lambda: "Written" in ui.exportLine.text)
    assert not double.answers.of("error"), double.dialogs
    folder = toy / "exports" / "CT RenalAI"
    said = {
        entry["segment_id"]: entry
        for entry in json.loads((folder / "findings.json").read_text(encoding="utf-8"))["readings"]
    }
    assert sorted(entry["verdict"] for entry in said.values()) == ["accepted", "reclassified", "rejected"]
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "seen on the old scan" in report and "not for diagnosis" in report
    assert (toy / "exports" / "CT RenalAI.seg.nrrd").stat().st_size > 0


def test_the_state_survives_saving_and_loading_the_scene(entered, double, toy):
    ui = entered.ui
    segment(entered, double)
    click_row(ui.massTable, 1)
    click(ui.rejectButton)
    entered._parameterNode.overlayOpacity = 0.75
    entered._parameterNode.bundle = "toy"
    path = str(toy / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear()
    double.app.processEvents()
    assert ui.massTable.rowCount == 0 and not ui.segmentButton.enabled
    slicer.util.loadScene(path)
    double.app.processEvents()
    assert ui.inputSelector.currentNode().GetName() == "CT" and ui.bundleEdit.text == "toy"
    assert abs(ui.overlayOpacitySlider.value - 0.75) < 1e-6
    assert ui.massTable.rowCount == 3 and ui.massTable.item(1, 5).text() == "Rejected"
    (toy / "scene.mrb").unlink()


@pytest.mark.parametrize("stage", ["start", "locate"])  # each stage by itself: test_cancel_and_failures.py
@pytest.mark.usefixtures("unending")
def test_cancelled_networks_leave_nothing(entered, double, toy, stage, measured):
    ui = entered.ui
    order = ["start", "read", "locate", "delineate", "characterise"]

    def cancelled():
        with double.counted() as changed:
            click(ui.segmentButton)
            run = entered.panel.run._runs[0]
            double.waitFor(lambda: order.index(run.progress.stage) >= order.index(stage))
            pid = entered.logic._queue._engine.pid
            begun = time.monotonic()
            click(ui.segmentButton)
            double.waitFor(lambda: ui.segmentButton.text == "Segment" and not run.running)
            took = time.monotonic() - begun
            assert ui.stageLine.text == "Cancelled."
            assert changed() == {}
        double.waitFor(lambda: not list((toy / "temporary").iterdir()))
        if pid is not None:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        return 1000 * took

    measured(f"cancel of real networks from '{stage}' on", cancelled, "ms", 1000)


@pytest.mark.usefixtures("unending")
@pytest.mark.parametrize("how", ["the CT is deleted", "the scene is closed", "the module goes"])
def test_what_ends_a_run_from_outside_leaves_nothing(entered, double, toy, how):
    click(entered.ui.segmentButton)
    run = entered.panel.run._runs[0]
    double.waitFor(lambda: run.progress.stage != "start")
    if how == "the CT is deleted":
        slicer.mrmlScene.RemoveNode(entered._parameterNode.inputVolume)
    elif how == "the scene is closed":
        slicer.mrmlScene.Clear()
    else:
        entered.cleanup()
    double.waitFor(lambda: not run.running)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
    assert not double.answers.of("error")
    double.waitFor(lambda: not list((toy / "temporary").iterdir()))


def test_errors_are_told_in_words(entered, double, monkeypatch, tmp_path):
    entered._parameterNode.bundle = "no-such-model"
    assert "no-such-model" in entered.ui.modelLine.text
    segment(entered, double)
    (shown,) = double.answers.of("error")
    assert "there is no bundle no-such-model" in shown.text and "Traceback" not in shown.text


def test_a_tampered_model_is_refused_by_name(entered, double, tmp_path):
    bundle = toybundle.make_bundle(tmp_path / "tampered")
    model = bundle.folder / "models/locate.onnx"
    model.write_bytes(model.read_bytes() + b" ")
    entered._parameterNode.bundle = str(bundle.folder)
    segment(entered, double)
    (shown,) = double.answers.of("error")
    assert "models/locate.onnx" in shown.text


def test_a_killed_engine_is_told_and_the_next_run_works(entered, double, unending):
    click(entered.ui.segmentButton)
    run = entered.panel.run._runs[0]
    double.waitFor(lambda: run.progress.stage != "start")
    os.kill(entered.logic._queue._engine.pid, 9)
    unending.unlink()
    double.waitFor(lambda: entered.ui.segmentButton.text == "Segment")
    (shown,) = double.answers.of("error")
    assert "ran out of memory" in shown.text
    segment(entered, double)
    assert entered.ui.massTable.rowCount == 3


def test_volumes_are_queued(entered, double, add_ct, unending):
    ui = entered.ui
    click(ui.segmentButton)
    add_ct("CT 2")
    ui.inputSelector.setCurrentNode(slicer.util.getNode("CT 2"))
    click(ui.queueButton)
    assert ui.queueLine.text == "Then: CT 2"
    unending.unlink()
    double.waitFor(lambda: ui.segmentButton.text == "Segment")
    names = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")]
    assert sorted(names) == ["CT 2 RenalAI", "CT RenalAI"]


def test_the_evidence_map_lies_over_the_ct_and_goes_again(entered, double):
    segment(entered, double)
    click_row(entered.ui.massTable, 0)
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    entered.ui.saliencyCheckBox.checked = True
    assert composite.GetForegroundVolumeID() and composite.GetForegroundOpacity() == 0.5
    entered.ui.saliencyOpacitySlider.value = 0.8
    assert composite.GetForegroundOpacity() == pytest.approx(0.8)
    entered.ui.saliencyCheckBox.checked = False
    assert not composite.GetForegroundVolumeID()


def test_a_gpu_that_is_not_there_is_told_at_once(entered, double):
    """On a computer without CUDA; where there is one the run succeeds on it."""
    entered.ui.deviceSelector.setCurrentIndex(entered.ui.deviceSelector.findText("GPU"))
    segment(entered, double)
    shown = double.answers.of("error")
    if shown:
        assert "cuda" in shown[0].text.lower() and "Traceback" not in shown[0].text
    else:
        assert entered.ui.massTable.rowCount == 3


def test_an_mr_in_the_scene_is_refused(entered, double, add_ct):
    """In the panel before the click; from the console by the engine."""
    import numpy as np

    import RenalAI
    from RenalAILib.errors import InputError

    node = add_ct("MR")
    slicer.util.updateVolumeFromArray(node, np.random.default_rng(0).integers(1, 900, (40, 40, 40)).astype(np.int16))
    entered.ui.inputSelector.setCurrentNode(node)
    double.app.processEvents()
    assert not entered.ui.segmentButton.enabled and "MR is not a CT in HU" in entered.ui.studyLine.text
    with pytest.raises(InputError, match="is it MR or PET"):
        RenalAI.RenalAILogic().segment(node)
    RenalAI.RenalAILogic().close()


def test_the_console_one_liner(double, add_ct):
    import RenalAI

    volumeNode = add_ct()
    segmentation, table = RenalAI.RenalAILogic().segment(volumeNode)
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 5 and table.GetNumberOfRows() == 5
    run = RenalAI.RenalAILogic().segment(volumeNode, fast=True, waitForCompletion=False)
    assert run.running
    run.cancel()
    double.waitFor(lambda: not run.running)
    RenalAI.RenalAILogic().close()


def test_the_self_test_passes(double, monkeypatch):
    """With the bundle that is shipped: the toy networks know grey values only."""
    import RenalAI
    from RenalAILib.bundles.store import DEFAULT_BUNDLE, find_bundles

    monkeypatch.delenv("RENALAI_BUNDLES")
    if DEFAULT_BUNDLE not in find_bundles():
        pytest.skip("no bundle is shipped yet")

    RenalAI.RenalAITest().runTest()
    RenalAI.RenalAILogic().close()


def test_the_computer_check_names_everything(entered, double):
    ui = entered.ui
    ui.checkButton.collapsed = False
    click(ui.checkRunButton)
    double.waitFor(lambda: ui.checkRunButton.enabled)
    text = ui.checkText.toPlainText()
    for word in ("RenalAI", "Slicer", "Python", "onnxruntime", "Model toy: version 0.0.1, all files verified", "works"):
        assert word in text, text
    click(ui.copyButton)
    assert qt.QApplication.clipboard().text() == text


def test_a_manual_segmentation_is_compared(entered, double):
    """The manual one has the kidneys and one mass less; the missed one is a click away."""
    ui = entered.ui
    segment(entered, double)
    result = result_of(entered)
    from RenalAIScene.results import ct_of, findings, outcome_of

    outcome, ct = outcome_of(result), ct_of(result)
    manual = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "by hand")
    manual.CreateDefaultDisplayNodes()
    manual.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    for name, mask in {
        "Right kidney": outcome.labels == 1, "Left kidney": outcome.labels == 2, "Tumor": outcome.instances == 3,
    }.items():  # fmt: skip
        segment_id = manual.GetSegmentation().AddEmptySegment(name, name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype("uint8"), manual, segment_id, ct)
    ui.manualSelector.setCurrentNode(manual)
    ui.compareButton.collapsed = False
    double.app.processEvents()
    assert [ui.matchTable.cellWidget(row, 1).currentText for row in range(3)] == [
        "Right kidney", "Left kidney", "Solid mass",
    ]  # fmt: skip
    ui.overlaySelector.setCurrentIndex(ui.overlaySelector.findText("Outlines"))
    assert manual.GetDisplayNode().GetVisibility()
    click(ui.show3DButton)
    assert manual.GetSegmentation().ContainsRepresentation("Closed surface")
    click(ui.compareRunButton)
    double.waitFor(lambda: ui.agreementTable.rowCount > 0)
    cells = {
        ui.agreementTable.item(row, 0).text(): ui.agreementTable.item(row, 1).text()
        for row in range(ui.agreementTable.rowCount)
    }
    assert cells["R kidney"] == cells["L kidney"] == "1.000"
    double.app.processEvents()
    assert ui.agreementTable.columnCount == 6 and ui.agreementTable.horizontalScrollBar().maximum == 0, (
        "a column is cut"
    )
    assert "1 found, 0 missed, 2 false" in ui.detectionLine.text
    click_row(ui.domainTable, 0)
    centers = [mass.centroid_ras for mass in findings(result).masses]
    assert any(max(abs(a - b) for a, b in zip(slice_centers()[0], c, strict=True)) < 3 for c in centers[1:])
    ui.overlaySelector.setCurrentIndex(ui.overlaySelector.findText("Prediction only"))
