"""What the panel's sections ask of others, so that a test can give them five lines instead of a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from RenalAILib.worker.job import Job
from RenalAILib.worker.progress import Progress


class StartedJob(Protocol):
    """One job of the engine on its way (:class:`RenalAILib.worker.client.Run`)."""

    progress: Progress

    def poll(self) -> bool:
        """Takes what has arrived; returns whether the job goes on."""
        ...

    def cancel(self) -> None:
        """Ends the job and its processes, without waiting."""
        ...

    def result(self) -> Any:
        """What the job gave, or raises what went wrong."""
        ...


class Engine(Protocol):
    """Does one job at a time (:class:`RenalAILib.worker.client.Worker`)."""

    def start(self, job: Job[Any]) -> StartedJob: ...

    def close(self) -> None:
        """Ends every process."""
        ...


class SegmentationJob(Protocol):
    """One volume from the click to its findings (:class:`.segmentationrun.SegmentationRun`)."""

    @property
    def volumeName(self) -> str: ...

    @property
    def progress(self) -> Progress: ...

    @property
    def running(self) -> bool:
        """Waiting for its turn counts as running."""
        ...

    def cancel(self) -> None:
        """Ends it at once, also while it waits."""
        ...

    def result(self) -> tuple[Any, Any]:
        """Segmentation node and table node, or raises what went wrong."""
        ...


Schedule = Callable[[int, Callable[[], None]], None]
"""Calls a function after so many milliseconds (:class:`RenalAIWidgets.timer.Timer`)."""
