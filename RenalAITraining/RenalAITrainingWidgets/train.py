"""Tab Train: a recipe in words, what it will need, and trainings that go on without Slicer and are found again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAITrainingLib.runs.estimate import free_bytes, known_hours, run_bytes, samples_bytes
from RenalAITrainingLib.runs.plan import RunPlan, State, Status
from RenalAIWidgets.dependencies import NotInstalledError
from RenalAIWidgets.menus import add_entry
from RenalAIWidgets.tables import prepare
from RenalAIWidgets.texts import show_error, show_plain, show_problem

from .curves import Curves
from .datasettab import offer, samples_folder
from .glance import Glance, glance
from .parameters import Network
from .protocols import Schedule, Training, Trainings
from .recipes import Described, describe, described_recipes
from .wording import duration_in_words, network_in_words, size_in_words, state_in_words

LOOK_MS = 1000
COLUMNS = 4
TAB = 2


class TrainTab:
    """Starts trainings, follows all of a training folder, and stops and resumes the chosen one.

    Args:
        ui: the widgets.
        trainings: starts and finds them.
        schedule: a single-shot timer, for looking again.
    """

    def __init__(self, ui: Any, trainings: Trainings, schedule: Schedule) -> None:
        self._ui = ui
        self._trainings = trainings
        self._schedule = schedule
        self._parameters: Any = None
        self._found: list[Training] = []
        self._looking = False
        self._recipe: Described | None = None
        self._recipe_problem: str | None = None
        self._read: str | None = None
        self.curves = Curves()
        self._menu = qt.QMenu(ui.recipeMenuButton)
        self._menu.connect("aboutToShow()", self._fill_menu)
        ui.recipeMenuButton.setMenu(self._menu)
        prepare(ui.runTable, (_("Training"), _("State"), _("Done"), _("Score")))
        ui.runTable.connect("itemSelectionChanged()", self._show_chosen)
        ui.startButton.connect("clicked()", self.onStart)
        ui.stopButton.connect("clicked()", self.onStop)
        ui.resumeButton.connect("clicked()", self.onResume)
        ui.curvesButton.connect("clicked()", self.onCurves)
        self._show_runs()

    @property
    def found(self) -> Sequence[Training]:
        """The trainings of the folder, the newest first."""
        return self._found

    @property
    def chosen(self) -> Training | None:
        """The one whose row is selected."""
        row = self._ui.runTable.currentRow()
        return self._found[row] if 0 <= row < len(self._found) else None

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node and after every job; None when there is none."""
        self._parameters = parameters
        if parameters is None:
            return
        if parameters.recipe != self._read:
            self._read_recipe(parameters.recipe)
        self._find()
        self._show_need(parameters)
        self._look_again()

    def problem(self, seen: Glance) -> str | None:
        """What is missing before a training can start."""
        parameters = self._parameters
        if str(parameters.trainingFolder) in ("", "."):
            return _("Choose the folder for trainings above.")
        if self._recipe is None:
            return self._recipe_problem
        there = (samples_folder(parameters) / self._recipe.stage / "samples.jsonl").is_file()
        if not seen.cases and not there:
            return _("The dataset has no case yet: add cases (tab Annotate) or import some (tab Dataset).")
        if seen.cases and not seen.parts:
            return _("The dataset is not split yet (tab Dataset).")
        if seen.cases and not seen.folds and not seen.parts.get("validation"):
            return _("No case validates: the dataset is too small for its split, or was split without validation.")
        if any(run.status().state.active for run in self._found):
            return _("A training is running. One at a time is fastest.")
        need, free = self._needed(seen), free_bytes(Path(parameters.trainingFolder))
        if need > free:
            text = _("The disk has {free} free, and about {need} are needed. Free some space or choose another folder.")
            return text.format(free=size_in_words(free), need=size_in_words(need))
        return None

    def onStart(self) -> None:
        parameters, recipe = self._parameters, self._recipe
        if recipe is None:
            return
        seen = glance(Path(parameters.datasetFolder))
        plan = RunPlan(
            parameters.recipe,
            recipe.title,
            recipe.stage,
            str(samples_folder(parameters) / recipe.stage),
            str(parameters.datasetFolder) if seen.cases else "",
            parameters.variants,
            parameters.trainSeed,
            60 * parameters.hours or None,
            None,
            parameters.device.value,
            1 if seen.folds else None,
        )
        self._do(lambda: self._trainings.startTraining(Path(parameters.trainingFolder), plan))

    def onResume(self) -> None:
        training = self.chosen
        if training is not None:
            self._do(lambda: self._trainings.resumeTraining(training))

    def onStop(self) -> None:
        """Ask it to stop; asked again while it does not, end it."""
        training = self.chosen
        if training is None:
            return
        if self._stopping(training):
            training.kill()
        else:
            training.stop()
        self._show_chosen()

    def onCurves(self) -> None:
        training = self.chosen
        if training is not None:
            self.curves.show(training.name, training.metrics())

    def choose(self, name: str) -> None:
        """Take the recipe of that name."""
        self._parameters.recipe = name

    def look(self) -> None:
        """See what became of the trainings."""
        self._find()
        if self._parameters is not None:
            self._show_need(self._parameters)

    def _do(self, start: Any) -> None:
        try:
            with slicer.util.WaitCursor():
                start()
        except (InputError, NotInstalledError) as problem:
            show_problem(self._ui.trainLine, str(problem))
            show_error(str(problem), problem)
            return
        self._ui.runTable.clearSelection()
        self.update(self._parameters)
        if self._found:
            self._ui.runTable.selectRow(0)

    def _look_again(self) -> None:
        """Every second while the panel is open; trainings may be started and ended by others."""
        if not self._looking:
            self._looking = True
            self._schedule(LOOK_MS, self._on_timer)

    def _on_timer(self) -> None:
        self._looking = False
        if self._parameters is not None:
            self.look()
            self._look_again()

    def _find(self) -> None:
        if self._parameters is None:
            return
        kept = {training.folder: training for training in self._found}
        found = self._trainings.trainings(Path(self._parameters.trainingFolder))
        # The object that started a process knows when it ended before it began.
        self._found = [kept.get(training.folder, training) for training in found]
        self._show_runs()

    def _show_runs(self) -> None:
        table, chosen = self._ui.runTable, self.chosen
        name = None if chosen is None else chosen.name
        rows = [self._row(training) for training in self._found]
        there = [[_text(table, row, column) for column in range(COLUMNS)] for row in range(table.rowCount)]
        if rows != there:
            _refill(table, rows)
        names = [training.name for training in self._found]
        if self._found and table.currentRow() < 0:
            table.selectRow(names.index(name) if name in names else 0)
        running = any(training.status().state.active for training in self._found)
        self._ui.tabs.setTabText(TAB, _("Train ●") if running else _("Train"))
        self._show_chosen()

    @staticmethod
    def _row(training: Training) -> list[str]:
        status = training.status()
        done = f"{100 * status.progress:.0f} %" if status.step else ""
        score = "" if status.best_score is None else f"{status.best_score:.3f}"
        return [training.name, state_in_words(status.state), done, score]

    def _show_chosen(self) -> None:
        training, ui = self.chosen, self._ui
        if training is None:
            show_plain(ui.runLine, _("No training yet."))
            for button in (ui.stopButton, ui.resumeButton, ui.curvesButton):
                button.enabled = False
            ui.trainProgressBar.setVisible(False)
            return
        status = training.status()
        active = status.state.active
        ui.trainProgressBar.setVisible(active)
        ui.trainProgressBar.value = round(1000 * status.progress)
        words = self._in_words(training, status)
        if status.state in (State.FAILED, State.INTERRUPTED):
            show_problem(ui.runLine, words)
        else:
            show_plain(ui.runLine, words)
        ui.runLine.toolTip = training.log()
        stopping = active and self._stopping(training)
        ui.stopButton.text = _("Stop now") if stopping else _("Stop")
        ui.stopButton.enabled = active
        ui.stopButton.toolTip = (
            _("End it at once. What it did in the last minute is lost.")
            if stopping
            else _("Save and end after this step; it can be resumed.")
        )
        offer(
            ui.resumeButton,
            None if not active and training.resumable else _("Only a training that was stopped can be resumed."),
            _("Go on from the last checkpoint, as if it had not been stopped."),
        )
        metrics = training.metrics() if self.curves.name == training.name else []
        self.curves.update(training.name, metrics)
        offer(ui.curvesButton, None if status.step else _("There is no step yet."), _("Loss and score as a live plot."))

    def _in_words(self, training: Training, status: Status) -> str:
        where = network_in_words(training.plan.stage)
        if status.state is State.TRAINING:
            step = _("step {step} of {total}").format(step=status.step, total=status.total_steps)
            if training.plan.minutes is not None:
                step = _("step {step}").format(step=status.step)
            left = status.remaining_s
            time = (
                _("measuring how long it will take on this computer")
                if left is None
                else _("about {time} left on this computer ({each:.2f} s a step)").format(
                    time=duration_in_words(left), each=status.seconds_per_step
                )
            )
            stopping = _("saving and stopping") if self._stopping(training) else ""
            parts = [where, step, stopping or time, _("it goes on when Slicer is closed")]
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

    def _show_need(self, parameters: Any) -> None:
        seen = glance(Path(parameters.datasetFolder))
        problem = self.problem(seen)
        offer(self._ui.startButton, problem, _("In a process of its own, which goes on when Slicer is closed."))
        if problem is None or any(run.status().state.active for run in self._found):
            show_plain(self._ui.trainLine, problem or _("Ready."))
        else:
            show_problem(self._ui.trainLine, problem, severe=False)
        if self._recipe is None:
            show_plain(self._ui.needLine, "")
            return
        hours = known_hours(self._found, parameters.recipe)
        if parameters.hours:
            time = _("{hours:.1f} h, as chosen").format(hours=parameters.hours)
        elif hours is not None:
            time = _("about {time}, as measured here before").format(time=duration_in_words(3600 * hours))
        else:
            time = _("told after the first ten steps, which measure this computer")
        need = size_in_words(self._needed(seen))
        free = size_in_words(free_bytes(Path(parameters.trainingFolder)))
        text = _("Time: {time}.\nDisk: about {need}, of {free} free.")
        show_plain(self._ui.needLine, text.format(time=time, need=need, free=free))

    def _needed(self, seen: Glance) -> int:
        if self._recipe is None:
            return 0
        samples = 0
        if self._recipe.stage in {network.value for network in Network}:
            samples = samples_bytes(self._recipe.stage, len(seen.cases), seen.masses, self._parameters.variants)
        return samples + run_bytes(self._recipe.recipe)

    def _read_recipe(self, name: str) -> None:
        self._read, self._recipe, self._recipe_problem = name, None, None
        try:
            self._recipe = describe(name)
        except (InputError, NotInstalledError) as problem:
            self._recipe_problem = str(problem)
            show_problem(self._ui.recipeLine, str(problem))
            return
        show_plain(self._ui.recipeLine, f"{self._recipe.title}.\n{self._recipe.details}")

    def _fill_menu(self) -> None:
        self._menu.clear()
        try:
            described = described_recipes()
        except NotInstalledError as problem:
            add_entry(self._menu, str(problem), lambda: None).enabled = False
            return
        stage = None
        for recipe in described:
            if recipe.stage != stage:
                stage = recipe.stage
                self._menu.addSection(network_in_words(stage))
            add_entry(self._menu, recipe.title, lambda *_checked, name=recipe.name: self.choose(name))

    @staticmethod
    def _stopping(training: Training) -> bool:
        return (training.folder / "stop").exists()


def _refill(table: Any, rows: Sequence[Sequence[str]]) -> None:
    from RenalAIWidgets.tables import fill

    row = table.currentRow()
    table.blockSignals(True)
    fill(table, rows)
    if 0 <= row < len(rows):
        table.selectRow(row)
    table.blockSignals(False)


def _text(table: Any, row: int, column: int) -> str:
    item = table.item(row, column)
    return "" if item is None else str(item.text())
