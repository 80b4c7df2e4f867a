"""The trainings of a folder: the table, where the chosen one stands, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAITrainingLib.runs.plan import STOP, State, Status
from RenalAIWidgets.dependencies import NotInstalledError
from RenalAIWidgets.tablewidgets import fill, prepare
from RenalAIWidgets.texts import show_error, show_plain, show_problem

from .curves import Curves
from .protocols import Training, Trainings
from .showing import offer
from .wording import duration_in_words, network_in_words, state_in_words

COLUMNS = 4
TAB = 2


class RunList:
    """Shows what the folder says each time it is asked to look.

    Args:
        ui: the widgets.
        trainings: starts and finds them.
        on_change: called after a training was started, stopped or resumed.

    Attributes:
        found: the trainings, the newest first.
        curves: of the one they were asked for.
    """

    def __init__(self, ui: Any, trainings: Trainings, on_change: Callable[[], None]) -> None:
        self._ui = ui
        self._trainings = trainings
        self._on_change = on_change
        self.found: list[Training] = []
        self.curves = Curves()
        prepare(ui.runTable, (_("Training"), _("State"), _("Done"), _("Score")))
        ui.runTable.connect("itemSelectionChanged()", self._show_chosen)
        ui.stopButton.connect("clicked()", self.onStop)
        ui.resumeButton.connect("clicked()", self.onResume)
        ui.curvesButton.connect("clicked()", self.onCurves)
        self._show_chosen()

    @property
    def chosen(self) -> Training | None:
        """The one whose row is selected."""
        row = self._ui.runTable.currentRow()
        return self.found[row] if 0 <= row < len(self.found) else None

    @property
    def running(self) -> bool:
        """Whether a process is at work on one of them."""
        return any(training.status().state.active for training in self.found)

    def look(self, folder: Path) -> None:
        """See what became of the trainings in ``folder``."""
        chosen = self.chosen
        kept = {training.folder: training for training in self.found}
        # An object that started a process knows when that ended before it began: it is kept.
        self.found = [kept.get(training.folder, training) for training in self._trainings.trainings(folder)]
        rows = [_row(training) for training in self.found]
        names = [training.name for training in self.found]
        wanted = names.index(chosen.name) if chosen is not None and chosen.name in names else 0
        if rows != _shown(self._ui.runTable) or self._ui.runTable.currentRow() != wanted:
            self._show_rows(rows, wanted)
        self._ui.tabs.setTabText(TAB, _("Train ●") if self.running else _("Train"))
        self._show_chosen()

    def do(self, start: Callable[[], Training | None], line: Any) -> None:
        """Start or resume a training; what goes wrong is told in ``line``. A new one is chosen."""
        try:
            with slicer.util.WaitCursor():
                started = start()
        except (InputError, NotInstalledError) as problem:
            self._on_change()
            show_problem(line, str(problem))
            show_error(str(problem), problem)
            return
        if started is not None:
            self.found = [started, *self.found]
            self._show_rows([_row(training) for training in self.found], 0)
        self._on_change()

    def onResume(self) -> None:
        training = self.chosen
        if training is not None:
            self.do(lambda: self._trainings.resumeTraining(training), self._ui.runLine)

    def onStop(self) -> None:
        """Ask it to stop; asked again while it does not, end it."""
        training = self.chosen
        if training is None:
            return
        if _stopping(training):
            training.kill()
        else:
            training.stop()
        self._on_change()

    def onCurves(self) -> None:
        training = self.chosen
        if training is not None:
            self.curves.show(training.name, training.metrics())

    def _show_rows(self, rows: Sequence[Sequence[str]], chosen: int) -> None:
        table = self._ui.runTable
        table.blockSignals(True)
        fill(table, rows)
        if rows:
            table.selectRow(chosen)
        table.blockSignals(False)

    def _show_chosen(self) -> None:
        training, ui = self.chosen, self._ui
        if training is None:
            show_plain(ui.runLine, _("No training yet."))
            for button in (ui.stopButton, ui.resumeButton, ui.curvesButton):
                button.enabled = False
            ui.trainProgressBar.setVisible(False)
            return
        status = training.status()
        active, stopping = status.state.active, _stopping(training)
        ui.trainProgressBar.setVisible(active)
        ui.trainProgressBar.value = round(1000 * status.progress)
        show = show_problem if status.state in (State.FAILED, State.INTERRUPTED) else show_plain
        show(ui.runLine, _in_words(training, status))
        ui.runLine.toolTip = training.log()
        ui.stopButton.text = _("Stop now") if active and stopping else _("Stop")
        offer(
            ui.stopButton,
            None if active else _("It is not running."),
            _("End it at once. What it did in the last minute is lost.")
            if stopping
            else _("Save and end after this step; it can be resumed."),
        )
        offer(
            ui.resumeButton,
            None if training.resumable else _("Only a training that was stopped can be resumed."),
            _("Go on from the last checkpoint, as if it had not been stopped."),
        )
        offer(ui.curvesButton, None if status.step else _("There is no step yet."), _("Loss and score as a live plot."))
        if self.curves.name == training.name:
            self.curves.update(training.name, training.metrics())


def _row(training: Training) -> list[str]:
    status = training.status()
    done = f"{100 * status.progress:.0f} %" if status.step else ""
    score = "" if status.best_score is None else f"{status.best_score:.3f}"
    return [training.name, state_in_words(status.state), done, score]


def _shown(table: Any) -> list[list[str]]:
    items = [[table.item(row, column) for column in range(COLUMNS)] for row in range(table.rowCount)]
    return [["" if item is None else str(item.text()) for item in row] for row in items]


def _stopping(training: Training) -> bool:
    return (training.folder / STOP).exists()


def _in_words(training: Training, status: Status) -> str:
    where = network_in_words(training.plan.stage)
    if status.state is State.TRAINING:
        parts = [where, *_progress(training, status), _("it goes on when Slicer is closed")]
    elif status.state is State.FINISHED:
        parts = [where, _("finished after {time}").format(time=duration_in_words(status.elapsed_s))]
        if status.best_score is not None:
            best = _("best score {score:.3f} at step {step}")
            parts.append(best.format(score=status.best_score, step=status.best_step))
    elif status.state is State.INTERRUPTED:
        parts = [_("Its process ended without a word (computer off, or killed). Resume goes on"), status.message]
    else:
        parts = [where if not status.message else "", status.message or state_in_words(status.state)]
    return " · ".join(part for part in parts if part)


def _progress(training: Training, status: Status) -> tuple[str, str]:
    """How far it is, and how long the rest will take on this computer."""
    text = _("step {step} of {total}") if training.plan.minutes is None else _("step {step}")
    step = text.format(step=status.step, total=status.total_steps)
    if _stopping(training):
        return step, _("saving and stopping")
    if status.remaining_s is None:
        return step, _("measuring how long it will take on this computer")
    left = _("about {time} left on this computer ({each:.2f} s a step)")
    return step, left.format(time=duration_in_words(status.remaining_s), each=status.seconds_per_step)
