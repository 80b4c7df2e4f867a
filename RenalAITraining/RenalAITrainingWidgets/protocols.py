"""What the tabs ask of others, so that a test can give them ten lines instead of a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from RenalAILib.worker.job import Job
from RenalAITrainingLib.runs.plan import RunPlan, Status
from RenalAIWidgets.jobqueue import Ticket


class Jobs(Protocol):
    """Does short jobs in the worker process (:class:`.logic.RenalAITrainingLogic`)."""

    def submit(
        self, job: Job[Any], on_progress: Callable[[Ticket], None] | None, on_end: Callable[[Ticket], None] | None
    ) -> Ticket:
        """Queues a job; asks first to install what it needs. Raises NotInstalledError."""
        ...


class Training(Protocol):
    """One training in a process of its own (:class:`RenalAITrainingLib.runs.run.TrainingRun`)."""

    @property
    def folder(self) -> Path: ...
    @property
    def name(self) -> str: ...
    @property
    def plan(self) -> RunPlan: ...
    @property
    def best(self) -> Path: ...
    @property
    def resumable(self) -> bool: ...
    def status(self) -> Status: ...
    def metrics(self) -> list[dict[str, Any]]: ...
    def log(self) -> str: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class Trainings(Protocol):
    """Starts trainings and finds those that are there (:class:`.logic.RenalAITrainingLogic`)."""

    def trainings(self, folder: Path) -> Sequence[Training]:
        """Those in a training folder, the newest first, whoever started them."""
        ...

    def startTraining(self, folder: Path, plan: RunPlan) -> Training:
        """Raises InputError, NotInstalledError."""
        ...

    def resumeTraining(self, training: Training) -> None:
        """Raises InputError, NotInstalledError."""
        ...


Schedule = Callable[[int, Callable[[], None]], None]
"""Calls a function after so many milliseconds (:class:`RenalAIWidgets.timer.Timer`)."""
