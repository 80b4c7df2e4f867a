"""Section Export: the report and what else leaves Slicer, and the hand-over to the training module."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ctk
import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.worker.errors import CancelledError

from .handover import add_to_training, has_highdicom, why_no_dicom, why_no_training, write_dicom
from .jobqueue import Ticket
from .printing import can_print, write_pdf
from .texts import show_error, show_plain, show_problem


class Exporter(Protocol):
    """Writes files of a result (:class:`.logic.RenalAILogic`)."""

    def startReport(self, segmentation: Any, folder: Path, on_end: Callable[[Ticket], None]) -> Ticket:
        """Starts writing the result folder; the ticket's result is the path of each file by its name."""
        ...

    def startPage(self, segmentation: Any, on_end: Callable[[Ticket], None]) -> Ticket:
        """Starts making the report's pages for print; the ticket's result is what :mod:`.printing` prints."""
        ...

    def startDicom(self, segmentation: Any, folder: Path, on_end: Callable[[Ticket], None]) -> Ticket:
        """Starts writing DICOM objects by the engine; the ticket's result is the path of each file by its name."""
        ...


@dataclass(frozen=True)
class _Step:
    """One thing that is written: by Slicer itself, or by a job of the engine and then by Slicer.

    Attributes:
        doing: what is being done, for the panel.
        failed: what to say where it fails, with ``{problem}``.
        write: gets the job's result (None without a job); gives the paths to link to.
        begin: starts the job.
    """

    doing: str
    failed: str
    write: Callable[[Any], list[Path]]
    begin: Callable[[Callable[[Ticket], None]], Ticket] | None = None


class ExportSection:
    """Offers what is possible, says why the rest is not, and links to what was written."""

    def __init__(self, ui: Any, exporter: Exporter) -> None:
        self._ui = ui
        self._exporter = exporter
        self._parameters: Any = None
        self._ticket: Ticket | None = None
        ui.exportFolderEdit.filters = ctk.ctkPathLineEdit.Dirs
        ui.exportRunButton.connect("clicked()", self.onExport)
        ui.trainingButton.connect("clicked()", self.onTraining)
        if not can_print():
            ui.pdfCheckBox.enabled = False
            ui.pdfCheckBox.toolTip = _("This Slicer cannot write PDF. Print the report from a browser.")
        ui.exportButton.connect(
            "contentsCollapsed(bool)", lambda collapsed: ui.exportLine.setVisible(bool(ui.exportLine.text))
        )
        show_plain(ui.exportLine, "")

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node; None when there is none."""
        self._parameters = parameters
        result = None if parameters is None else parameters.result
        no_dicom = None if result is None else why_no_dicom(result)
        self._ui.dicomCheckBox.enabled = result is not None and no_dicom is None
        self._ui.dicomCheckBox.toolTip = no_dicom or _(
            "Segmentation, measurements and Grad-CAM as DICOM objects for the PACS."
        )
        problem = self._problem(result)
        self._ui.exportRunButton.enabled = problem is None and self._ticket is None
        self._ui.exportRunButton.toolTip = problem or _("Write what is ticked into the folder.")
        no_training = _("There is no result.") if result is None else why_no_training(result)
        self._ui.trainingButton.enabled = no_training is None
        self._ui.trainingButton.toolTip = no_training or _("Hand the CT and its segmentation to RenalAITraining.")

    def onExport(self) -> None:
        """Writes what is ticked, one after the other; the user may leave the module meanwhile."""
        parameters = self._parameters
        result, base = parameters.result, Path(parameters.exportFolder)
        name = file_name(result.GetName())
        steps = []
        if parameters.exportReport:
            steps.append(self._report(result, base / name))
        if self._pdf_wanted():
            steps.append(self._pdf(result, base / f"{name}.pdf"))
        if parameters.exportSegmentation:
            steps.append(self._segmentation(result, base / f"{name}.seg.nrrd"))
        if self._dicom_wanted():
            steps.append(self._dicom(result, base / f"{name} DICOM"))
        self._go_on(steps, [], base)

    def onTraining(self) -> None:
        with slicer.util.tryWithErrorDisplay(_("The case could not be handed over."), waitCursor=True):
            show_plain(self._ui.exportLine, add_to_training(self._parameters.result))

    def _problem(self, result: Any) -> str | None:
        if result is None:
            return _("There is no result to export.")
        parameters = self._parameters
        if str(parameters.exportFolder) in ("", "."):
            return _("Choose a folder.")
        wanted = (parameters.exportReport, self._pdf_wanted(), parameters.exportSegmentation, self._dicom_wanted())
        if not any(wanted):
            return _("Tick what to export.")
        return None

    def _dicom_wanted(self) -> bool:
        return bool(self._parameters.exportDicom and self._ui.dicomCheckBox.enabled)

    def _pdf_wanted(self) -> bool:
        return bool(self._parameters.exportPdf and can_print())

    def _report(self, result: Any, folder: Path) -> _Step:
        return _Step(
            _("Writing the report…"),
            _("The report could not be written.\n\n{problem}"),
            lambda files: [files["report.html"]],
            lambda on_end: self._exporter.startReport(result, folder, on_end),
        )

    def _pdf(self, result: Any, path: Path) -> _Step:
        def write(page: str) -> list[Path]:
            write_pdf(page, path, result.GetName())
            return [path]

        return _Step(
            _("Writing the PDF…"),
            _("The PDF could not be written.\n\n{problem}"),
            write,
            lambda on_end: self._exporter.startPage(result, on_end),
        )

    def _segmentation(self, result: Any, path: Path) -> _Step:
        def write(_nothing: None) -> list[Path]:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not slicer.util.saveNode(result, str(path)):
                raise OSError(_("{path} could not be written.").format(path=path))
            return [path]

        words = _("The segmentation could not be written.\n\n{problem}")
        return _Step(_("Writing the segmentation…"), words, write)

    def _dicom(self, result: Any, folder: Path) -> _Step:
        doing, failed = _("Writing the DICOM objects…"), _("The DICOM objects could not be written.\n\n{problem}")
        if not has_highdicom():
            return _Step(doing, failed, lambda _nothing: [write_dicom(result, folder)])
        return _Step(
            doing,
            failed,
            lambda files: list(files.values()),
            lambda on_end: self._exporter.startDicom(result, folder, on_end),
        )

    def _go_on(self, steps: list[_Step], written: list[Path], base: Path) -> None:
        """Takes the next step; the last one leaves links to what was written."""
        if not steps:
            self._ticket = None
            self.update(self._parameters)
            self._show_written(base, written)
            return
        step, *later = steps
        show_plain(self._ui.exportLine, step.doing)
        self._ui.exportRunButton.enabled = False

        def end(ticket: Ticket | None) -> None:
            try:
                with slicer.util.WaitCursor():
                    written.extend(step.write(None if ticket is None else ticket.result()))
            except Exception as problem:
                self._fail(step, problem)
            else:
                self._go_on(later, written, base)

        try:
            if step.begin is None:
                end(None)
            else:
                ticket = step.begin(end)
                self._ticket = ticket if ticket.running else self._ticket
        except InputError as problem:  # what the scene lacks, seen before a job was made of it: the line is enough
            self._stop(problem)

    def _fail(self, step: _Step, problem: Exception) -> None:
        """Says what went wrong; what was written before stays."""
        self._stop(problem)
        if not isinstance(problem, CancelledError):
            show_error(step.failed.format(problem=problem), problem)

    def _stop(self, problem: Exception) -> None:
        self._ticket = None
        self.update(self._parameters)
        if isinstance(problem, CancelledError):
            show_plain(self._ui.exportLine, _("Cancelled."))
        else:
            show_problem(self._ui.exportLine, str(problem))

    def _show_written(self, base: Path, written: list[Path]) -> None:
        links = [_link(path, path.name) for path in written] + [_link(base, _("open folder"))]
        self._ui.exportLine.text = _("Written: {links}").format(links=" · ".join(links))
        self._ui.exportLine.setVisible(True)


def file_name(text: str) -> str:
    """A name that every file system takes.

    Example:
        >>> file_name("CT 3: arterial/venous")
        'CT 3 arterial venous'
    """
    return " ".join(re.sub(r"[^\w.\- ]+", " ", text).split()).strip(". ")[:80] or "result"


def _link(path: Path, words: str) -> str:
    return f'<a href="{path.absolute().as_uri()}">{words}</a>'
