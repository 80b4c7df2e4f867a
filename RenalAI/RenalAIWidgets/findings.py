"""Section Findings: the masses as a table, one click from the list to the images, and the radiologist's own word."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from slicer.i18n import tr as _

from RenalAILib.detections import Detection
from RenalAILib.findings import Findings, Mass
from RenalAILib.labels import MassClass
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.verdicts import Verdict

from . import candidaterows, massrows, voterows
from .protocols import Schedule
from .segmenteditor import draw_segment
from .tablewidgets import fit, prepare
from .texts import class_in_words, show_plain, show_problem, show_rich
from .timer import Timer

OnMass = Callable[[Any, "Findings | None", "Mass | None"], None]
QUIET_MS = 400  # without a further edit; a stroke of the brush sends many events


class FindingsScene(Protocol):
    """What is in the scene of one result (:mod:`RenalAIScene`)."""

    def refresh(self, segmentation: Any) -> Findings | None:
        """The findings of a segmentation node with what was drawn and removed since; None for one of others."""
        ...

    def watch_segments(self, segmentation: Any, edited: Callable[[], None]) -> Callable[[], None]:
        """Calls ``edited`` at every change of a segment, until what it returns is called."""
        ...

    def add_drawn_segment(self, segmentation: Any) -> str:
        """An empty segment for a mass that the networks missed; returns its ID."""
        ...

    def readings(self, segmentation: Any) -> Mapping[str, Reading]:
        """The radiologist's answers by mass."""
        ...

    def set_reading(self, segmentation: Any, segment_id: str, reading: Reading | None) -> None:
        """Keeps an answer in the scene; None forgets it."""
        ...

    def go_to(self, segmentation: Any, segment_id: str) -> None:
        """Centers every view on a mass or a candidate and highlights it."""
        ...

    def go_to_point(self, ras: tuple[float, float, float]) -> None:
        """Centers every view on a point in mm."""
        ...


class FindingsSection:
    """Fills the table from the scene; writes the radiologist's answers there.

    Args:
        ui: the widgets.
        scene: findings and readings.
        on_mass: called with (segmentation node, findings, chosen mass or None).
        draw: lets the user draw into a segment: (segmentation node, segment ID).
        later: when to look again at segments that are being edited.
    """

    def __init__(
        self,
        ui: Any,
        scene: FindingsScene,
        on_mass: OnMass,
        draw: Callable[[Any, str], None] = draw_segment,
        later: Schedule | None = None,
    ) -> None:
        self._ui = ui
        self._scene = scene
        self._on_mass = on_mass
        self._draw = draw
        self._later = later or Timer()
        self._stop_watching: Callable[[], None] | None = None
        self._segmentation: Any = None
        self._shown: str | None = None
        self._findings: Findings | None = None
        self._filling = False
        prepare(ui.massTable, self._headings())
        ui.massTable.connect("itemSelectionChanged()", self._on_selection)
        ui.massTable.connect("cellClicked(int,int)", self._on_click)
        ui.classSelector.addItem(_("Other class…"))
        for mass_class in MassClass:
            ui.classSelector.addItem(class_in_words(mass_class))
        ui.previousButton.connect("clicked()", lambda: self.step(-1))
        ui.nextButton.connect("clicked()", lambda: self.step(1))
        ui.acceptButton.connect("clicked()", self.onAccept)
        ui.rejectButton.connect("clicked()", self.onReject)
        ui.classSelector.connect("activated(int)", self.onClass)
        ui.noteEdit.connect("editingFinished()", self.onNote)
        ui.drawButton.connect("clicked()", self.onDraw)
        self._show()

    @property
    def mass(self) -> Mass | None:
        """The chosen mass."""
        masses = () if self._findings is None else self._findings.masses
        row = self._ui.massTable.currentRow()
        return masses[row] if 0 <= row < len(masses) else None

    @property
    def _removed(self) -> tuple[Mass, ...]:
        """The networks' masses whose segments the radiologist took out: the last rows."""
        removed = () if self._findings is None else self._findings.removed
        return tuple(segment for segment in removed if isinstance(segment, Mass))

    @property
    def _votes(self) -> Verdict | None:
        """The verdict whose votes fill the table: where there are no masses to fill it."""
        found = self._findings
        return None if found is None or found.masses or self._removed else found.verdict

    @property
    def _boxes(self) -> tuple[Detection, ...]:
        """The candidates that fill the table: where there are neither masses nor votes to fill it."""
        found = self._findings
        if found is None or found.masses or self._removed or found.verdict is not None:
            return ()
        return found.detections or ()

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node; None when there is none."""
        segmentation = None if parameters is None else parameters.result
        identifier = None if segmentation is None else segmentation.GetID()
        if identifier != self._shown:
            self._shown = identifier
            self._watch(segmentation)
            self._segmentation = segmentation
            self._findings = None if segmentation is None else self._scene.refresh(segmentation)
            self._show()

    def _watch(self, segmentation: Any) -> None:
        """Follows the segments of this node and of no other; None: of none."""
        if self._stop_watching is not None:
            self._stop_watching()
        self._stop_watching = None
        if segmentation is not None:
            self._stop_watching = self._scene.watch_segments(
                segmentation, lambda: self._later(QUIET_MS, self._look_again)
            )

    def _look_again(self) -> None:
        """Shows the segments as they are now; the chosen mass stays chosen, and the views stay where they are."""
        if self._segmentation is None:  # the module was left meanwhile
            return
        found, chosen = self._scene.refresh(self._segmentation), self.mass
        if found == self._findings:
            return
        self._findings = found
        self._show()
        rows = [mass.segment_id for mass in found.masses] if found is not None else []
        if chosen is not None and chosen.segment_id in rows:
            self._filling = True
            self._ui.massTable.selectRow(rows.index(chosen.segment_id))
            self._filling = False
            self._show_reading()
            self._on_mass(self._segmentation, self._findings, self.mass)

    def step(self, by: int) -> None:
        """The next or previous mass, around the ends."""
        count = self._ui.massTable.rowCount
        if count:
            self._ui.massTable.selectRow((self._ui.massTable.currentRow() + by) % count)

    def onDraw(self) -> None:
        """Lets the user draw a mass that the networks missed; its row is there when they come back."""
        self._draw(self._segmentation, self._scene.add_drawn_segment(self._segmentation))

    def onAccept(self) -> None:
        self._answer(Answer.ACCEPTED if self._ui.acceptButton.checked else None)

    def onReject(self) -> None:
        self._answer(Answer.REJECTED if self._ui.rejectButton.checked else None)

    def onClass(self, index: int) -> None:
        mass = self.mass
        if index > 0 and mass is not None:
            verdict = Answer.DRAWN if mass.drawn else Answer.RECLASSIFIED
            self._answer(verdict, list(MassClass)[index - 1])
        elif self._reading() is not None and self._reading().verdict is Answer.RECLASSIFIED:
            self._answer(None)
        else:
            self._show_reading()  # a drawn mass has a class always

    def onNote(self) -> None:
        """Keeps the note; Enter and leaving the line both do."""
        before, mass = self._reading(), self.mass
        if mass is None or self._ui.noteEdit.text == ("" if before is None else before.note):
            return
        if mass.drawn:
            self._answer(Answer.DRAWN, mass.mass_class)
            return
        self._answer(None if before is None else before.verdict, None if before is None else before.mass_class)

    def _answer(self, verdict: Answer | None, mass_class: MassClass | None = None) -> None:
        """Keeps the answer to the chosen mass; without verdict and note there is none."""
        mass = self.mass
        if mass is None:
            return
        note = self._ui.noteEdit.text
        if verdict in (None, Answer.NOTED):
            verdict = Answer.NOTED if note else None
        time = datetime.now().astimezone().isoformat(timespec="seconds")
        reading = None if verdict is None else Reading(mass.segment_id, verdict, mass_class, note, "", time)
        self._scene.set_reading(self._segmentation, mass.segment_id, reading)
        if mass.drawn:  # its class is the radiologist's own, and so is what the measurements are held against
            self._findings = self._scene.refresh(self._segmentation)
        self._show_row(self._ui.massTable.currentRow(), self.mass or mass)
        self._show_reading()
        if mass.drawn:
            self._on_mass(self._segmentation, self._findings, self.mass)

    def _reading(self) -> Any:
        mass = self.mass
        return None if mass is None else self._scene.readings(self._segmentation).get(mass.segment_id)

    def _show(self) -> None:
        """Everything anew: another result."""
        self._filling = True
        masses = () if self._findings is None else self._findings.masses
        voted = () if self._votes is None else self._votes.slices
        self._ui.massTable.clearContents()
        prepare(self._ui.massTable, self._headings())
        self._ui.massTable.setRowCount(len(masses) + len(self._removed) or len(voted) or len(self._boxes))
        for row, mass in enumerate(masses):
            self._show_row(row, mass)
        for row, mass in enumerate(self._removed, start=len(masses)):
            self._show_row(row, mass, removed=True)
        for row, vote in enumerate(voted):
            for column, item in enumerate(voterows.cells(self._votes, vote)):
                self._ui.massTable.setItem(row, column, item)
        for row, detection in enumerate(self._boxes):
            for column, item in enumerate(candidaterows.cells(detection)):
                self._ui.massTable.setItem(row, column, item)
        self._ui.massTable.setCurrentCell(-1, -1)
        fit(self._ui.massTable)
        self._filling = False
        show_plain(self._ui.kidneysLine, self._kidneys_in_words())
        if self._findings is not None and self._findings.verdict is not None:
            show_rich(self._ui.kidneysLine, self._verdict_in_words(self._findings))
        warnings = () if self._findings is None else self._findings.warnings
        show_problem(self._ui.warningsLine, "  ".join(warnings) or None, severe=False)
        self._ui.warningsLine.setVisible(bool(warnings))
        self._ui.show3DButton.setSegmentationNode(self._segmentation)
        self._show_reading()
        self._on_mass(self._segmentation, self._findings, None)

    def _headings(self) -> tuple[str, ...]:
        if self._votes is not None:
            return voterows.headings(self._votes)
        if self._boxes:
            return candidaterows.headings()
        return massrows.headings()

    def _show_row(self, row: int, mass: Mass, removed: bool = False) -> None:
        reading = self._scene.readings(self._segmentation).get(mass.segment_id)
        for column, item in enumerate(massrows.cells(mass, reading, removed)):
            self._ui.massTable.setItem(row, column, item)

    def _show_reading(self) -> None:
        mass, reading = self.mass, self._reading()
        verdict = None if reading is None else reading.verdict
        for widget in (self._ui.classSelector, self._ui.noteEdit):
            widget.enabled = mass is not None
        for widget in (self._ui.acceptButton, self._ui.rejectButton):
            widget.enabled = mass is not None and not mass.drawn  # nothing of the networks' to answer to
        self._ui.drawButton.enabled = self._findings is not None
        several = self._ui.massTable.rowCount > 0
        self._ui.previousButton.enabled = self._ui.nextButton.enabled = several
        self._ui.acceptButton.checked = verdict is Answer.ACCEPTED
        self._ui.rejectButton.checked = verdict is Answer.REJECTED
        own = None if reading is None else reading.mass_class
        if mass is not None and mass.drawn:
            own = mass.mass_class
        self._ui.classSelector.setCurrentIndex(0 if own is None else 1 + list(MassClass).index(own))
        self._ui.noteEdit.text = "" if reading is None else reading.note

    def _kidneys_in_words(self) -> str:
        if self._findings is None:
            return _("Press Segment, or choose a result.")
        if self._findings.detections is not None and not self._findings.kidneys:
            return candidaterows.in_words(self._findings.detections)
        return massrows.in_words(self._findings)

    def _verdict_in_words(self, found: Findings) -> str:
        """The verdict, after what was outlined where anything was."""
        before = html.escape(self._kidneys_in_words()) + "<br>" if found.kidneys or found.masses else ""
        return before + voterows.in_words(found.verdict)

    def _on_selection(self) -> None:
        if self._filling:
            return
        self._show_reading()
        mass = self.mass
        self._go_to_row(self._ui.massTable.currentRow())
        self._on_mass(self._segmentation, self._findings, mass)

    def _on_click(self, row: int, column: int) -> None:
        """A click on the mass, slice or box that is chosen already brings the views back to it."""
        self._go_to_row(row)

    def _go_to_row(self, row: int) -> None:
        masses = () if self._findings is None else (*self._findings.masses, *self._removed)
        if 0 <= row < len(masses):
            self._scene.go_to(self._segmentation, masses[row].segment_id)
        elif self._votes is not None and 0 <= row < len(self._votes.slices):
            self._scene.go_to_point(self._votes.slices[row].centre_ras)
        elif 0 <= row < len(self._boxes):
            self._scene.go_to(self._segmentation, self._boxes[row].detection_id)
