"""The double behaves as Slicer where the modules lean on it; the same assertions hold in a real Slicer."""

from __future__ import annotations

import enum
import importlib
from typing import Annotated, Optional

import ctk
import pytest
import qt
import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper, parameterPack
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic


class Speed(enum.Enum):
    FAST = "fast"
    ACCURATE = "accurate"

    def label(self) -> str:
        return self.value.title()


@parameterPack
class Overlay:
    visible: bool = True
    opacity: Annotated[float, WithinRange(0, 1)] = 0.5


@parameterNodeWrapper
class Parameters:
    volume: vtkMRMLScalarVolumeNode
    threshold: Annotated[float, WithinRange(0, 10)] = 3.0
    title: str = "one"
    speed: Speed = Speed.ACCURATE
    limit: Optional[int] = None  # noqa: UP045
    cases: list[str] = []  # noqa: RUF012
    overlay: Overlay


class DemoLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return Parameters(super().getParameterNode())


class Shown:
    """Six widgets bound by name, as a .ui file would hold them."""

    def __init__(self, scene):
        self.panel = qt.QWidget()
        self.layout = qt.QVBoxLayout(self.panel)
        self.volume = self.add(slicer.qMRMLNodeComboBox(), "volume")
        self.threshold = self.add(ctk.ctkSliderWidget(), "threshold")
        self.title = self.add(qt.QLineEdit(), "title")
        self.speed = self.add(qt.QComboBox(), "speed")
        self.visible = self.add(qt.QCheckBox(), "overlay.visible")
        self.volume.setMRMLScene(scene)

    def add(self, widget, parameter):
        widget.setProperty("SlicerParameterName", parameter)
        self.layout.addWidget(widget)
        return widget


def test_properties_are_attributes_and_not_methods():
    label, button = qt.QLabel("a"), qt.QPushButton()
    label.text = "b"
    button.enabled = False
    assert label.text == "b" and not button.enabled and button.name == button.objectName
    with pytest.raises(TypeError):
        label.text()
    with pytest.raises(AttributeError, match="enabeld"):
        button.enabeld = True
    with pytest.raises(AttributeError):
        qt.QLabel().count  # noqa: B018
    assert not hasattr(qt, "Signal")


def test_static_methods_stay_beside_properties_of_their_name(double):
    fired = []
    qt.QTimer.singleShot(0, lambda: fired.append(1))
    timer = qt.QTimer()
    timer.singleShot = True
    assert timer.singleShot is True
    double.waitFor(lambda: fired)


def test_signals_connect_in_both_forms():
    button, heard = qt.QPushButton(), []
    button.connect("clicked(bool)", lambda checked: heard.append("signature"))
    button.connect("clicked()", lambda: heard.append("bare"))
    button.clicked.connect(lambda: heard.append("attribute"))
    button.click()
    assert sorted(heard) == ["attribute", "bare", "signature"]
    with pytest.raises(ValueError, match="no signal"):
        button.connect("clicked(QString)", heard.append)


def test_a_subclass_of_a_widget_may_have_attributes_of_its_own():
    class Panel(qt.QWidget):
        def __init__(self):
            super().__init__()
            self.anything = 3

        def sizeHint(self):
            return qt.QSize(321, 123)

    panel, host = Panel(), qt.QWidget()
    row = qt.QVBoxLayout(host)
    row.addWidget(panel)
    assert panel.anything == 3 and row.sizeHint().width() >= 321 and panel.width > 0


def test_parameters_are_typed_checked_and_survive_in_the_node(mrmlScene):
    parameters = DemoLogic().getParameterNode()
    volume = mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    parameters.volume, parameters.threshold, parameters.speed = volume, 7.5, Speed.FAST
    parameters.cases, parameters.limit, parameters.overlay.opacity = ["a", "b"], 4, 0.25
    with pytest.raises(ValueError, match="range"):
        parameters.threshold = 11
    with pytest.raises(ValueError, match="range"):
        parameters.overlay.opacity = 2.0
    with pytest.raises(TypeError):
        parameters.title = 3
    again = DemoLogic().getParameterNode()
    assert again.parameterNode is parameters.parameterNode
    assert (again.volume, again.threshold, again.speed, again.cases, again.limit, again.overlay.opacity) == (
        volume, 7.5, Speed.FAST, ["a", "b"], 4, 0.25,
    )  # fmt: skip
    assert again.parameterNode.GetParameter("speed") == "FAST"


def test_binding_is_two_way_and_ends(mrmlScene):
    parameters, shown = DemoLogic().getParameterNode(), Shown(mrmlScene)
    volume = mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    tag = parameters.connectGui(shown.panel)
    assert shown.speed.currentText == "Accurate" and shown.volume.nodeTypes == ["vtkMRMLScalarVolumeNode"]
    shown.speed.currentIndex, shown.threshold.value, shown.visible.checked = 0, 9.0, False
    shown.volume.setCurrentNode(volume)
    assert (parameters.speed, parameters.threshold, parameters.overlay.visible) == (Speed.FAST, 9.0, False)
    assert parameters.volume is volume
    parameters.title = "two"
    assert shown.title.text == "two"
    parameters.disconnectGui(tag)
    shown.title.text = "three"
    assert parameters.title == "two"
    parameters.title = "four"
    assert shown.title.text == "three"


def test_a_widget_of_the_wrong_kind_is_refused():
    parameters = DemoLogic().getParameterNode()
    with pytest.raises(RuntimeError, match="connector"):
        parameters.connectParametersToGui({"title": qt.QRadioButton()})
    with pytest.raises(ValueError, match="nothing"):
        parameters.connectParametersToGui({"nothing": qt.QLineEdit()})


def test_a_node_selector_follows_the_scene(mrmlScene):
    selector, heard = slicer.qMRMLNodeComboBox(), []
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.showChildNodeTypes = False
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    selector.setMRMLScene(mrmlScene)
    mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert selector.currentNode() is None
    ct = mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    assert selector.currentNode() is ct and heard[-1] is ct and selector.nodeCount() == 1
    ct.SetName("renamed")
    assert selector.currentText == "renamed"
    mrmlScene.RemoveNode(ct)
    assert selector.currentNode() is None and heard[-1] is None
    selector.setMRMLScene(None)


def test_questions_get_the_scripted_answers_and_errors_are_recorded_and_raised(double):
    double.answers.queue(False, "/somewhere/case.nii.gz")
    assert slicer.util.confirmYesNoDisplay("Really?") is False
    assert qt.QFileDialog.getOpenFileName(None, "Open") == "/somewhere/case.nii.gz"
    with pytest.raises(RuntimeError, match="broken"), slicer.util.tryWithErrorDisplay("Segmentation failed."):
        raise RuntimeError("broken")
    assert [dialog.kind for dialog in double.dialogs] == ["yes-no", "open-file", "error"]
    assert double.dialogs[-1].text.startswith("Segmentation failed.")


def test_packaging_is_absent_before_5_12(double):
    double.version("5.10")
    with pytest.raises(ImportError):
        importlib.import_module("slicer.packaging")
    double.version("5.12")
    packaging = importlib.import_module("slicer.packaging")
    double.installations.declined = True
    with pytest.raises(RuntimeError):
        packaging.pip_ensure(["onnxruntime>=1.17"], requester="RenalAI")
    assert double.installations.calls[0][1] == ("onnxruntime>=1.17",)


def test_a_form_is_loaded_with_scene_and_names(tmp_path, mrmlScene):
    form = tmp_path / "Demo.ui"
    form.write_text(
        """<ui version="4.0"><class>Demo</class><widget class="qMRMLWidget" name="Demo">
        <layout class="QVBoxLayout" name="rows"><item><widget class="qMRMLNodeComboBox" name="ctSelector">
        <property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
        <property name="noneEnabled"><bool>true</bool></property>
        <property name="SlicerParameterName" stdset="0"><string>volume</string></property></widget></item>
        <item><widget class="ctkCollapsibleButton" name="fold"><property name="text"><string>More</string></property>
        <property name="collapsed"><bool>true</bool></property></widget></item></layout></widget>
        <connections><connection><sender>Demo</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
        <receiver>ctSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>""",
        encoding="utf-8",
    )
    top = slicer.util.loadUI(str(form))
    ui = slicer.util.childWidgetVariables(top)
    top.setMRMLScene(mrmlScene)
    volume = mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    assert ui.ctSelector.count == 2 and ui.ctSelector.noneEnabled
    ui.ctSelector.setCurrentNode(volume)
    assert ui.ctSelector.currentNodeID == volume.GetID()
    assert ui.ctSelector.property("SlicerParameterName") == "volume"
    assert ui.fold.collapsed and ui.fold.text == "More"
    top.setMRMLScene(None)


def test_settings_live_in_memory():
    settings = qt.QSettings()
    settings.setValue("RenalAI/Device", "cpu")
    assert slicer.util.settingsValue("RenalAI/Device", "auto") == "cpu"
    assert slicer.util.settingsValue("RenalAI/Absent", "auto") == "auto"


def test_volumes_and_segmentations_load_through_storage(tmp_path, mrmlScene):
    import numpy as np

    volume = slicer.util.addVolumeFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4), name="CT")
    path = str(tmp_path / "ct.nrrd")
    assert slicer.util.saveNode(volume, path)
    loaded = slicer.util.loadVolume(path)
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(volume))
    with pytest.raises(RuntimeError):
        slicer.util.loadVolume(str(tmp_path / "absent.nrrd"))
