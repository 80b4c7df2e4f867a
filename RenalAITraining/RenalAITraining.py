"""RenalAITraining: from manual segmentations to a published model. The module's entry for Slicer; the work is in
RenalAITrainingWidgets and, in processes of their own, in RenalAITrainingLib."""

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

from RenalAITrainingWidgets.logic import RenalAITrainingLogic

# Slicer's own link leads to Slicer's manual, which has no page of an extension's module.
DOCUMENTATION = "https://github.com/renalai/SlicerRenalAI/blob/main/Resources/Docs/training.md"

__all__ = ["RenalAITraining", "RenalAITrainingLogic", "RenalAITrainingTest", "RenalAITrainingWidget"]


class RenalAITraining(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("RenalAITraining")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["RenalAI"]  # whose engine and tables this module uses
        parent.contributors = ["RenalAI developers"]
        parent.helpText = (
            _(
                "Makes a model of your own: segmentations become a de-identified dataset, the dataset trains networks, "
                "and the networks become a model that RenalAI runs. Nothing leaves this computer. "
                "Research only, not for diagnosis."
            )
            + f'<p><a href="{DOCUMENTATION}">'
            + _("Documentation")
            + "</a></p>"
        )
        parent.acknowledgementText = _(
            "The cascade follows Zhao et al. 2023, the dataset the DeepHealth Dataset Format; readers are fused by "
            "STAPLE (Warfield et al. 2004)."
        )


class RenalAITrainingWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: binds the parameter node to the form and hands its changes to the tabs."""

    def __init__(self, parent=None):
        self.panel = self.logic = self._parameterNode = self._guiTag = None
        VTKObservationMixin.__init__(self)  # first: without a parent the base class calls setup(), which observes
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self):
        from RenalAITrainingWidgets.panel import Panel

        ScriptedLoadableModuleWidget.setup(self)
        form = slicer.util.loadUI(self.resourcePath("UI/RenalAITraining.ui"))
        self.layout.addWidget(form)
        form.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(form)
        self.logic = RenalAITrainingLogic()
        self.panel = Panel(self.ui, self.logic)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._on_scene_closes)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._on_scene_changed)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self._on_scene_changed)

    def enter(self):
        self._bind(self.logic.getParameterNode())

    def exit(self):
        self._bind(None)

    def cleanup(self):
        """Slicer quits or reloads the module: jobs end, trainings go on."""
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


class RenalAITrainingTest(ScriptedLoadableModuleTest):
    """The self-test: the phantom of this machine becomes a case of a dataset, which is checked."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def test_phantom_becomes_a_case(self):
        from RenalAITrainingWidgets import packages
        from RenalAITrainingWidgets.selftest import add_phantom_and_check

        missing = packages.missing(packages.DATASET)
        if missing and slicer.app.testingEnabled():  # Slicer's own tests must not install anything
            self.skipTest(f"{', '.join(missing)} not installed")
        add_phantom_and_check(self)
