"""The panel: the sections, bound together to one parameter node."""

from __future__ import annotations

from typing import Any

import slicer

from RenalAIScene.results import ct_of, findings
from RenalAIScene.resultsegmentation import FINDINGS

from .check import CheckSection
from .compare import CompareSection
from .estimate import remember
from .explain import ExplainSection
from .export import ExportSection
from .findings import FindingsSection
from .model import ModelSection
from .run import RunSection
from .study import StudySection, problem


class Panel:
    """Every change of the parameter node goes to every section; each looks at what concerns it.

    Args:
        ui: the widgets of ``RenalAI.ui`` by name.
        logic: the module's logic, which every section uses through a protocol of its own.
        scene: findings and overlays in the scene, likewise (:mod:`RenalAIScene.results`).
    """

    def __init__(self, ui: Any, logic: Any, scene: Any) -> None:
        self._logic = logic
        self._parameters: Any = None
        self._updating = False
        ui.resultSelector.addAttribute("vtkMRMLSegmentationNode", FINDINGS)
        self.study = StudySection(ui)
        self.model = ModelSection(ui)
        self.run = RunSection(ui, logic, problem, self._on_result)
        self.explain = ExplainSection(ui, scene)
        self.findings = FindingsSection(ui, scene, self.explain.showMass)
        self.compare = CompareSection(ui, logic, scene)
        self.export = ExportSection(ui, logic)
        self.check = CheckSection(ui, logic)

    def bind(self, parameters: Any) -> None:
        """Shows a parameter node; None while the module is left or the scene closes."""
        self._parameters = parameters
        if parameters is None:
            self.findings.update(None)
            self.explain.update(None)
            self.compare.update(None)
            self.export.update(None)
            return
        self.study.preselect(parameters)
        self.update()

    def update(self) -> None:
        """Called at every change of the parameter node; a section that changes it in turn is heard once."""
        if self._updating or self._parameters is None:
            return
        self._updating = True
        try:
            self.study.update(self._parameters)
            self.model.update(self._parameters)
            self.run.update(self._parameters, self.study.problem)
            self.findings.update(self._parameters)
            self.explain.update(self._parameters)
            self.compare.update(self._parameters)
            self.export.update(self._parameters)
        finally:
            self._updating = False

    def close(self) -> None:
        """Ends what runs and stops observing."""
        self.run.cancel()
        self.bind(None)

    def _on_result(self, segmentation: Any) -> None:
        """Shows a new result, but never over another study that the user looks at meanwhile."""
        parameters = self._parameters or self._logic.getParameterNode()  # the module may have been left
        ct, found = ct_of(segmentation), findings(segmentation)
        if found is not None and "total" in found.timings_s:
            remember(parameters, found.timings_s["total"])
        if parameters.result is None or ct is parameters.inputVolume:
            parameters.result = segmentation
            if self._parameters is not None:
                slicer.util.setSliceViewerLayers(background=ct)
