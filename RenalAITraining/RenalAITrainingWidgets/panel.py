"""The panel: five tabs over one parameter node, and the bar of the job that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ctk

from RenalAIWidgets.timer import Timer

from .annotate import AnnotateTab
from .datasettab import DatasetTab
from .evaluate import EvaluateTab
from .jobbar import JobBar
from .publish import PublishTab
from .train import TrainTab

TABS = ("annotate", "dataset", "train", "evaluate", "publish")


class Panel:
    """Every change goes to the tab that is shown; the others look when they are opened.

    Args:
        ui: the widgets of ``RenalAITraining.ui`` by name.
        logic: the module's logic, see :mod:`.protocols`.
        schedule: a single-shot timer.
    """

    def __init__(self, ui: Any, logic: Any, schedule: Any = None) -> None:
        self._ui = ui
        self._logic = logic
        self._parameters: Any = None
        self._updating = False
        for edit in (ui.datasetFolderEdit, ui.trainingFolderEdit):
            edit.filters = ctk.ctkPathLineEdit.Dirs
        self.jobs = JobBar(ui, logic, self.update)
        self.annotate = AnnotateTab(ui, self.jobs)
        self.dataset = DatasetTab(ui, self.jobs)
        self.train = TrainTab(ui, logic, schedule or Timer())
        self.evaluate = EvaluateTab(ui, self.jobs, self._trainings)
        self.publish = PublishTab(ui, self.jobs, self._trainings)
        ui.tabs.connect("currentChanged(int)", lambda index: self.update())

    def bind(self, parameters: Any) -> None:
        """Shows a parameter node; None while the module is left or the scene closes."""
        self._parameters = parameters
        if parameters is None:
            for name in TABS:
                getattr(self, name).update(None)
            return
        self.train.update(parameters)  # a training that runs is told of, whichever tab is shown
        self.update()

    def update(self) -> None:
        """Called at every change; a tab that changes the parameters in turn is heard once."""
        if self._updating or self._parameters is None:
            return
        self._updating = True
        try:
            self._logic.keepFolders(self._parameters)
            shown = TABS[self._ui.tabs.currentIndex]
            for name in TABS:
                if name == shown:
                    getattr(self, name).update(self._parameters)
        finally:
            self._updating = False

    def close(self) -> None:
        """Ends short jobs and stops looking; trainings go on."""
        self.jobs.cancel()
        self.bind(None)
        self.train.curves.remove()

    def _trainings(self) -> Any:
        return self._logic.trainings(Path(self._parameters.trainingFolder))
