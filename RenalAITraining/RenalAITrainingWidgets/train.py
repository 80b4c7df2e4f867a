"""Tab Train: a recipe in words, what it will need, and trainings that go on without Slicer and are found again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAITrainingLib.runs.estimate import free_bytes, known_hours, run_bytes, samples_bytes
from RenalAITrainingLib.runs.plan import RunPlan
from RenalAIWidgets.dependencies import NotInstalledError
from RenalAIWidgets.menus import add_entry
from RenalAIWidgets.texts import show_plain, show_problem

from .curves import Curves
from .datasettab import samples_folder
from .glance import Glance, glance
from .protocols import Schedule, Training, Trainings
from .recipes import Described, describe, described_recipes
from .runlist import RunList
from .showing import offer
from .wording import duration_in_words, network_in_words, size_in_words

LOOK_MS = 1000


class TrainTab:
    """Says what a recipe will need, starts it, and looks after the trainings of the folder every second.

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
        self._looking = False
        self._recipe: Described | None = None
        self._recipe_problem: str | None = None
        self._read: str | None = None
        self._runs = RunList(ui, trainings, self.look)
        self._menu = qt.QMenu(ui.recipeMenuButton)
        self._menu.connect("aboutToShow()", self._fill_menu)
        ui.recipeMenuButton.setMenu(self._menu)
        ui.startButton.connect("clicked()", self.onStart)

    @property
    def found(self) -> Sequence[Training]:
        """The trainings of the folder, the newest first."""
        return self._runs.found

    @property
    def curves(self) -> Curves:
        """The plot of the training it was asked for."""
        return self._runs.curves

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node and after every job; None when there is none."""
        self._parameters = parameters
        if parameters is None:
            return
        if parameters.recipe != self._read:
            self._read_recipe(parameters.recipe)
        self.look()
        self._look_again()

    def problem(self, seen: Glance) -> str | None:
        """What is missing before a training can start."""
        parameters = self._parameters
        if str(parameters.trainingFolder) in ("", "."):
            return _("Choose the folder for trainings above.")
        if self._recipe is None:
            return self._recipe_problem
        there = (self._samples(self._recipe) / "samples.jsonl").is_file()
        if not seen.cases and not there:
            return _("The dataset has no case yet: add cases (tab Annotate) or import some (tab Dataset).")
        if seen.cases and not seen.parts:
            return _("The dataset is not split yet (tab Dataset).")
        if seen.cases and not seen.folds and not seen.parts.get("validation"):
            return _("No case validates: the dataset is too small for its split, or was split without validation.")
        if self._runs.running:
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
            str(self._samples(recipe)),
            str(parameters.datasetFolder) if seen.cases else "",
            parameters.variants,
            parameters.trainSeed,
            60 * parameters.hours or None,
            None,
            parameters.device.value,
            1 if seen.folds else None,
        )
        folder = Path(parameters.trainingFolder)
        self._runs.do(lambda: self._trainings.startTraining(folder, plan), self._ui.trainLine)

    def choose(self, name: str) -> None:
        """Take the recipe of that name."""
        self._parameters.recipe = name

    def look(self) -> None:
        """See what became of the trainings, and whether another can start."""
        if self._parameters is not None:
            self._runs.look(Path(self._parameters.trainingFolder))
            self._show_need(self._parameters)

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

    def _show_need(self, parameters: Any) -> None:
        seen = glance(Path(parameters.datasetFolder))
        problem = self.problem(seen)
        offer(self._ui.startButton, problem, _("In a process of its own, which goes on when Slicer is closed."))
        if problem is None or self._runs.running:
            show_plain(self._ui.trainLine, problem or _("Ready."))
        else:
            show_problem(self._ui.trainLine, problem, severe=False)
        if self._recipe is None:
            show_plain(self._ui.needLine, "")
            return
        hours = known_hours(self._runs.found, parameters.recipe)
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
        samples = samples_bytes(self._recipe.stage, len(seen.cases), seen.masses, self._parameters.variants)
        return samples + run_bytes(self._recipe.recipe)

    def _samples(self, recipe: Described) -> Path:
        """The folder of its samples: one a network; of slices with a class, one for each way to tell the class."""
        labelled = f"-{recipe.recipe.vote.labelled}" if recipe.stage == "slice-classify" else ""
        return samples_folder(self._parameters) / (recipe.stage + labelled)

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
