"""Export of DICOM objects by clicking, with and without highdicom and QuantitativeReporting."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pydicom
import pytest
import qt
import slicer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "engine"))
import paintedbody  # noqa: E402
import scanfiles  # noqa: E402

GRID = np.array([[-6.0, 0, 0, 144], [0, -6.0, 0, 102], [0, 0, 10.0, -90], [0, 0, 0, 1]])
NAME = "CT RenalAI"
FILES = {"segmentation.dcm", "measurements.dcm", "gradcam.dcm"}


@pytest.fixture
def database(desk, monkeypatch):
    """Slicer's DICOM database with one CT series: its files by instance."""
    outcome = paintedbody.painted_outcome(GRID, (18, 35, 49))
    paths = scanfiles.write_series(desk / "ct", outcome.volume.voxels, GRID)
    files = {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID: str(path) for path in paths}
    monkeypatch.setattr(slicer, "dicomDatabase", SimpleNamespace(fileForInstance=lambda uid: files.get(uid, "")), False)
    return SimpleNamespace(files=files, outcome=outcome)


@pytest.fixture
def result(widget, double, database):
    """A result on the CT of the database, chosen in the panel, with the DICOM segmentation ticked and nothing else."""
    from RenalAIScene.results import add_result
    from RenalAIScene.volumes import add_volume

    ct = add_volume(database.outcome.volume, "CT")
    ct.SetAttribute("DICOM.instanceUIDs", " ".join(database.files))
    segmentation, _ = add_result(database.outcome, ct)
    double.enter(widget)
    parameters = widget._parameterNode
    parameters.result, parameters.exportFolder = segmentation, widget_folder(database)
    parameters.exportReport = parameters.exportSegmentation = parameters.exportPdf = False
    parameters.exportDicom = True
    widget.ui.exportButton.collapsed = False
    double.app.processEvents()
    return segmentation


def widget_folder(database):
    return Path(next(iter(database.files.values()))).parents[1] / "exports"


def export(widget, double, until="Written"):
    qt.QApplication.processEvents()
    QTest.mouseClick(widget.ui.exportRunButton, Qt.MouseButton.LeftButton)
    double.waitFor(lambda: until in widget.ui.exportLine.text)


def refresh(widget, double):
    """Any change makes the panel look again."""
    widget._parameterNode.exportPdf = not widget._parameterNode.exportPdf
    double.app.processEvents()


def test_the_engine_writes_what_was_found_and_what_the_radiologist_said(widget, double, database, result):
    from RenalAILib.labels import MassClass
    from RenalAILib.radiologist.readings import Answer, Reading
    from RenalAIScene.results import set_reading

    set_reading(result, "mass_left_1", Reading("mass_left_1", Answer.RECLASSIFIED, MassClass.CYSTIC))
    assert widget.ui.dicomCheckBox.enabled and widget.ui.exportRunButton.enabled
    export(widget, double)
    assert not double.answers.of("error"), double.dialogs
    folder = widget_folder(database) / f"{NAME} DICOM"
    assert [entry.name for entry in widget_folder(database).iterdir()] == [folder.name]
    assert {entry.name for entry in folder.iterdir()} == FILES
    assert all(name in widget.ui.exportLine.text for name in FILES) and widget.ui.exportRunButton.enabled
    segments = pydicom.dcmread(folder / "segmentation.dcm").SegmentSequence
    types = {entry.TrackingID: entry.SegmentAlgorithmType for entry in segments}
    assert len(types) == 5 and types.pop("mass_left_1") == "SEMIAUTOMATIC" and set(types.values()) == {"AUTOMATIC"}


def test_an_outline_changed_in_slicer_is_the_radiologists(widget, double, database, result):
    """The left kidney's topmost slice is erased, as by the Segment Editor."""
    from RenalAIScene.labelmaps import segment_array
    from RenalAIScene.results import ct_of

    ct = ct_of(result)
    mask = segment_array(result, "kidney_left", ct) > 0
    mask[np.flatnonzero(mask.any(axis=(1, 2)))[-1]] = False
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), result, "kidney_left", ct)
    export(widget, double)
    segments = pydicom.dcmread(widget_folder(database) / f"{NAME} DICOM" / "segmentation.dcm").SegmentSequence
    types = {entry.TrackingID: entry.SegmentAlgorithmType for entry in segments}
    assert types.pop("kidney_left") == "SEMIAUTOMATIC" and set(types.values()) == {"AUTOMATIC"}


def test_what_was_drawn_and_removed_in_slicer_is_the_radiologists(widget, double, database, result):
    """A mass that the networks missed is drawn into the left kidney; the right cyst is deleted."""
    from RenalAIScene.drawnmasses import add_drawn_segment
    from RenalAIScene.labelmaps import segment_array
    from RenalAIScene.results import ct_of

    ct = ct_of(result)
    mask = segment_array(result, "kidney_left", ct) > 0
    mask[:8] = mask[10:] = False
    mine = add_drawn_segment(result)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), result, mine, ct)
    result.GetSegmentation().RemoveSegment("mass_right_1")
    export(widget, double)
    folder = widget_folder(database) / f"{NAME} DICOM"
    entries = {entry.TrackingID: entry for entry in pydicom.dcmread(folder / "segmentation.dcm").SegmentSequence}
    assert entries[mine].SegmentAlgorithmType == "MANUAL" and "by the radiologist" in entries[mine].SegmentLabel
    assert entries["kidney_left"].SegmentAlgorithmType == "SEMIAUTOMATIC" and "mass_right_1" not in entries
    report = pydicom.dcmread(folder / "measurements.dcm").to_json()
    assert "mass_right_1" in report and "The radiologist removed it." in report and mine in report


def test_report_and_segmentation_and_dicom_in_one_export(widget, double, database, result):
    widget._parameterNode.exportReport = widget._parameterNode.exportSegmentation = True
    export(widget, double)
    names = {entry.name for entry in widget_folder(database).iterdir()}
    assert names == {NAME, f"{NAME}.seg.nrrd", f"{NAME} DICOM"}
    for name in ("report.html", f"{NAME}.seg.nrrd", *FILES):
        assert name in widget.ui.exportLine.text


@pytest.mark.usefixtures("result")
def test_files_that_are_gone_are_told(widget, double, database):
    first, *_, last = database.files
    Path(database.files[last]).unlink()
    export(widget, double, "1 of the 18 DICOM files")
    assert "Import the study again" in widget.ui.exportLine.text and not double.answers.of("error")
    del database.files[first]
    refresh(widget, double)
    assert not widget.ui.dicomCheckBox.enabled
    assert "no longer in the DICOM database" in widget.ui.dicomCheckBox.toolTip


def test_a_ct_that_was_moved_is_told(widget, double, database, result):
    from RenalAIScene.results import ct_of

    ct_of(result).SetOrigin(0.0, 0.0, 0.0)
    qt.QApplication.processEvents()
    QTest.mouseClick(widget.ui.exportRunButton, Qt.MouseButton.LeftButton)
    double.waitFor(lambda: double.answers.of("error"))
    (shown,) = double.answers.of("error")
    assert "does not lie on the grid of CT" in shown.text and "Traceback" not in shown.text
    assert not list(widget_folder(database).rglob("*.dcm"))


@pytest.mark.usefixtures("result")
def test_without_any_writer_the_panel_says_what_to_install(widget, double, monkeypatch):
    found = importlib.util.find_spec
    handover = sys.modules["RenalAIWidgets.handover"]
    monkeypatch.setattr(handover, "find_spec", lambda name: None if name == "highdicom" else found(name))
    refresh(widget, double)
    tip = widget.ui.dicomCheckBox.toolTip
    assert not widget.ui.dicomCheckBox.enabled and "QuantitativeReporting" in tip and "highdicom" in tip


def test_a_ct_that_is_not_from_the_database_has_no_study(widget, double, result):
    from RenalAIScene.results import ct_of

    ct_of(result).RemoveAttribute("DICOM.instanceUIDs")
    refresh(widget, double)
    assert not widget.ui.dicomCheckBox.enabled and "no study to add to" in widget.ui.dicomCheckBox.toolTip


def test_quantitative_reporting_writes_the_segmentation_where_highdicom_is_absent(
    widget, double, database, result, monkeypatch
):
    exported = []
    plugin = ModuleType("DICOMSegmentationPlugin")
    plugin.DICOMSegmentationPluginClass = lambda: SimpleNamespace(
        examineForExport=lambda item: [SimpleNamespace(directory="")],
        export=lambda exportables: exported.extend(exportables) or "",
    )
    monkeypatch.setitem(sys.modules, "DICOMSegmentationPlugin", plugin)
    handover = sys.modules["RenalAIWidgets.handover"]
    monkeypatch.setattr(handover, "find_spec", lambda name: None if name == "highdicom" else object())
    refresh(widget, double)
    export(widget, double)
    assert [entry.directory for entry in exported] == [str(widget_folder(database) / f"{NAME} DICOM")]
    assert not list(widget_folder(database).rglob("*.dcm"))
