"""A mass that the networks missed, drawn by the radiologist: a row of the table with their own class."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import slicer.util


@pytest.fixture
def widget(painted_panel):
    return painted_panel


@pytest.fixture
def opened(monkeypatch):
    """The modules that were switched to."""
    names = []
    monkeypatch.setattr(slicer.util, "selectModule", names.append)
    return names


def row(widget, number):
    return [widget.ui.massTable.item(number, column).text() for column in range(6)]


def draw(widget, double, opened):
    """The button, some strokes in the Segment Editor, and back: the ID of the segment."""
    widget.ui.drawButton.click()
    assert opened == ["SegmentEditor"]
    editor = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    assert editor.GetSegmentationNode() is widget._parameterNode.result
    assert editor.GetSourceVolumeNode().GetName() == "CT"
    segment_id = editor.GetSelectedSegmentID()
    assert segment_id in widget._parameterNode.result.GetSegmentation().GetSegmentIDs()
    double.exit(widget)
    ct = slicer.util.getNode("CT")
    mask = np.zeros(slicer.util.arrayFromVolume(ct).shape, np.uint8)
    mask[2:5, 30:34, 8:12] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, slicer.util.getNode("CT RenalAI"), segment_id, ct)
    double.enter(widget)
    return segment_id


def test_a_drawn_mass_becomes_a_row_with_the_radiologists_class(widget, double, opened):
    ui = widget.ui
    assert ui.massTable.rowCount == 3 and ui.drawButton.enabled
    segment_id = draw(widget, double, opened)
    assert ui.massTable.rowCount == 4
    assert row(widget, 3)[0] == "Right D1" and row(widget, 3)[1] == "Unknown" and row(widget, 3)[5] == "Drawn"
    assert float(row(widget, 3)[3]) == pytest.approx(48 * 0.15, abs=0.06)
    assert "4 masses, 1 of them drawn by you" in ui.kidneysLine.text
    ui.massTable.selectRow(3)
    assert not ui.acceptButton.enabled and not ui.rejectButton.enabled and ui.classSelector.enabled
    assert "Drawn by the radiologist" in ui.evidenceLine.text and "network is not sure" not in ui.evidenceLine.text
    ui.classSelector.setCurrentIndex(ui.classSelector.findText("Cystic"))
    ui.classSelector.activated.emit(ui.classSelector.currentIndex)
    assert row(widget, 3)[1] == "Cystic"
    ui.noteEdit.text = "beside the pole"
    ui.noteEdit.editingFinished.emit()
    from RenalAIScene.results import outcome_of, readings

    said = readings(widget._parameterNode.result)[segment_id]
    assert (said.verdict.value, said.mass_class.value, said.note) == ("drawn", "cystic", "beside the pole")
    mass = outcome_of(widget._parameterNode.result).findings.masses[-1]
    assert (mass.drawn, mass.mass_class.value) == (1, "cystic")
    ui.classSelector.activated.emit(0)  # "Other class…" takes nothing back: it is the radiologist's own mass
    assert ui.classSelector.currentText == "Cystic" and row(widget, 3)[1] == "Cystic"


def test_a_removed_segment_is_a_row_that_says_so(widget, double):
    from RenalAIScene.results import findings

    result = widget._parameterNode.result
    second = findings(result).masses[1]
    double.exit(widget)
    result.GetSegmentation().RemoveSegment(second.segment_id)
    double.enter(widget)
    ui = widget.ui
    assert ui.massTable.rowCount == 3 and "2 masses" in ui.kidneysLine.text
    assert row(widget, 2)[5] == "Removed" and "removed its segment" in ui.massTable.item(2, 0).toolTip()
    ui.massTable.selectRow(2)
    assert not any(w.enabled for w in (ui.acceptButton, ui.rejectButton, ui.classSelector, ui.noteEdit))
    node = slicer.util.getNodesByClass("vtkMRMLSliceNode")[0]
    assert [node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)] == pytest.approx(second.centroid_ras)


def test_without_a_result_there_is_nothing_to_draw_into(widget, double):
    widget._parameterNode.result = None
    double.app.processEvents()
    assert not widget.ui.drawButton.enabled
