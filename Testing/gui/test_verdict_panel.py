"""A patient's verdict in the panel and in the scene: the share of slices, the votes in the place of masses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import qt
import slicer
import toybundle
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from slicevotebundle import make_vote_bundle

BRIGHT = toybundle.Ellipsoid((0, 0, 30), (60, 60, 30), 200.0)

pytestmark = pytest.mark.usefixtures("toy")


def voted(folder, slices="all", parts=(toybundle.BODY, BRIGHT)):
    """The outcome of a toy vote, and its CT."""
    from RenalAILib.pipelines.running import segment

    affine, shape = toybundle.axial()
    ct = toybundle.painted(affine, shape, parts)
    bundle = make_vote_bundle(folder / f"votes-{slices}", slices=slices)
    return segment(ct, bundle, device="cpu", engine="onnxruntime")


def shown(outcome):
    """Its segmentation node in the scene."""
    from RenalAIScene import results, volumes

    ct = volumes.add_volume(outcome.volume, "CT")
    return results.add_result(outcome, ct)[0]


def test_votes_take_the_place_of_masses(entered, toy, double):
    outcome = voted(toy)
    verdict = outcome.findings.verdict
    entered._parameterNode.result = shown(outcome)
    double.app.processEvents()
    ui = entered.ui
    assert f"{verdict.label}: " in ui.kidneysLine.text and f"({100 * verdict.share:.0f} %)" in ui.kidneysLine.text
    assert "benign needs 51 %" in ui.kidneysLine.text
    assert ui.massTable.rowCount == len(verdict.slices)
    assert [ui.massTable.horizontalHeaderItem(n).text() for n in range(4)] == ["Slice", "S mm", "Vote", "P rcc"]
    assert [ui.massTable.item(row, 2).text() for row in range(ui.massTable.rowCount)] == [
        vote.vote for vote in verdict.slices
    ]
    assert not ui.acceptButton.enabled and not ui.classSelector.enabled and ui.nextButton.enabled


def test_a_vote_brings_the_views_to_its_slice(entered, toy, double):
    outcome = voted(toy)
    entered._parameterNode.result = shown(outcome)
    double.app.processEvents()
    table = entered.ui.massTable
    center = table.visualItemRect(table.item(3, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, center)
    wanted = outcome.findings.verdict.slices[3].centre_ras
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        found = [node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)]
        assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 1e-3


def test_with_masses_the_table_keeps_them_and_the_line_says_the_verdict(entered, toy, double):
    outcome = voted(toy, "mass", toybundle.USUAL)
    entered._parameterNode.result = shown(outcome)
    double.app.processEvents()
    ui = entered.ui
    assert ui.massTable.rowCount == 3 and ui.massTable.horizontalHeaderItem(0).text() == "Mass"
    assert ui.massTable.item(0, 1).text() == "Unknown"
    assert "3 masses" in ui.kidneysLine.text and outcome.findings.verdict.label in ui.kidneysLine.text


def test_without_a_verdict_the_warning_is_shown(entered, toy, double):
    outcome = voted(toy, "kidney", (toybundle.BODY,))
    entered._parameterNode.result = shown(outcome)
    double.app.processEvents()
    assert entered.ui.massTable.rowCount == 0
    assert "there is no verdict" in entered.ui.warningsLine.text
    assert qt.QApplication.activeModalWidget() is None


def test_the_scene_keeps_votes_and_loses_them_with_the_result(toy, double):
    from RenalAIScene import results
    from RenalAIScene.votestable import votes_of

    outcome = voted(toy)
    segmentation = shown(outcome)
    table = votes_of(segmentation).GetTable()
    assert table.GetNumberOfRows() == len(outcome.findings.verdict.slices)
    names = [table.GetColumnName(n) for n in range(table.GetNumberOfColumns())]
    assert names == ["Slice", "S mm", "Vote", "P benign", "P rcc"]
    back = results.outcome_of(segmentation)
    assert back.findings == outcome.findings and not back.instances.any()
    results.remove_result(segmentation)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0


def test_classes_are_words_not_markup(entered, toy, double):
    outcome = voted(toy)
    verdict = outcome.findings.verdict
    votes = tuple(replace(vote, probabilities={"<b>": 1.0, "x": 0.0}, vote="<b>") for vote in verdict.slices)
    named = replace(verdict, label="<b>", decisive=None, slices=votes)
    entered._parameterNode.result = shown(replace(outcome, findings=replace(outcome.findings, verdict=named)))
    double.app.processEvents()
    assert "&lt;b&gt;: " in entered.ui.kidneysLine.text and "most votes decide" in entered.ui.kidneysLine.text
