"""RenalAI: kidneys and renal masses in contrast CT. The module's entry for Slicer; the work is in RenalAIWidgets."""

from __future__ import annotations

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from RenalAIWidgets.logic import RenalAILogic

# Slicer's own link leads to Slicer's manual, which has no page of an extension's module.
DOCUMENTATION = "https://github.com/renalai/SlicerRenalAI/blob/main/Resources/Docs/slicer.md"

__all__ = ["RenalAI", "RenalAILogic", "RenalAITest", "RenalAIWidget"]


class RenalAI(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("RenalAI")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.contributors = ["RenalAI developers"]
        parent.helpText = (
            _(
                "Finds both kidneys and every renal mass in a contrast CT, says for each mass whether it is an "
                "angiomyolipoma, cystic or solid, and shows the evidence. Choose a CT, press Segment, click a finding. "
                "Research only, not for diagnosis."
            )
            + f'<p><a href="{DOCUMENTATION}">'
            + _("Documentation")
            + "</a></p>"
        )
        parent.acknowledgementText = _(
            "The cascade follows Zhao et al. 2023; Grad-CAM follows Selvaraju et al. 2017. The model's card names the "
            "data that its weights were trained on."
        )
        slicer.app.connect("startupCompleted()", self._register_samples)

    def _register_samples(self):
        from RenalAIWidgets.samples import register

        register(self.resourcePath("Icons/RenalAI.png"))


class RenalAIWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: binds the parameter node to the form and hands its changes to the sections."""

    def __init__(self, parent=None):
        self.panel = self.logic = self._parameterNode = self._guiTag = None
        VTKObservationMixin.__init__(self)  # first: without a parent the base class calls setup(), which observes
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self):
        from RenalAIScene import results
        from RenalAIWidgets.panel import Panel

        ScriptedLoadableModuleWidget.setup(self)
        form = slicer.util.loadUI(self.resourcePath("UI/RenalAI.ui"))
        self.layout.addWidget(form)
        form.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(form)
        self.logic = RenalAILogic()
        self.panel = Panel(self.ui, self.logic, results)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._on_scene_closes)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._on_scene_changed)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self._on_scene_changed)

    def enter(self):
        self._bind(self.logic.getParameterNode())

    def exit(self):
        self._bind(None)

    def cleanup(self):
        """Slicer quits or reloads the module: nothing may go on."""
        if self.panel is not None:
            self._bind(None)
            self.panel.close()
            self.logic.close()
        self.removeObservers()

    def _on_scene_closes(self, caller, event):
        self._bind(None)

    def _on_scene_changed(self, caller, event):
        if self.parent.isEntered:
            self.enter()

    def _bind(self, parameterNode):
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self._update)
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self._update)
        self.panel.bind(parameterNode)

    def _update(self, caller=None, event=None):
        if self._parameterNode is not None:
            self.panel.update()


class RenalAITest(ScriptedLoadableModuleTest):
    """The self-test: the phantom of this machine, from its voxels to an exported report."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def test_phantom(self):
        from RenalAIWidgets import dependencies
        from RenalAIWidgets.selftest import segment_phantom_and_export

        missing = dependencies.missing()
        if missing and slicer.app.testingEnabled():  # Slicer's own tests must not install anything
            self.skipTest(f"{', '.join(missing)} not installed")
        segment_phantom_and_export(self)
