"""Tab Annotate: what the segments are, what the masses are, and the case into the dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.labels import MassClass
from RenalAIScene.matching import CHOICES, matches, segments, set_match
from RenalAIScene.reference import PAINT_ORDER
from RenalAIScene.resultsegmentation import findings
from RenalAIScene.views import go_to_point
from RenalAITrainingLib.dataset.deidentified import plain_word, reader_word
from RenalAITrainingLib.dataset.vocabulary import Histology
from RenalAIWidgets.tablewidgets import CONTROL_HEIGHT, fit, prepare
from RenalAIWidgets.texts import class_in_words, label_in_words, show_plain, show_problem, side_in_words

from .exporting import case_job, labels_of, patient_of
from .jobbar import JobBar
from .outlining import new_outlines
from .wording import histology_in_words

CLASSES = tuple(MassClass)
HISTOLOGIES = (Histology.UNKNOWN, *(word for word in Histology if word is not Histology.UNKNOWN))


class AnnotateTab:
    """Shows what the chosen segmentation will be in the dataset, lets it be corrected, and adds it.

    Args:
        ui: the widgets.
        jobs: does the work.
        open_module: goes to another module of Slicer, by its name.
    """

    def __init__(self, ui: Any, jobs: JobBar, open_module: Callable[[str], None] | None = None) -> None:
        self._ui = ui
        self._jobs = jobs
        self._open_module = open_module or slicer.util.selectModule
        self._parameters: Any = None
        self._shown: tuple[Any, ...] = ()
        self._domains: list[Any] = []
        prepare(ui.matchTable, (_("Segment"), _("is")), CONTROL_HEIGHT)
        prepare(ui.massTable, (_("Mass"), _("Class"), _("Histology")), CONTROL_HEIGHT)
        ui.outlineButton.connect("clicked()", self.onOutline)
        ui.massesButton.connect("clicked()", self.onMasses)
        ui.addCaseButton.connect("clicked()", self.onAdd)
        ui.patientEdit.connect("textChanged(QString)", lambda text: self.update(self._parameters))
        ui.massTable.connect("cellClicked(int,int)", self._on_mass)
        order = " → ".join(label_in_words(label) for label in PAINT_ORDER)
        show_plain(ui.overlapLine, _("Where segments overlap, the later of these wins: {order}").format(order=order))
        show_plain(ui.addLine, "")
        self._show_matches(None)
        self._show_masses([])

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node; None when there is none."""
        self._parameters = parameters
        segmentation = None if parameters is None else parameters.segmentation
        ct = None if parameters is None else parameters.inputVolume
        shown = (segmentation and segmentation.GetID(), ct and ct.GetID())
        if shown != self._shown:
            self._shown = shown
            self._show_matches(segmentation)
            self._show_masses([])
            show_plain(self._ui.addLine, "")
        self._show_state()

    def problem(self) -> str | None:
        """What is missing before the case can be added."""
        parameters = self._parameters
        if parameters is None or parameters.inputVolume is None:
            return _("Load a CT and choose it here.")
        if parameters.segmentation is None:
            return _("Outline kidneys and masses, or choose a segmentation of this CT.")
        if not any(matches(parameters.segmentation).values()):
            return _("Say of at least one segment which kidney or mass it is.")
        if str(parameters.datasetFolder) in ("", "."):
            return _("Choose the folder of the dataset above.")
        try:
            reader_word(parameters.reader)
            plain_word(parameters.source, _("source"))
            plain_word(parameters.licence, _("licence"))
        except InputError as problem:
            return str(problem)
        return None

    def onOutline(self) -> None:
        """Draw: into the chosen segmentation, or into a new one with a segment for all that can be named."""
        parameters = self._parameters
        if parameters.segmentation is None:
            parameters.segmentation = new_outlines(parameters.inputVolume)
        slicer.util.setSliceViewerLayers(background=parameters.inputVolume)
        self._open_module("SegmentEditor")

    def onMasses(self) -> None:
        """List the masses of the label map that would be added."""
        parameters = self._parameters
        try:
            with slicer.util.WaitCursor():
                self._show_masses(self._find(parameters))
        except InputError as problem:
            show_problem(self._ui.addLine, str(problem))
            return
        if not self._domains:
            show_plain(self._ui.addLine, _("No mass is outlined."))

    def onAdd(self) -> None:
        """The case into the dataset."""
        parameters = self._parameters
        self._jobs.run(_("Adding the case"), lambda: self._job(parameters), self._on_added, self._ui.addLine)

    def _job(self, parameters: Any) -> Any:
        labels = self._labels(parameters)
        domains = self._domains
        if domains:
            from RenalAITrainingLib.dataset.known_masses import mass_domains

            new = mass_domains(labels)
            if [each.known for each in new] != [each.known for each in domains]:
                self._show_masses([])
                raise InputError(_("The segmentation was changed after its masses were listed. List them again."))
            for row, domain in enumerate(new):
                domain.voxels[domain.mask] = CLASSES[self._ui.massTable.cellWidget(row, 1).currentIndex].label
        return case_job(
            parameters.inputVolume,
            labels,
            Path(parameters.datasetFolder),
            parameters.reader,
            self._ui.patientEdit.text,
            phase=parameters.phase.value,
            source=parameters.source,
            licence=parameters.licence,
            histologies=[
                HISTOLOGIES[self._ui.massTable.cellWidget(row, 2).currentIndex].value for row in range(len(domains))
            ],
        )

    def _labels(self, parameters: Any) -> Any:
        """What the table of matches says; a result of RenalAI counts as the radiologist corrected it."""
        own = findings(parameters.segmentation) is not None
        return labels_of(
            parameters.inputVolume, parameters.segmentation, None if own else matches(parameters.segmentation)
        )

    def _find(self, parameters: Any) -> list[Any]:
        from RenalAITrainingLib.dataset.known_masses import mass_domains

        return mass_domains(self._labels(parameters))

    def _on_added(self, answer: dict[str, Any]) -> None:
        masses = len(answer["masses"])
        text = (
            _("{case} is in the dataset, with {masses} masses; it has {cases} cases now.")
            if answer["new"]
            else _("{case} has the masks of {readers} readers now.")
        )
        readers = len(answer["readers"])
        told = text.format(case=answer["case"], masses=masses, cases=answer["cases"], readers=readers)
        self._ui.patientEdit.text = ""
        show_plain(self._ui.addLine, told)

    def _on_mass(self, row: int, column: int) -> None:
        go_to_point(self._domains[row].centroid_ras)

    def _show_state(self) -> None:
        problem = self.problem()
        busy = self._jobs.busy
        self._ui.addCaseButton.enabled = problem is None and busy is None
        self._ui.massesButton.enabled = problem is None
        ct = None if self._parameters is None else self._parameters.inputVolume
        self._ui.outlineButton.enabled = ct is not None
        self._ui.outlineButton.toolTip = (
            _("Load a CT and choose it here.")
            if ct is None
            else _("Draw with the Segment Editor; a new segmentation has a segment for each kidney and class of mass.")
        )
        self._ui.addCaseButton.toolTip = busy or problem or _("De-identify the CT and its mask and write them.")
        if problem is not None:
            show_problem(self._ui.annotateLine, problem, severe=False)
            return
        named = self._ui.patientEdit.text.strip() or patient_of(self._parameters.inputVolume)
        if named:
            words = _("Ready. Voxels, outlines and the words below are written under a pseudonym, nothing else.")
        else:
            words = _("Ready. No patient is named, by DICOM or below: the scan will count as a patient of its own.")
        show_plain(self._ui.annotateLine, words)

    def _show_matches(self, segmentation: Any) -> None:
        table = self._ui.matchTable
        table.setRowCount(0)
        if segmentation is not None and findings(segmentation) is None:
            found, known = segments(segmentation), matches(segmentation)
            table.setRowCount(len(found))
            for row, (segment_id, name) in enumerate(found):
                table.setItem(row, 0, qt.QTableWidgetItem(name))
                selector = _selector([label_in_words(label) for label in CHOICES], CHOICES.index(known.get(segment_id)))
                selector.connect(
                    "activated(int)", lambda index, segment_id=segment_id: self._on_match(segment_id, index)
                )
                table.setCellWidget(row, 1, selector)
        fit(table)

    def _on_match(self, segment_id: str, index: int) -> None:
        set_match(self._parameters.segmentation, segment_id, CHOICES[index])
        self._show_masses([])
        self.update(self._parameters)

    def _show_masses(self, domains: list[Any]) -> None:
        self._domains = domains
        table = self._ui.massTable
        table.setRowCount(0)
        table.setRowCount(len(domains))
        for row, domain in enumerate(domains):
            known = domain.known
            words = _("{side}, {diameter:.0f} mm").format(side=side_in_words(known.side), diameter=known.diameter_mm)
            table.setItem(row, 0, qt.QTableWidgetItem(words))
            classes = [class_in_words(each) for each in CLASSES]
            table.setCellWidget(row, 1, _selector(classes, CLASSES.index(known.mass_class)))
            table.setCellWidget(row, 2, _selector([histology_in_words(each) for each in HISTOLOGIES], 0))
        fit(table)


def _selector(words: list[str], index: int) -> Any:
    selector = qt.QComboBox()
    for word in words:
        selector.addItem(word)
    selector.setCurrentIndex(index)
    return selector
