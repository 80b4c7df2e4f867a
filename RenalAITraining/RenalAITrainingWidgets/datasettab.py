"""Tab Dataset: what is in it, what is wrong with it, who trains and who tests, and where more comes from."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import ctk
from slicer.i18n import tr as _

from RenalAITrainingLib.jobs.checking_dataset import CheckDatasetJob
from RenalAITrainingLib.jobs.fusing import FuseJob
from RenalAITrainingLib.jobs.importing import ImportJob
from RenalAITrainingLib.jobs.splitting import SplitJob
from RenalAITrainingLib.jobs.synthesising import SynthesiseJob
from RenalAIWidgets.tablewidgets import fill, prepare
from RenalAIWidgets.texts import PROBLEM_COLORS, dark, show_plain, show_problem

from .glance import Glance, glance
from .jobbar import JobBar
from .parameters import Scheme
from .showing import link, offer, show_rich

MOST_FINDINGS = 12


def samples_folder(parameters: Any) -> Path:
    """Where the cached samples of a training folder lie."""
    return Path(parameters.trainingFolder) / "samples"


class DatasetTab:
    """Every button says what it needs; results stay in the tab until the dataset changes."""

    def __init__(self, ui: Any, jobs: JobBar) -> None:
        self._ui = ui
        self._jobs = jobs
        self._parameters: Any = None
        self._folder: str | None = None
        for edit in (ui.importFolderEdit, ui.synthesisFolderEdit):
            edit.filters = ctk.ctkPathLineEdit.Dirs
        prepare(ui.caseTable, (_("Case"), _("Masses"), _("Readers")))
        ui.checkButton.connect("clicked()", self.onCheck)
        ui.splitButton.connect("clicked()", self.onSplit)
        ui.importButton.connect("clicked()", self.onImport)
        ui.fuseButton.connect("clicked()", self.onFuse)
        ui.synthesiseButton.connect("clicked()", self.onSynthesise)
        for line in (ui.findingsLine, ui.splitLine, ui.importLine, ui.fuseLine, ui.synthesisLine):
            show_plain(line, "")
        for group, line in (
            (ui.splitGroupButton, ui.splitLine),
            (ui.importGroupButton, ui.importLine),
            (ui.fuseGroupButton, ui.fuseLine),
            (ui.synthesiseGroupButton, ui.synthesisLine),
        ):  # unfolding shows every child, also a line that is empty
            group.connect("contentsCollapsed(bool)", lambda _, line=line: line.setVisible(bool(line.text)))

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node and after every job; None when there is none."""
        self._parameters = parameters
        if parameters is None:
            return
        folder = str(parameters.datasetFolder)
        if folder != self._folder:
            self._folder = folder
            for line in (self._ui.findingsLine, self._ui.importLine, self._ui.fuseLine, self._ui.synthesisLine):
                show_plain(line, "")
        seen = glance(Path(folder))
        self._show_cases(seen)
        self._show_buttons(seen, parameters)

    def onCheck(self) -> None:
        folder = Path(self._parameters.datasetFolder)
        self._jobs.run(
            _("Checking the dataset"), lambda: CheckDatasetJob(folder), self._on_checked, self._ui.findingsLine
        )

    def onSplit(self) -> None:
        parameters = self._parameters
        in_folds = parameters.scheme is Scheme.FOLDS
        job = SplitJob(
            Path(parameters.datasetFolder),
            "" if in_folds else parameters.scheme.value,
            int(parameters.scheme.value) if in_folds else 0,
            parameters.splitSeed,
            1 if in_folds else parameters.oversample,
        )
        self._jobs.run(_("Splitting the dataset"), lambda: job, lambda record: None, self._ui.splitLine)

    def onImport(self) -> None:
        parameters = self._parameters
        job = ImportJob(Path(parameters.importFolder), Path(parameters.datasetFolder), parameters.reader)
        self._jobs.run(_("Importing"), lambda: job, self._on_imported, self._ui.importLine)

    def onFuse(self) -> None:
        job = FuseJob(Path(self._parameters.datasetFolder), self._parameters.fusion.value)
        self._jobs.run(_("Fusing the readers' masks"), lambda: job, self._on_fused, self._ui.fuseLine)

    def onSynthesise(self) -> None:
        parameters = self._parameters
        stage = parameters.synthesisNetwork.value
        folder = samples_folder(parameters) / stage
        job = SynthesiseJob(Path(parameters.synthesisFolder), stage, parameters.synthesisCount, 1, folder)
        self._jobs.run(_("Synthesising samples"), lambda: job, self._on_synthesised, self._ui.synthesisLine)

    def _show_cases(self, seen: Glance) -> None:
        if not seen.there:
            words = _("There is no dataset here yet. The first case that is added or imported makes it.")
            show_problem(self._ui.datasetLine, words, severe=False)
        else:
            text = _("{cases} cases of {patients} patients, {masses} masses.")
            words = text.format(cases=len(seen.cases), patients=seen.patients, masses=seen.masses)
            show_plain(self._ui.datasetLine, words)
        rows = [
            (
                case.get("case", ""),
                (case.get("masses") or "").replace("; ", ", ") or _("none"),
                str(len((case.get("readers") or "").split())),
            )
            for case in seen.cases
        ]
        fill(self._ui.caseTable, rows)
        parts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in seen.parts.items())
        unsplit = len(seen.cases) - sum(seen.parts.values())
        if not seen.there:
            show_plain(self._ui.splitLine, "")
        elif not parts:
            show_problem(self._ui.splitLine, _("Not split yet: training needs to know who validates."), severe=False)
        elif unsplit > 0:
            words = _("{parts}; {unsplit} cases came later and are in no part. Split again.")
            show_problem(self._ui.splitLine, words.format(parts=parts, unsplit=unsplit), severe=False)
        else:
            show_plain(self._ui.splitLine, parts)

    def _show_buttons(self, seen: Glance, parameters: Any) -> None:
        empty = None if seen.cases else _("The dataset has no case yet.")
        folds = int(Scheme.FOLDS.value)
        too_few = empty
        if empty is None and parameters.scheme is Scheme.FOLDS and seen.patients < folds:
            too_few = _("{folds} folds need {folds} patients at least.").format(folds=folds)
        self._ui.oversampleBox.enabled = parameters.scheme is not Scheme.FOLDS
        no_source = _folder_missing(parameters.importFolder, _("Choose the folder of another dataset."))
        no_dataset = _("Choose the folder of the dataset above.") if self._folder in ("", ".") else None
        no_readers = None if seen.several_readers else _("No case has the masks of two readers.")
        no_scans = _folder_missing(
            parameters.synthesisFolder, _("Choose a folder with ct (scans and labels) and kits23_masks (shapes).")
        )
        for button, problem, tip in (
            (self._ui.checkButton, empty, _("Look for what would spoil training, and draw every case.")),
            (self._ui.splitButton, too_few, _("Share out the patients, alike in classes and sizes.")),
            (self._ui.importButton, no_dataset or no_source, _("Bring the cases in, under pseudonyms.")),
            (self._ui.fuseButton, no_readers, _("One mask of several readers', which becomes the truth.")),
            (self._ui.synthesiseButton, no_scans, _("Make samples from real scans, real shapes and phantoms.")),
        ):
            offer(button, problem or self._jobs.busy, tip)

    def _on_checked(self, answer: dict[str, Any]) -> None:
        line = self._ui.findingsLine
        errors = sum(finding["severity"] == "error" for finding in answer["findings"])
        warnings = len(answer["findings"]) - errors
        text = _("{cases} cases checked. Errors: {errors}. Warnings: {warnings}.")
        words = text.format(cases=answer["cases"], errors=errors, warnings=warnings)
        lines = [html.escape(words) if not answer["findings"] else f"<b>{html.escape(words)}</b>"]
        for finding in answer["findings"][:MOST_FINDINGS]:
            color = PROBLEM_COLORS[finding["severity"] == "error", dark(line)]
            lines.append(f'<span style="color:{color}">{html.escape(finding["text"])}</span>')
        if len(answer["findings"]) > MOST_FINDINGS:
            lines.append(_("and {count} more").format(count=len(answer["findings"]) - MOST_FINDINGS))
        links = [link(line, Path(sheet), _("pictures {n}").format(n=n)) for n, sheet in enumerate(answer["sheets"], 1)]
        lines.append(" · ".join(links))
        show_rich(line, "<br>".join(lines))

    def _on_imported(self, answer: dict[str, Any]) -> None:
        text = _("{layout}: {added} cases added, {there} were there before, {refused} left out.")
        words = text.format(**{**answer, "refused": len(answer["refused"])})
        if answer["refused"]:
            name, reason = answer["refused"][0]
            words += " " + _("The first, {name}: {reason}").format(name=name, reason=reason)
            show_problem(self._ui.importLine, words, severe=False)
        else:
            show_plain(self._ui.importLine, words)

    def _on_fused(self, answer: dict[str, Any]) -> None:
        show_plain(self._ui.fuseLine, _("{count} cases fused.").format(count=len(answer["fused"])))

    def _on_synthesised(self, answer: dict[str, Any]) -> None:
        show_plain(self._ui.synthesisLine, _("{written} samples made; there are {samples} now.").format(**answer))


def _folder_missing(path: Any, words: str) -> str | None:
    if str(path) in ("", "."):
        return words
    return None if Path(path).exists() else _("{path} does not exist.").format(path=path)
