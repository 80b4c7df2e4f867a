"""The run: Segment, which becomes Cancel, the progress, and the queue of volumes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import qt
import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.worker.errors import CancelledError, WorkerError

from .dependencies import NotInstalledError
from .licences import NotApprovedError
from .menus import add_entry
from .protocols import SegmentationJob
from .texts import show_error, show_plain, show_problem, stage_in_words, time_left

Listener = Callable[[SegmentationJob], None]


class Segmenter(Protocol):
    """Starts a segmentation with what the parameter node says (:class:`.logic.RenalAILogic`)."""

    def startSegmentation(
        self, volume: Any, parameters: Any, on_progress: Listener, on_end: Listener
    ) -> SegmentationJob: ...


class RunSection:
    """Runs from the click to the result.

    Args:
        ui: the widgets.
        segmenter: does the work.
        problem: why a volume cannot be segmented, None where it can.
        on_result: called with the segmentation node of each finished run.
    """

    def __init__(
        self, ui: Any, segmenter: Segmenter, problem: Callable[[Any], str | None], on_result: Callable[[Any], None]
    ) -> None:
        self._ui = ui
        self._segmenter = segmenter
        self._problem = problem
        self._on_result = on_result
        self._parameters: Any = None
        self._runs: list[SegmentationJob] = []
        self._begun = 0.0
        self._study_problem: str | None = None
        self._menu = qt.QMenu(ui.queueButton)
        add_entry(self._menu, _("Queue every CT of the scene"), self.queueAll)
        ui.queueButton.setMenu(self._menu)
        ui.segmentButton.connect("clicked()", self.onClick)
        ui.queueButton.connect("clicked()", self.onQueue)
        ui.progressBar.setVisible(False)
        show_plain(ui.stageLine, "")
        show_plain(ui.queueLine, "")

    @property
    def running(self) -> bool:
        return bool(self._runs)

    def update(self, parameters: Any, study_problem: str | None) -> None:
        """Called at every change of the parameter node."""
        self._parameters = parameters
        self._study_problem = study_problem
        self._show_buttons()

    def onClick(self) -> None:
        """Segment, or cancel what is on its way."""
        if self._runs:
            self.cancel()
        else:
            self._start(self._parameters.inputVolume)

    def onQueue(self) -> None:
        """One more volume after those on their way."""
        self._start(self._parameters.inputVolume)

    def queueAll(self) -> None:
        """Every volume of the scene that can be segmented, but for other phases of the same study."""
        second = self._parameters.secondPhase
        for volume in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
            if volume is second or volume.IsA("vtkMRMLLabelMapVolumeNode") or self._problem(volume) is not None:
                continue
            if not self._start(volume):
                return  # declined: asked once is enough

    def cancel(self) -> None:
        """Ends the running segmentation and forgets those that wait."""
        for run in list(self._runs):
            run.cancel()

    def _start(self, volume: Any) -> bool:
        """Whether it was started; the user may decline what it needs."""
        try:
            run = self._segmenter.startSegmentation(volume, self._parameters, self._on_progress, self._on_end)
        except (NotInstalledError, NotApprovedError) as declined:
            show_problem(self._ui.stageLine, str(declined))
            return False
        if run.running:
            self._runs.append(run)
        self._show_state()
        return True

    def _on_progress(self, run: SegmentationJob) -> None:
        self._show_state()

    def _on_end(self, run: SegmentationJob) -> None:
        if run in self._runs:
            self._runs.remove(run)
        self._begun = 0.0
        self._show_state()
        try:
            segmentation, _table = run.result()
        except CancelledError:
            if not self._runs:
                show_plain(self._ui.stageLine, _("Cancelled."))
        except (InputError, WorkerError) as problem:
            self._tell(run, str(problem), problem)
        except Exception as problem:  # a fault of ours: still said in the panel, with what a report needs
            self._tell(run, _("An unexpected fault: {problem}").format(problem=problem), problem)
        else:
            self._on_result(segmentation)

    def _tell(self, run: SegmentationJob, words: str, problem: Exception) -> None:
        show_problem(self._ui.stageLine, words)
        text = _("{name} could not be segmented.\n\n{problem}").format(name=run.volumeName, problem=words)
        show_error(text, problem)

    def _show_state(self) -> None:
        self._show_buttons()
        self._ui.progressBar.setVisible(bool(self._runs))
        if not self._runs:
            show_plain(self._ui.stageLine, "")
            show_plain(self._ui.queueLine, "")
            return
        current = self._runs[0]
        if not self._begun:
            self._begun = time.monotonic()
        fraction = current.progress.fraction
        self._ui.progressBar.value = round(1000 * fraction)
        parts = [stage_in_words(current.progress.stage), time_left(fraction, time.monotonic() - self._begun)]
        show_plain(self._ui.stageLine, " · ".join(filter(None, parts)))
        waiting = ", ".join(run.volumeName for run in self._runs[1:])
        show_plain(self._ui.queueLine, _("Then: {names}").format(names=waiting) if waiting else "")

    def _show_buttons(self) -> None:
        button = self._ui.segmentButton
        if self._runs:
            button.text = _("Cancel")
            button.enabled = True
            button.toolTip = _("Stop at once; nothing is kept of a run that is not finished.")
        else:
            button.text = _("Segment")
            button.enabled = self._study_problem is None
            button.toolTip = self._study_problem or _("Find the kidneys and every mass in them.")
        names = [run.volumeName for run in self._runs]
        volume = None if self._parameters is None else self._parameters.inputVolume
        new = volume is not None and volume.GetName() not in names
        self._ui.queueButton.enabled = self._study_problem is None and new
