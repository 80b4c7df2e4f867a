"""The form: every parameter has one widget, every selector follows the scene, nothing is cut in a narrow panel."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import qt
import slicer

from RenalAIWidgets.parameters import Device, Mode, RenalAIParameterNode

UI = Path(__file__).resolve().parents[2] / "RenalAI" / "Resources" / "UI" / "RenalAI.ui"


@pytest.fixture
def form(mrmlScene):
    widget = slicer.util.loadUI(str(UI))
    widget.setMRMLScene(mrmlScene)
    yield widget
    widget.delete()


def bound(form):
    """Parameter name to the widgets that carry it."""
    found: dict[str, list[str]] = {}
    for widget in form.findChildren(qt.QWidget):
        for name in (bytes(key.data()).decode() for key in widget.dynamicPropertyNames()):
            if not name.startswith("_"):
                assert name == "SlicerParameterName" and widget.property(name), f"{widget.objectName}: {name}"
                found.setdefault(widget.property(name), []).append(widget.objectName)
    return found


def test_every_parameter_has_exactly_one_widget(form):
    found = bound(form)
    assert sorted(found) == sorted(RenalAIParameterNode.allParameters)
    assert all(len(widgets) == 1 for widgets in found.values()), found


def test_every_node_selector_follows_the_scene():
    root = ElementTree.parse(UI).getroot()
    selectors = {w.get("name") for w in root.iter("widget") if w.get("class") == "qMRMLNodeComboBox"}
    connected = {
        c.findtext("receiver")
        for c in root.iter("connection")
        if c.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)" and c.findtext("sender") == "RenalAI"
    }
    assert root.find("widget").get("class") == "qMRMLWidget"
    assert selectors == connected and selectors


def test_every_control_says_what_it_does():
    root = ElementTree.parse(UI).getroot()
    controls = {
        "QToolButton",
        "QCheckBox",
        "QComboBox",
        "QLineEdit",
        "ctkSliderWidget",
        "qMRMLNodeComboBox",
        "QPushButton",
    }
    later = {"segmentButton", "compareRunButton", "exportRunButton", "trainingButton"}  # their tips depend on the state
    for widget in root.iter("widget"):
        if widget.get("class") in controls and widget.get("name") not in later:
            names = {p.get("name") for p in widget.findall("property")}
            assert "toolTip" in names, widget.get("name")


@pytest.mark.parametrize("width", [320, 420])
def test_no_text_is_cut(form, double, width):
    for button in form.findChildren(qt.QWidget):
        if button.className() == "ctkCollapsibleButton":
            button.collapsed = False
    form.resize(width, form.sizeHint.height())
    form.show()
    double.app.processEvents()
    kinds = (qt.QAbstractButton, qt.QLabel)
    cut = [
        w.objectName
        for w in form.findChildren(qt.QWidget)
        if isinstance(w, kinds) and w.visible and w.text and w.width < w.minimumSizeHint.width()
    ]
    assert not cut
    assert form.minimumSizeHint.width() <= 330


def test_the_parameter_node_and_the_form_change_each_other(form, mrmlScene):
    node = RenalAIParameterNode(mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    ui = slicer.util.childWidgetVariables(form)
    tag = node.connectGui(ui)
    ui.modeSelector.currentIndex = ui.modeSelector.findText("Fast")
    ui.overlayOpacitySlider.value = 0.25
    ui.bundleEdit.text = "mine"
    assert (node.mode, node.overlayOpacity, node.bundle) == (Mode.FAST, 0.25, "mine")
    node.device = Device.CPU
    node.exportPdf = True
    assert ui.deviceSelector.currentText == "CPU" and ui.pdfCheckBox.checked
    node.disconnectGui(tag)
    ui.bundleEdit.text = "other"
    assert node.bundle == "mine"
