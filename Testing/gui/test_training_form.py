"""The training form: every parameter has one widget, every control says what it does, nothing is cut in any tab."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import qt
import slicer

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
    found: dict[str, list[str]] = {}
    for widget in form.findChildren(qt.QWidget):
        for name in (bytes(key.data()).decode() for key in widget.dynamicPropertyNames()):
            if not name.startswith("_"):
                assert name == "SlicerParameterName" and widget.property(name), f"{widget.objectName}: {name}"
                found.setdefault(widget.property(name), []).append(widget.objectName)
    assert sorted(found) == sorted(RenalAITrainingParameterNode.allParameters)
    assert all(len(widgets) == 1 for widgets in found.values()), found


def test_who_the_patient_is_is_no_parameter(form):
    patient = form.findChild(qt.QLineEdit, "patientEdit")
    assert patient.property("SlicerParameterName") is None
    assert not any("patient" in name.lower() for name in RenalAITrainingParameterNode.allParameters)


def test_every_node_selector_follows_the_scene_and_every_control_has_a_tip():
    root = ElementTree.parse(UI).getroot()
    selectors = {w.get("name") for w in root.iter("widget") if w.get("class") == "qMRMLNodeComboBox"}
    connected = {
        c.findtext("receiver")
        for c in root.iter("connection")
        if c.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)" and c.findtext("sender") == "RenalAITraining"
    }
    assert root.find("widget").get("class") == "qMRMLWidget" and selectors == connected and selectors
    controls = {
        "QToolButton", "QCheckBox", "QComboBox", "QLineEdit", "QSpinBox", "QDoubleSpinBox", "qMRMLNodeComboBox",
        "QPushButton", "ctkPathLineEdit", "QTableWidget",
    }  # fmt: skip
    for widget in root.iter("widget"):
        if widget.get("class") in controls and widget.get("name") not in BY_STATE:
            assert "toolTip" in {p.get("name") for p in widget.findall("property")}, widget.get("name")


@pytest.mark.parametrize("width", [320, 420])
def test_no_text_is_cut(form, double, width):
    tabs = form.findChild(qt.QTabWidget, "tabs")
    for button in form.findChildren(qt.QWidget):
        if button.className() == "ctkCollapsibleButton":
            button.collapsed = False
    form.resize(width, form.sizeHint.height())
    form.show()
    for index in range(tabs.count):
        tabs.currentIndex = index
        double.app.processEvents()
        cut = [
            w.objectName
            for w in form.findChildren(qt.QWidget)
            if isinstance(w, (qt.QAbstractButton, qt.QLabel))
            and w.visible
            and w.text
            and w.width < w.minimumSizeHint.width()
        ]
        assert not cut, (tabs.tabText(index), cut)
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
