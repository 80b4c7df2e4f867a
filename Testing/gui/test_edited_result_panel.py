"""The result is edited while the panel is open: the table follows, once for a burst of edits, while it is seen."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import slicer.util


@pytest.fixture
def widget(painted_panel):
    return painted_panel


@pytest.fixture
def looks(monkeypatch):
    """One entry for each look at the segments."""
    from RenalAIScene import results

    seen, look = [], results.refresh
    monkeypatch.setattr(results, "refresh", lambda segmentation: (seen.append(segmentation), look(segmentation))[1])
    return seen


def draw(segmentation, name, box):
    ct = slicer.util.getNode("CT")
    mask = np.zeros(slicer.util.arrayFromVolume(ct).shape, np.uint8)
    mask[box] = 1
    segment_id = segmentation.GetSegmentation().AddEmptySegment("", name)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, segment_id, ct)
    return segment_id


def names(widget):
    table = widget.ui.massTable
    return [table.item(row, 0).text() for row in range(table.rowCount)]


def test_a_burst_of_edits_is_one_look_and_the_choice_stays(widget, double, looks):
    ui, result = widget.ui, widget._parameterNode.result
    before = names(widget)
    ui.massTable.selectRow(0)
    chosen = before[0]
    node = slicer.util.getNodesByClass("vtkMRMLSliceNode")[0]
    node.JumpSliceByOffsetting(1.0, 2.0, 3.0)
    places = [n.GetSliceToRAS().GetElement(2, 3) for n in slicer.util.getNodesByClass("vtkMRMLSliceNode")]
    for n in range(5):
        draw(result, "", (slice(n, n + 1), slice(2, 5), slice(2, 5)))
    result.GetSegmentation().RemoveSegment("mass_left_1")
    double.waitFor(lambda: looks)
    assert looks == [result]
    assert ui.massTable.rowCount == len(before) + 5 and "5 of them drawn by you" in ui.kidneysLine.text
    assert ui.massTable.item(ui.massTable.rowCount - 1, 5).text() == "Removed"
    assert names(widget)[ui.massTable.currentRow()] == chosen
    assert places == [n.GetSliceToRAS().GetElement(2, 3) for n in slicer.util.getNodesByClass("vtkMRMLSliceNode")]


def test_a_renamed_segment_changes_its_class_and_a_drawn_kidney_is_told(widget, double, looks):
    ui, result = widget.ui, widget._parameterNode.result
    drawn = draw(result, "something", (slice(2, 5), slice(30, 34), slice(8, 12)))
    double.waitFor(lambda: ui.massTable.rowCount == 4)
    assert ui.massTable.item(3, 1).text() == "Unknown"
    result.GetSegmentation().GetSegment(drawn).SetName("Zyste")
    double.waitFor(lambda: ui.massTable.item(3, 1).text() == "Cystic")
    result.GetSegmentation().GetSegment(drawn).SetName("Niere")
    double.waitFor(lambda: ui.massTable.rowCount == 3)
    assert "drawn by you" in ui.kidneysLine.text


def test_nothing_is_followed_behind_a_closed_panel(widget, double, looks):
    result = widget._parameterNode.result
    asked = []
    widget.panel.findings._later = lambda milliseconds, function: asked.append(function)
    draw(result, "", (slice(0, 1), slice(2, 5), slice(2, 5)))
    assert asked
    double.exit(widget)
    asked[0]()  # it was due when the module was left
    assert looks == []
    asked.clear()
    draw(result, "", (slice(1, 2), slice(2, 5), slice(2, 5)))
    assert asked == []
    double.enter(widget)
    assert widget.ui.massTable.rowCount == 5
    slicer.mrmlScene.RemoveNode(result)
    double.app.processEvents()
    assert widget.ui.massTable.rowCount == 0 and asked == []
