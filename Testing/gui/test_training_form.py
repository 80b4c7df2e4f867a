"""The training form: every parameter has one widget, every control says what it does, nothing is cut in any tab."""

from __future__ import annotations

from pathlib import Path

import pytest
import qt
import slicer
from formrules import check_scene_followers, cut_texts, unfold, widgets_by_parameter, without_tip

from RenalAITrainingLib.dataset.vocabulary import ScanPhase
from RenalAITrainingLib.stages import CUT
from RenalAITrainingWidgets.parameters import Network, Phase, RenalAITrainingParameterNode, Scheme

UI = Path(__file__).resolve().parents[2] / "RenalAITraining" / "Resources" / "UI" / "RenalAITraining.ui"
BY_STATE = {  # their tips say what is missing
    "addCaseButton", "massesButton", "outlineButton", "checkButton", "splitButton", "importButton", "fuseButton",
    "synthesiseButton", "startButton", "stopButton", "resumeButton", "curvesButton", "evaluateButton", "pageButton",
    "publishButton",
}  # fmt: skip


@pytest.fixture
def form(mrmlScene):
    widget = slicer.util.loadUI(str(UI))
    widget.setMRMLScene(mrmlScene)
    yield widget
    widget.delete()


def test_every_parameter_has_exactly_one_widget(form):
    found = widgets_by_parameter(form)
    assert sorted(found) == sorted(RenalAITrainingParameterNode.allParameters)
    assert all(len(widgets) == 1 for widgets in found.values()), found


def test_who_the_patient_is_is_no_parameter(form):
    patient = form.findChild(qt.QLineEdit, "patientEdit")
    assert patient.property("SlicerParameterName") is None
    assert not any("patient" in name.lower() for name in RenalAITrainingParameterNode.allParameters)


def test_every_node_selector_follows_the_scene_and_every_control_has_a_tip():
    check_scene_followers(UI)
    assert without_tip(UI) <= BY_STATE


@pytest.mark.parametrize("width", [320, 420])
def test_no_text_is_cut(form, double, width):
    tabs = form.findChild(qt.QTabWidget, "tabs")
    unfold(form, width)
    for index in range(tabs.count):
        tabs.currentIndex = index
        double.app.processEvents()
        assert not cut_texts(form), tabs.tabText(index)
    assert form.minimumSizeHint.width() <= 330


def test_the_words_of_the_panel_are_those_of_the_library():
    """Scenes and jobs carry the values."""
    from RenalAITrainingLib.dataset.split import parsed_ratio

    assert {phase.value for phase in Phase} == {phase.value for phase in ScanPhase}
    assert {network.value for network in Network} <= set(CUT)
    for scheme in Scheme:
        assert scheme is Scheme.FOLDS or sum(parsed_ratio(scheme.value).values()) == pytest.approx(1)


def test_the_parameter_node_and_the_form_change_each_other(form, mrmlScene):
    node = RenalAITrainingParameterNode(mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    ui = slicer.util.childWidgetVariables(form)
    tag = node.connectGui(ui)
    ui.schemeSelector.currentIndex = ui.schemeSelector.findText("5 folds (cross-validation)")
    ui.variantsBox.value = 9
    ui.datasetFolderEdit.currentPath = "there"
    assert (node.scheme, node.variants, node.datasetFolder) == (Scheme.FOLDS, 9, Path("there"))
    node.hours, node.phase = 1.5, Phase.EXCRETORY
    assert ui.hoursBox.value == 1.5 and ui.phaseSelector.currentText == "Excretory"
    node.disconnectGui(tag)
    ui.variantsBox.value = 2
    assert node.variants == 9
