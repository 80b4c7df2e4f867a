"""Tab Evaluate: what was trained here, or any model, measured on the dataset; the page of tables and figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from RenalAITrainingLib.jobs.evaluating import EvaluateJob
from RenalAITrainingLib.jobs.publishing_networks import BundleTexts, PublishJob
from RenalAIWidgets.tablewidgets import fill, prepare
from RenalAIWidgets.texts import show_plain, show_problem

from .glance import Glance, glance
from .jobbar import JobBar
from .networks import chosen_networks, in_words, missing_networks, weights
from .parameters import Evaluated, ModelKind, Part
from .protocols import Training
from .showing import offer

CANDIDATE = "candidate"
"""The model of the networks trained here, before it has a name."""


def evaluation_folder(parameters: Any, what: str) -> Path:
    """Where the report of a model lies."""
    return Path(parameters.trainingFolder) / "evaluations" / what


def evaluation_of_candidate(parameters: Any) -> Path | None:
    """The last evaluation of the networks trained here, None where there is none."""
    path = evaluation_folder(parameters, CANDIDATE) / "evaluation.json"
    return path if path.is_file() else None


def open_in_browser(path: Path) -> None:
    """Show a page with the system's browser."""
    qt.QDesktopServices.openUrl(qt.QUrl(path.absolute().as_uri()))


class EvaluateTab:
    """One click: the networks become a candidate model, the candidate is measured, the page opens.

    Args:
        ui: the widgets.
        jobs: does the work.
        trainings: those that are there, the newest first.
        open_page: shows a page.
    """

    def __init__(
        self,
        ui: Any,
        jobs: JobBar,
        trainings: Callable[[], Sequence[Training]],
        open_page: Callable[[Path], None] = open_in_browser,
    ) -> None:
        self._ui = ui
        self._jobs = jobs
        self._trainings = trainings
        self._open_page = open_page
        self._parameters: Any = None
        self._page: Path | None = None
        prepare(ui.resultTable, (_("Measured"), _("n"), _("Value"), _("95 %")))
        ui.evaluateButton.connect("clicked()", self.onEvaluate)
        ui.pageButton.connect("clicked()", self.onPage)
        show_plain(ui.evaluatedLine, "")
        fill(ui.resultTable, [])

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node and after every job; None when there is none."""
        self._parameters = parameters
        if parameters is None:
            return
        model = parameters.evaluated is Evaluated.MODEL
        self._ui.modelEdit.enabled = model
        chosen = chosen_networks(self._trainings(), parameters.modelKind)
        show_plain(self._ui.networksLine, "" if model else _as_what(parameters.modelKind, in_words(chosen)))
        problem = self.problem(glance(Path(parameters.datasetFolder)))
        offer(
            self._ui.evaluateButton, self._jobs.busy or problem, _("Measure, draw tables and figures, open the page.")
        )
        if problem is not None:
            show_problem(self._ui.evaluateLine, problem, severe=False)
        else:
            show_plain(self._ui.evaluateLine, _("Ready."))
        page = evaluation_folder(parameters, self._what()) / "evaluation.html"
        if page != self._page:
            self._page = page
            self._show_kept(page.with_name("evaluation.json"))
        offer(
            self._ui.pageButton,
            None if page.is_file() else _("These networks were not evaluated yet."),
            _("Tables, figures and pictures of every case."),
        )

    def problem(self, seen: Glance) -> str | None:
        """What is missing before anything can be measured."""
        parameters = self._parameters
        if not seen.cases:
            return _("The dataset has no case yet (tabs Annotate and Dataset).")
        if parameters.part is not Part.ALL and not seen.parts.get(parameters.part.value):
            if seen.folds:
                return _("A dataset in folds has no such part; measure on all cases.")
            return _("The split has no such part (tab Dataset).")
        if parameters.evaluated is Evaluated.TRAINED:
            kind = parameters.modelKind
            return missing_networks(chosen_networks(self._trainings(), kind), kind, parameters.finder)
        return None

    def onEvaluate(self) -> None:
        parameters = self._parameters
        if parameters.evaluated is Evaluated.MODEL:
            self._evaluate(parameters.evaluationModel)
            return
        job = PublishJob(
            BundleTexts(
                CANDIDATE, "0", _("Networks of this training folder"), "not for sharing", "-", "evaluation only", "-"
            ),
            weights(chosen_networks(self._trainings(), parameters.modelKind)),
            Path(parameters.trainingFolder) / "samples",
            Path(parameters.trainingFolder) / CANDIDATE,
            replace=True,
            pipeline=parameters.modelKind.value,
            finder=parameters.finder,
        )
        self._jobs.run(
            _("Exporting the networks"),
            lambda: job,
            lambda answer: self._evaluate(answer["folder"]),
            self._ui.evaluatedLine,
        )

    def onPage(self) -> None:
        if self._page is not None:
            self._open_page(self._page)

    def _evaluate(self, bundle: str) -> None:
        parameters = self._parameters
        if parameters is None:
            return  # the module was left: nobody waits for a page
        folder = evaluation_folder(parameters, self._what())
        job = EvaluateJob(
            Path(parameters.datasetFolder), parameters.part.value, bundle, folder, parameters.evaluationFast
        )
        self._jobs.run(
            _("Measuring"), lambda: job, lambda answer: self._on_measured(folder, answer), self._ui.evaluatedLine
        )

    def _on_measured(self, folder: Path, answer: dict[str, Any]) -> None:
        self._page = folder / "evaluation.html"
        self._show(answer)
        self._open_page(self._page)

    def _what(self) -> str:
        if self._parameters.evaluated is Evaluated.TRAINED:
            return CANDIDATE
        return Path(self._parameters.evaluationModel).name or "shipped"

    def _show_kept(self, path: Path) -> None:
        """The numbers of an evaluation that was made before."""
        try:
            self._show(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            fill(self._ui.resultTable, [])
            show_plain(self._ui.evaluatedLine, "")

    def _show(self, evaluation: dict[str, Any]) -> None:
        boxes_or_votes = {"name": evaluation.get("system"), "failures": [], "tables": evaluation.get("tables", {})}
        system = evaluation["systems"][0] if "systems" in evaluation else boxes_or_votes
        failures = len(system["failures"])
        part = evaluation["split"] or _("all cases")
        words = _("{name} on {part}").format(name=system["name"], part=part)
        notes = [words, *evaluation["notes"]]
        if failures:
            notes.append(_("{count} cases could not be evaluated; the page says why.").format(count=failures))
        show_plain(self._ui.evaluatedLine, "\n".join(notes))
        fill(self._ui.resultTable, list(_numbers(system["tables"])))


def _numbers(tables: dict[str, Any]) -> Any:
    """The few that a radiologist asks first."""
    for row in tables.get("overlap", {}).get("rows", ()):
        words = _("Dice, {structure}, {side}").format(structure=row["structure"], side=row["side"])
        yield _row(words, row["n"], row["Dice"])
    for row in tables.get("detection", {}).get("rows", ()):
        for name in ("precision", "recall", "F1"):
            if isinstance(row.get(name), dict):
                size = row.get("average diameter", "")
                yield _row(f"{name}, {size}".strip(", "), row[name]["count"], row[name])
    for row in tables.get("classes", {}).get("rows", ()):
        if isinstance(row.get("accuracy"), dict):
            words = _("Class right, {cls}").format(cls=row["class"])
            yield _row(words, row["n"], row["accuracy"])
    for row in tables.get("measures", {}).get("rows", ()):
        for name in ("AUC", "accuracy", "sensitivity", "specificity"):
            if isinstance(row.get(name), dict):
                yield _row(f"{name}, {row['what']}", row["count"], row[name])
    for row in tables.get("candidates", {}).get("rows", ()):
        for name, count in (("Sensitivity", row["Masses"]), ("False per scan", row["Scans"])):
            yield _row(name, count, {"value": row[name], "low": None})


def _as_what(kind: ModelKind, networks: str) -> str:
    """The networks, and what they are measured as where that is no cascade."""
    if kind is ModelKind.CASCADE:
        return networks
    return "\n".join(filter(None, (_("Measured as (tab Publish): {kind}").format(kind=kind.label()), networks)))


def _row(words: str, count: Any, value: dict[str, Any]) -> tuple[str, str, str, str]:
    if value["value"] is None:
        return words, str(count), "-", ""
    between = "" if value["low"] is None else f"{value['low']:.2f} - {value['high']:.2f}"
    return words, str(count), f"{value['value']:.3f}", between
