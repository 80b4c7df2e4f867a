"""The form: every parameter has one widget, every selector follows the scene, nothing is cut in a narrow panel."""

from __future__ import annotations

from pathlib import Path

import pytest
import slicer
from formrules import check_scene_followers, cut_texts, unfold, widgets_by_parameter, without_tip

from RenalAIWidgets.parameters import Device, Mode, RenalAIParameterNode

UI = Path(__file__).resolve().parents[2] / "RenalAI" / "Resources" / "UI" / "RenalAI.ui"


@pytest.fixture
def form(mrmlScene):
    widget = slicer.util.loadUI(str(UI))
    widget.setMRMLScene(mrmlScene)
    yield widget
    widget.delete()


def test_every_parameter_has_exactly_one_widget(form):
    found = widgets_by_parameter(form)
    assert sorted(found) == sorted(RenalAIParameterNode.allParameters)
    assert all(len(widgets) == 1 for widgets in found.values()), found


def test_every_node_selector_follows_the_scene():
    check_scene_followers(UI)


def test_every_control_says_what_it_does():
    later = {"segmentButton", "compareRunButton", "exportRunButton", "trainingButton"}  # their tips depend on the state
    assert without_tip(UI) <= later


@pytest.mark.parametrize("width", [320, 420])
def test_no_text_is_cut(form, double, width):
    unfold(form, width)
    double.app.processEvents()
    assert not cut_texts(form)
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
