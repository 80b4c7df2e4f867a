"""The module's logic: everything the panel does, usable from the console and without a window.

>>> segmentation, table = RenalAI.RenalAILogic().segment(volumeNode)  # doctest: +SKIP
>>> run = RenalAI.RenalAILogic().segment(volumeNode, waitForCompletion=False)  # doctest: +SKIP
>>> run.progress.fraction, run.cancel()  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .parameters import Device, Mode, RenalAIParameterNode

if TYPE_CHECKING:  # Slicer imports this file when it starts: the engine and the queue come with the first job
    from RenalAILib.findings import Outcome
    from RenalAILib.radiologist.readings import Reading

    from .jobqueue import JobQueue, Listener, Ticket
    from .segmentationrun import SegmentationRun


@cache
def shared_queue() -> JobQueue:
    """The one queue, and behind it the one warm engine process, of this Slicer: the console and the panel share it."""
    from RenalAILib.worker.client import Worker

    from .jobqueue import JobQueue
    from .timer import Timer

    return JobQueue(Worker(), Timer())


class RenalAILogic(ScriptedLoadableModuleLogic):
    """Segment, compare, report, check.

    Args:
        queue: where jobs wait for the engine; that of this Slicer by default.
        approve: asks for what a model's licence needs before its first run, and raises where the user says no;
            :func:`.licences.ensure` by default.
    """

    def __init__(
        self, parent: Any = None, queue: JobQueue | None = None, approve: Callable[[str], None] | None = None
    ) -> None:
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self._own_queue = queue
        self._approve = approve

    @property
    def _queue(self) -> JobQueue:
        return self._own_queue or shared_queue()

    def getParameterNode(self) -> RenalAIParameterNode:
        return RenalAIParameterNode(super().getParameterNode())

    def segment(
        self,
        volumeNode: Any,
        secondPhase: Any = None,
        bundle: str = "",
        device: str = "auto",
        fast: bool = False,
        waitForCompletion: bool = True,
    ) -> Any:
        """Finds the kidneys and masses of a CT.

        Args:
            volumeNode: the CT, a ``vtkMRMLScalarVolumeNode``.
            secondPhase: another phase of the same patient, on any grid.
            bundle: the model's name or folder; empty for the shipped one.
            device: ``auto``, ``cpu`` or ``cuda``.
            fast: one network in place of several.
            waitForCompletion: False returns at once.

        Returns:
            The segmentation node and the table node; without waiting a :class:`.segmentationrun.SegmentationRun` with
            ``progress``, ``running``, ``cancel()`` and ``result()``.

        Raises:
            RenalAILib.errors.InputError: the CT, the model or the device cannot be used.
            RenalAILib.worker.errors.WorkerError: the engine failed; ``log`` has its last lines.
            NotInstalledError: the engine's packages are missing and the user declined to install them.
            NotApprovedError: the user did not approve of the licence of the model's weights.
        """
        run = self._segment(volumeNode, secondPhase, bundle, device, fast)
        if not waitForCompletion:
            return run
        run.wait(slicer.app.processEvents)
        return run.result()

    def startSegmentation(
        self,
        volume: Any,
        parameters: RenalAIParameterNode,
        on_progress: Callable[[SegmentationRun], None],
        on_end: Callable[[SegmentationRun], None],
    ) -> SegmentationRun:
        """The same with what the panel says. The second phase belongs to the chosen CT and to no other."""
        return self._segment(
            volume,
            parameters.secondPhase if volume is parameters.inputVolume else None,
            parameters.bundle,
            Device(parameters.device).value,
            parameters.mode is Mode.FAST,
            on_progress,
            on_end,
        )

    def startCheck(self, on_progress: Listener, on_end: Listener) -> Ticket:
        """Starts the computer check; its ticket's result is a dictionary of facts."""
        from RenalAILib.worker.checking import CheckJob

        return self._queue.submit(CheckJob(), on_progress, on_end)

    def compare(self, segmentation: Any, manual: Any, matches: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Measures how a result agrees with a manual segmentation of the same CT.

        Args:
            segmentation: the result's segmentation node, edits and readings included.
            manual: the manual segmentation node, on any grid.
            matches: ``RenalAIScene.matching.Match`` by the ID of each manual segment; guessed where not given.

        Returns:
            The content of ``agreement.json``.

        Raises:
            RenalAILib.errors.InputError: the CT is gone, or no segment is matched to a kidney or a mass.
        """
        from RenalAIScene.results import matches as guessed

        ticket = self.startComparison(segmentation, manual, guessed(manual) if matches is None else matches, None)
        self._queue.wait(ticket, slicer.app.processEvents)
        agreement: dict[str, Any] = ticket.result()
        return agreement

    def startComparison(
        self, segmentation: Any, manual: Any, matches: Mapping[str, Any], on_end: Listener | None
    ) -> Ticket:
        """The same without waiting; the ticket's result is the agreement."""
        from RenalAILib.errors import InputError
        from RenalAILib.worker.comparing import CompareJob
        from RenalAIScene.reference import corrected_labels, reference_labels
        from RenalAIScene.results import ct_of
        from RenalAIScene.volumes import volume_of

        ct = ct_of(segmentation)
        if ct is None:
            raise InputError(f"the CT of {segmentation.GetName()} is no longer in the scene")
        grid = volume_of(ct)
        predicted = grid.with_voxels(corrected_labels(segmentation, ct))
        return self._queue.submit(
            CompareJob(predicted, grid.with_voxels(reference_labels(manual, matches, ct))), None, on_end
        )

    def exportReport(self, segmentation: Any, folder: str | Path) -> dict[str, Path]:
        """Writes the result folder: report, tables, label map, segmentation, with the radiologist's readings.

        Args:
            segmentation: the result's segmentation node.
            folder: absent, empty, or an older result, which is replaced.

        Returns:
            The path of each file by its name.

        Raises:
            RenalAILib.errors.InputError: the CT is gone, or the folder holds something else or cannot be written.
        """
        ticket = self.startReport(segmentation, Path(folder), None)
        self._queue.wait(ticket, slicer.app.processEvents)
        files: dict[str, Path] = ticket.result()
        return files

    def startReport(self, segmentation: Any, folder: Path, on_end: Listener | None) -> Ticket:
        """The same without waiting."""
        from RenalAILib.worker.reporting import ReportJob

        outcome, said = _as_it_is_now(segmentation)
        return self._queue.submit(ReportJob(outcome, said, folder), None, on_end)

    def exportPdf(self, segmentation: Any, path: str | Path) -> Path:
        """Writes the report as PDF, with the radiologist's readings.

        Args:
            segmentation: the result's segmentation node.
            path: of the file; an older one is replaced.

        Raises:
            RenalAILib.errors.InputError: the CT is gone.
            OSError: the file cannot be written.
        """
        from .printing import write_pdf

        ticket = self.startPage(segmentation, None)
        self._queue.wait(ticket, slicer.app.processEvents)
        write_pdf(ticket.result(), Path(path), segmentation.GetName())
        return Path(path)

    def startPage(self, segmentation: Any, on_end: Listener | None) -> Ticket:
        """Starts cutting the pictures of the report's pages; the ticket's result is what :mod:`.printing` prints."""
        from RenalAILib.worker.page_printing import PrintPageJob

        outcome, said = _as_it_is_now(segmentation)
        return self._queue.submit(PrintPageJob(outcome, said), None, on_end)

    def exportDicom(self, segmentation: Any, folder: str | Path) -> dict[str, Path]:
        """Writes segmentation, measurements (SR) and Grad-CAM for the study of the CT, by highdicom.

        What the radiologist said and changed is marked as theirs.

        Args:
            segmentation: the result's segmentation node; its CT was loaded from the DICOM database.
            folder: of the files; older ones of the same names are replaced.

        Returns:
            the path of each file by its name.

        Raises:
            RenalAILib.errors.InputError: the CT or its DICOM files are gone, or a file cannot be written.
        """
        ticket = self.startDicom(segmentation, Path(folder), None)
        self._queue.wait(ticket, slicer.app.processEvents)
        written: dict[str, Path] = ticket.result()
        return written

    def startDicom(self, segmentation: Any, folder: Path, on_end: Listener | None) -> Ticket:
        """The same without waiting."""
        from RenalAILib.worker.dicom_writing import DicomJob
        from RenalAIScene.results import ct_of

        from .handover import source_files

        outcome, said = _as_it_is_now(segmentation)
        return self._queue.submit(DicomJob(outcome, said, source_files(ct_of(segmentation)), folder), None, on_end)

    def close(self) -> None:
        """Cancels what runs and ends the engine's process; the logic can be used again."""
        self._queue.close()

    def _segment(
        self,
        volume: Any,
        second_phase: Any,
        bundle: str,
        device: str,
        fast: bool,
        on_progress: Callable[[SegmentationRun], None] | None = None,
        on_end: Callable[[SegmentationRun], None] | None = None,
    ) -> SegmentationRun:
        from RenalAILib.worker.segmenting import SegmentJob
        from RenalAIScene.results import add_result
        from RenalAIScene.volumes import volume_of

        from . import dependencies, licences
        from .segmentationrun import SegmentationRun

        (self._approve or licences.ensure)(bundle)
        dependencies.ensure()
        second = None if second_phase is None else volume_of(second_phase)
        job = SegmentJob(volume_of(volume), second, bundle, device, fast)
        return SegmentationRun(self._queue, volume, job, add_result, on_progress, on_end)


def _as_it_is_now(segmentation: Any) -> tuple[Outcome, tuple[Reading, ...]]:
    """What is reported of a result: its segments with the user's edits, and the readings of its masses by time."""
    from RenalAIScene.results import outcome_of, readings

    outcome = outcome_of(segmentation)
    masses = {mass.segment_id for mass in outcome.findings.masses}
    said = [reading for reading in readings(segmentation).values() if reading.segment_id in masses]
    return outcome, tuple(sorted(said, key=lambda reading: reading.time))
