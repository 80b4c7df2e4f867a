"""The bar under the tabs: the short job that runs now, its progress, and Cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.worker.errors import CancelledError
from RenalAILib.worker.job import Job
from RenalAIWidgets.dependencies import NotInstalledError
from RenalAIWidgets.jobqueue import Ticket
from RenalAIWidgets.licences import NotApprovedError
from RenalAIWidgets.texts import show_error, show_plain, show_problem, time_left

from .protocols import Jobs


class JobBar:
    """One job at a time. Tabs ask :attr:`busy` before they offer another.

    Args:
        ui: the widgets.
        jobs: does them.
        on_change: called when a job begins and when it is over, after the tab that asked for it has its answer.
    """

    def __init__(self, ui: Any, jobs: Jobs, on_change: Callable[[], None]) -> None:
        self._ui = ui
        self._jobs = jobs
        self._on_change = on_change
        self._ticket: Ticket | None = None
        self._doing = ""
        self._begun = 0.0
        ui.cancelButton.connect("clicked()", self.cancel)
        self._show()

    @property
    def busy(self) -> str | None:
        """What is being done, in words; None while nothing is."""
        return self._doing if self._ticket is not None else None

    def run(self, doing: str, make: Callable[[], Job[Any]], then: Callable[[Any], None], told: Any = None) -> None:
        """Do a job; an error is shown, and ``then`` not called.

        Args:
            doing: in words, such as "Checking the dataset".
            make: makes the job; what it raises is shown as well.
            then: gets the answer.
            told: the label of the tab that repeats an error's sentence.
        """
        try:
            with slicer.util.WaitCursor():
                job = make()
            self._doing, self._begun = doing, time.monotonic()
            show_plain(self._ui.jobLine, doing + "…")
            ticket = self._jobs.submit(job, self._on_progress, lambda ticket: self._on_end(ticket, then, told))
        except (InputError, NotInstalledError, NotApprovedError) as problem:
            show_plain(self._ui.jobLine, "")
            show_problem(told or self._ui.jobLine, str(problem))
            return
        self._ticket = ticket if ticket.running else None
        self._show()
        self._on_change()

    def cancel(self) -> None:
        """End the job; what it finished of its work stays."""
        if self._ticket is not None:
            self._ticket.cancel()

    def _on_progress(self, ticket: Ticket) -> None:
        progress = ticket.progress
        self._ui.jobProgressBar.value = round(1000 * progress.fraction)
        left = time_left(progress.fraction, time.monotonic() - self._begun)
        show_plain(self._ui.jobLine, " · ".join(filter(None, (self._doing, progress.message, left))))

    def _on_end(self, ticket: Ticket, then: Callable[[Any], None], told: Any) -> None:
        self._ticket = None
        show_plain(self._ui.jobLine, "")
        self._show()
        try:
            answer = ticket.result()
        except CancelledError:
            show_plain(self._ui.jobLine, _("Cancelled."))
        except Exception as problem:  # shown; a fault of ours brings its log along
            show_problem(told or self._ui.jobLine, str(problem))
            show_error(f"{self._doing}: {problem}", problem)
        else:
            then(answer)
        self._on_change()

    def _show(self) -> None:
        running = self._ticket is not None
        self._ui.jobProgressBar.setVisible(running)
        self._ui.cancelButton.setVisible(running)
        if not running:
            self._ui.jobProgressBar.value = 0
