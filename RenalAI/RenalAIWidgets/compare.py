"""Section Compare: prediction against a manual segmentation, seen and measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import qt
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.worker.errors import CancelledError
from RenalAIScene.matching import CHOICES, Match
from RenalAIScene.overlays import Style

from .agreement import domains, keep, kept, rows, summary
from .jobqueue import Ticket
from .tablewidgets import CONTROL_HEIGHT, fill, fit, prepare
from .texts import label_in_words, show_error, show_plain, show_problem

Matches = Mapping[str, Match]


class CompareScene(Protocol):
    """Manual segmentations in the scene (:mod:`RenalAIScene`)."""

    def segments(self, manual: Any) -> Sequence[tuple[str, str]]:
        """ID and name of every segment."""
        ...

    def matches(self, manual: Any) -> Matches:
        """The label of each segment: as it was set before, else guessed; None for one that is left out."""
        ...

    def set_match(self, manual: Any, segment_id: str, match: Match) -> None:
        """Keeps what the user says a segment is."""
        ...

    def show(self, style: Style, segmentation: Any, manual: Any, opacity: float) -> None:
        """Shows the two together; without a manual segmentation the prediction alone."""
        ...

    def go_to_point(self, ras: tuple[float, float, float]) -> None:
        """Centers every view."""
        ...


class Comparer(Protocol):
    """Measures in the engine (:class:`.logic.RenalAILogic`)."""

    def startComparison(
        self, segmentation: Any, manual: Any, matches: Matches, on_end: Callable[[Ticket], None]
    ) -> Ticket: ...


class CompareSection:
    """Matches, overlays, measurement."""

    def __init__(self, ui: Any, comparer: Comparer, scene: CompareScene) -> None:
        self._ui = ui
        self._comparer = comparer
        self._scene = scene
        self._parameters: Any = None
        self._manual: Any = None
        self._shown: tuple[Any, ...] = ()
        self._overlay: tuple[Any, ...] = ()
        self._places: list[tuple[float, float, float]] = []
        self._ticket: Ticket | None = None
        self._problem: str | None = None
        prepare(ui.matchTable, (_("Manual segment"), _("is")), CONTROL_HEIGHT)
        prepare(ui.agreementTable, (_("Structure"), _("Dice"), _("Surface"), _("HD95"), _("HD"), _("Δ ml")))
        prepare(ui.domainTable, (_("Only in one of the two"), _("Ø mm")))
        ui.compareRunButton.connect("clicked()", self.onCompare)
        ui.compareButton.connect("contentsCollapsed(bool)", lambda collapsed: self.update(self._parameters))
        ui.domainTable.connect("cellClicked(int,int)", self._on_domain)
        ui.show3DButton.connect("toggled(bool)", self._on_3d)
        self.update(None)

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node; None when there is none."""
        self._parameters = parameters
        result = None if parameters is None else parameters.result
        manual = None if parameters is None else parameters.manualSegmentation
        if manual is result:
            manual = None
        shown = (result and result.GetID(), manual and manual.GetID())
        if shown != self._shown:
            self._shown = shown
            self._manual = manual
            self._show_matches()
            self._show_agreement(None if result is None else kept(result))
        if parameters is not None and result is not None:
            overlay = (*shown, parameters.overlay, parameters.overlayOpacity)
            if overlay != self._overlay:
                self._overlay = overlay
                self._show_overlay(parameters, result, manual)
        self._show_state(result)

    def onCompare(self) -> None:
        parameters = self._parameters
        result = parameters.result
        try:
            self._ticket = self._comparer.startComparison(
                result, self._manual, self._scene.matches(self._manual), lambda ticket: self._on_end(ticket, result)
            )
        except InputError as problem:
            show_problem(self._ui.compareLine, str(problem))
            return
        self._show_state(result)

    def _show_overlay(self, parameters: Any, result: Any, manual: Any) -> None:
        style = Style(parameters.overlay.value) if manual is not None else Style.PREDICTION
        try:
            self._scene.show(style, result, manual, parameters.overlayOpacity)
        except InputError as problem:
            self._problem = str(problem)
        else:
            self._problem = None

    def _show_state(self, result: Any) -> None:
        ready = result is not None and self._manual is not None
        self._ui.compareRunButton.enabled = ready and self._ticket is None
        self._ui.compareRunButton.text = _("Measuring…") if self._ticket is not None else _("Measure the agreement")
        self._ui.overlaySelector.enabled = ready
        for table in (self._ui.matchTable, self._ui.agreementTable, self._ui.domainTable):
            fit(table)
        if result is None:
            words = _("There is no result to compare.")
        elif self._manual is None:
            words = _("Choose a manual segmentation under Study.")
        else:
            names = {"prediction": result.GetName(), "manual": self._manual.GetName()}
            words = _("{prediction} against {manual}").format(**names)
        if self._problem is not None:
            show_problem(self._ui.compareLine, self._problem)
        else:
            show_plain(self._ui.compareLine, words)

    def _show_matches(self) -> None:
        table = self._ui.matchTable
        table.setRowCount(0)
        if self._manual is None:
            fit(table)
            return
        segments, matches = self._scene.segments(self._manual), self._scene.matches(self._manual)
        table.setRowCount(len(segments))
        for row, (segment_id, name) in enumerate(segments):
            table.setItem(row, 0, qt.QTableWidgetItem(name))
            selector = qt.QComboBox()
            for label in CHOICES:
                selector.addItem(label_in_words(label))
            selector.setCurrentIndex(CHOICES.index(matches.get(segment_id)))
            selector.connect("activated(int)", lambda index, segment_id=segment_id: self._on_match(segment_id, index))
            table.setCellWidget(row, 1, selector)
        fit(table)

    def _show_agreement(self, agreement: Any) -> None:
        fill(self._ui.agreementTable, [] if agreement is None else rows(agreement))
        show_plain(self._ui.detectionLine, "" if agreement is None else summary(agreement))
        found = [] if agreement is None else domains(agreement)
        self._places = [place for _name, _size, place in found]
        fill(self._ui.domainTable, [(name, size) for name, size, _place in found])

    def _on_domain(self, row: int, column: int) -> None:
        self._scene.go_to_point(self._places[row])

    def _on_3d(self, on: bool) -> None:
        """The button knows the prediction alone; what it is compared with follows."""
        self._overlay = ()
        self.update(self._parameters)

    def _on_match(self, segment_id: str, index: int) -> None:
        self._scene.set_match(self._manual, segment_id, CHOICES[index])
        self._overlay = ()  # the agreement fill depends on the matches
        self.update(self._parameters)

    def _on_end(self, ticket: Ticket, result: Any) -> None:
        self._ticket = None
        try:
            agreement = ticket.result()
        except CancelledError:
            return
        except Exception as problem:  # shown; a fault of ours brings its log along
            text = _("The agreement could not be measured.\n\n{problem}").format(problem=problem)
            show_error(text, problem)
            return
        else:
            keep(result, agreement)
            self._show_agreement(agreement)
        finally:
            self.update(self._parameters)
