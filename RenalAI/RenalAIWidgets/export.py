"""Section Export: the report and what else leaves Slicer, and the hand-over to the training module."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.worker.errors import CancelledError

from .handover import add_to_training, has_highdicom, why_no_dicom, why_no_training, write_dicom
from .jobqueue import Ticket
from .printing import can_print, print_to_pdf
from .texts import show_error, show_plain, show_problem


class Exporter(Protocol):
    """Writes files of a result (:class:`.logic.RenalAILogic`)."""

    def startReport(self, segmentation: Any, folder: Path, on_end: Callable[[Ticket], None]) -> Ticket:
        """Starts writing the result folder; the ticket's result is the path of each file by its name."""
        ...

    def startDicom(self, segmentation: Any, folder: Path, on_end: Callable[[Ticket], None]) -> Ticket:
        """Starts writing DICOM objects by the engine; the ticket's result is the path of each file by its name."""
        ...


@dataclass(frozen=True)
class _Wanted:
    """What was ticked when Export was pressed; the user may leave the module while files are written."""

    result: Any
    segmentation: bool
    dicom: bool
    pdf: bool


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
            ui.pdfCheckBox.toolTip = _("This Slicer cannot print web pages. Print the report from a browser.")
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
        parameters = self._parameters
        name = file_name(parameters.result.GetName())
        base = Path(parameters.exportFolder)
        pdf = parameters.exportPdf and self._ui.pdfCheckBox.enabled
        wanted = _Wanted(parameters.result, parameters.exportSegmentation, self._dicom_wanted(), pdf)
        if not parameters.exportReport:
            self._finish(wanted, base, name, {})
            return
        self._start(
            lambda on_end: self._exporter.startReport(wanted.result, base / name, on_end),
            _("Writing the report…"),
            _("The report could not be written.\n\n{problem}"),
            lambda files: self._finish(wanted, base, name, files),
        )

    def onTraining(self) -> None:
        with slicer.util.tryWithErrorDisplay(_("The case could not be handed over."), waitCursor=True):
            add_to_training(self._parameters.result)

    def _problem(self, result: Any) -> str | None:
        if result is None:
            return _("There is no result to export.")
        parameters = self._parameters
        if str(parameters.exportFolder) in ("", "."):
            return _("Choose a folder.")
        if not (parameters.exportReport or parameters.exportSegmentation or self._dicom_wanted()):
            return _("Tick what to export.")
        return None

    def _dicom_wanted(self) -> bool:
        return bool(self._parameters.exportDicom and self._ui.dicomCheckBox.enabled)

    def _start(
        self,
        begin: Callable[[Callable[[Ticket], None]], Ticket],
        doing: str,
        failed: str,
        then: Callable[[Any], None],
    ) -> None:
        """One job of the engine; ``then`` gets its result, ``failed`` says that there is none, with ``{problem}``."""
        try:
            self._ticket = begin(lambda ticket: self._on_end(ticket, failed, then))
        except InputError as problem:
            show_problem(self._ui.exportLine, str(problem))
            return
        self._ui.exportRunButton.enabled = False
        show_plain(self._ui.exportLine, doing)

    def _on_end(self, ticket: Ticket, failed: str, then: Callable[[Any], None]) -> None:
        self._ticket = None
        try:
            result = ticket.result()
        except CancelledError:
            show_plain(self._ui.exportLine, _("Cancelled."))
            return
        except Exception as problem:  # shown in the panel; a fault of ours brings its log along
            show_problem(self._ui.exportLine, str(problem))
            show_error(failed.format(problem=problem), problem)
            return
        finally:
            self.update(self._parameters)
        then(result)

    def _finish(self, wanted: _Wanted, base: Path, name: str, files: dict[str, Path]) -> None:
        """What is written from Slicer itself, after the report; then what the engine writes for the PACS."""
        written = [files["report.html"]] if files else []
        try:
            with slicer.util.tryWithErrorDisplay(_("The export is not complete."), waitCursor=True):
                base.mkdir(parents=True, exist_ok=True)
                if wanted.segmentation:
                    path = base / f"{name}.seg.nrrd"
                    if not slicer.util.saveNode(wanted.result, str(path)):
                        raise OSError(_("{path} could not be written.").format(path=path))
                    written.append(path)
                if wanted.dicom and not has_highdicom():
                    written.append(write_dicom(wanted.result, base / f"{name} DICOM"))
                if wanted.pdf and files:
                    print_to_pdf(files["report.html"], base / f"{name}.pdf")
                    written.append(base / f"{name}.pdf")
        finally:
            self._show_written(base, written)
        if wanted.dicom and has_highdicom():
            self._start(
                lambda on_end: self._exporter.startDicom(wanted.result, base / f"{name} DICOM", on_end),
                _("Writing the DICOM objects…"),
                _("The DICOM objects could not be written.\n\n{problem}"),
                lambda files: self._show_written(base, [*written, *files.values()]),
            )

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
    return f'<a href="{qt.QUrl.fromLocalFile(str(path)).toString()}">{words}</a>'
