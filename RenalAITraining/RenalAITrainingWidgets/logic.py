"""The module's logic: everything the panel does, usable from the console and without a window.

>>> RenalAITraining.RenalAITrainingLogic().addCase(ctNode, segmentationNode)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .parameters import RenalAITrainingParameterNode

if TYPE_CHECKING:  # Slicer imports this file when it starts: the rest comes with the first job
    from RenalAILib.worker.job import Job
    from RenalAITrainingLib.runs.plan import RunPlan
    from RenalAITrainingLib.runs.run import TrainingRun
    from RenalAIWidgets.jobqueue import JobQueue, Ticket

FOLDERS = ("datasetFolder", "trainingFolder")
RUNS = "runs"


@cache
def shared_training_queue() -> JobQueue:
    """The one queue, and behind it the one worker process, for the short jobs of this Slicer."""
    from RenalAILib.worker.client import Worker
    from RenalAITrainingLib.runs.run import training_environment
    from RenalAIWidgets.jobqueue import JobQueue
    from RenalAIWidgets.timer import Timer

    return JobQueue(Worker(environment=training_environment()), Timer())


class RenalAITrainingLogic(ScriptedLoadableModuleLogic):
    """Export, check, split, train, evaluate, publish.

    Args:
        queue: where short jobs wait for the worker; that of this Slicer by default.
    """

    def __init__(self, parent: Any = None, queue: JobQueue | None = None) -> None:
        ScriptedLoadableModuleLogic.__init__(self, parent)
        self._own_queue = queue

    @property
    def _queue(self) -> JobQueue:
        return self._own_queue or shared_training_queue()

    def getParameterNode(self) -> RenalAITrainingParameterNode:
        """That of the scene. A new one starts with the folders that this user worked in last."""
        new = not self.getAllParameterNodes()
        parameters = RenalAITrainingParameterNode(super().getParameterNode())
        if new:
            for name in FOLDERS:
                kept = slicer.app.userSettings().value(f"RenalAITraining/{name}")
                if kept:
                    setattr(parameters, name, Path(kept))
        return parameters

    def keepFolders(self, parameters: RenalAITrainingParameterNode) -> None:
        """For the next Slicer, so that a training is found again."""
        for name in FOLDERS:
            slicer.app.userSettings().setValue(f"RenalAITraining/{name}", str(getattr(parameters, name)))

    def addCase(
        self,
        ctNode: Any,
        segmentationNode: Any,
        matches: Mapping[str, Any] | None = None,
        reader: str | None = None,
        patient: str = "",
        dataset: str | Path | None = None,
        waitForCompletion: bool = True,
    ) -> Any:
        """Adds a CT and its segmentation to the dataset, de-identified; a CT that is there gets another reader's mask.

        Args:
            ctNode: the CT, a ``vtkMRMLScalarVolumeNode``.
            segmentationNode: drawn by hand, or a result of RenalAI with the radiologist's corrections.
            matches: ``RenalAILib.labels.Label`` (or None) by segment ID; guessed where not given.
            reader: who drew it, as a word; that of the panel by default.
            patient: what names the patient, for the pseudonym alone; by default DICOM's patient ID.
            dataset: its folder, made where there is none; that of the panel by default.
            waitForCompletion: False returns at once.

        Returns:
            Case, whether it is new, its readers and masses; without waiting a :class:`RenalAIWidgets.jobqueue.Ticket`.

        Raises:
            RenalAILib.errors.InputError: nothing is matched, or the case does not fit the dataset.
            RenalAIWidgets.dependencies.NotInstalledError: packages are missing and the user declined to install them.
        """
        from .exporting import case_job, labels_of

        parameters = self.getParameterNode()
        job = case_job(
            ctNode,
            labels_of(ctNode, segmentationNode, matches),
            Path(dataset or parameters.datasetFolder),
            reader or parameters.reader,
            patient,
            phase=parameters.phase.value,
            source=parameters.source,
            licence=parameters.licence,
        )
        ticket = self.submit(job, None, None)
        if not waitForCompletion:
            return ticket
        self._queue.wait(ticket, slicer.app.processEvents)
        return ticket.result()

    def submit(
        self,
        job: Job[Any],
        on_progress: Callable[[Ticket], None] | None = None,
        on_end: Callable[[Ticket], None] | None = None,
    ) -> Ticket:
        """Queues a job of :mod:`RenalAITrainingLib.jobs`; asks first to install what it needs.

        Raises:
            RenalAIWidgets.dependencies.NotInstalledError: the user declined, or pip failed.
        """
        from . import packages

        packages.ensure_for(job)
        return self._queue.submit(job, on_progress, on_end)

    def wait(self, ticket: Ticket) -> Any:
        """Waits for a job and returns its result, or raises what went wrong."""
        self._queue.wait(ticket, slicer.app.processEvents)
        return ticket.result()

    def trainings(self, folder: Path) -> Sequence[TrainingRun]:
        """The trainings of a folder, the newest first, whoever started them."""
        from RenalAITrainingLib.runs.run import runs_in

        return runs_in(folder / RUNS)

    def startTraining(self, folder: Path, plan: RunPlan) -> TrainingRun:
        """Starts a training in a process of its own, which goes on when Slicer is closed.

        Raises:
            RenalAILib.errors.InputError: it cannot be started.
            RenalAIWidgets.dependencies.NotInstalledError: packages are missing and the user declined to install them.
        """
        from RenalAITrainingLib.runs.run import TrainingRun

        from . import packages

        packages.ensure(packages.TRAINING)
        run = TrainingRun.create(folder / RUNS, plan)
        run.start()
        return run

    def resumeTraining(self, training: TrainingRun) -> None:
        """Goes on with a training from its last checkpoint. Raises as :meth:`startTraining`."""
        from . import packages

        packages.ensure(packages.TRAINING)
        training.start()

    def close(self) -> None:
        """Cancels short jobs and ends their process; trainings go on."""
        self._queue.close()
