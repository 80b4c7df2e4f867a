"""Collaborators of a few lines: the sections are tested without a process and without MRML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from RenalAILib.worker.errors import CancelledError
from RenalAILib.worker.progress import Progress


class FakeJob:
    """A started job whose steps and end a test decides."""

    def __init__(self, job: Any) -> None:
        self.job = job
        self.progress = Progress("start", 0.0)
        self.answer: Any = None
        self.problem: Exception | None = None
        self.going = True

    def poll(self) -> bool:
        return self.going

    def cancel(self) -> None:
        self.problem, self.going = CancelledError("cancelled"), False

    def result(self) -> Any:
        if self.problem is not None:
            raise self.problem
        return self.answer

    def step(self, stage: str, fraction: float) -> None:
        self.progress = Progress(stage, fraction)

    def end(self, answer: Any = None, problem: Exception | None = None) -> None:
        self.answer, self.problem, self.going = answer, problem, False


class FakeEngine:
    """Remembers what was started; one job at a time, as the real one."""

    def __init__(self) -> None:
        self.jobs: list[FakeJob] = []
        self.closed = False

    def start(self, job: Any) -> FakeJob:
        assert not self.jobs or not self.jobs[-1].going, "a second job was started beside the first"
        self.jobs.append(FakeJob(job))
        return self.jobs[-1]

    def close(self) -> None:
        self.closed = True


class ManualClock:
    """A single-shot timer that fires when the test says so."""

    def __init__(self) -> None:
        self.pending: list[Callable[[], None]] = []

    def __call__(self, milliseconds: int, function: Callable[[], None]) -> None:
        self.pending.append(function)

    def tick(self) -> None:
        due, self.pending = self.pending, []
        for function in due:
            function()
