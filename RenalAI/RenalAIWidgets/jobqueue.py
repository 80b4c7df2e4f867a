"""The queue of jobs: one at a time through the engine, each with its ticket."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from RenalAILib.worker.errors import CancelledError
from RenalAILib.worker.job import Job
from RenalAILib.worker.progress import Progress

from .protocols import Engine, Schedule, StartedJob

POLL_MS = 50

Listener = Callable[["Ticket"], None]


class Ticket:
    """A job from its submission to its end.

    Attributes:
        job: what was asked for.
        progress: the latest step; ``start`` while it waits.
        started_at: ``time.monotonic()`` when its turn came, None before.
    """

    def __init__(self, job: Job[Any], on_progress: Listener | None, on_end: Listener | None) -> None:
        self.job = job
        self.progress = Progress("start", 0.0)
        self.started_at: float | None = None
        self._on_progress = on_progress
        self._on_end = on_end
        self._started: StartedJob | None = None
        self._over = False
        self._result: Any = None
        self._problem: Exception | None = None

    @property
    def running(self) -> bool:
        """Whether it waits or works."""
        return not self._over

    def cancel(self) -> None:
        """Ends it now, wherever it stands. ``on_end`` comes with the next poll."""
        self._problem = CancelledError("cancelled")
        if self._started is not None:
            self._started.cancel()

    def result(self) -> Any:
        """What the job gave; raises what :meth:`RenalAILib.worker.client.Run.result` raises."""
        if not self._over:
            raise RuntimeError("the job is not over")
        if self._problem is not None:
            raise self._problem
        return self._result

    def _start(self, engine: Engine) -> None:
        self.started_at = time.monotonic()
        self._started = engine.start(self.job)

    def _poll(self) -> bool:
        """Takes what has arrived; returns whether it goes on."""
        assert self._started is not None
        before = self.progress
        going = self._started.poll()
        self.progress = self._started.progress
        if self._on_progress is not None and self.progress != before and self._problem is None:
            self._on_progress(self)
        return going

    def _end(self) -> None:
        if self._problem is None and self._started is not None:
            try:
                self._result = self._started.result()
            except Exception as problem:  # kept for result(), whoever asks
                self._problem = problem
        self._over = True
        if self._on_end is not None:
            self._on_end(self)


class JobQueue:
    """First come, first served. Driven by a timer where there is an event loop, or by :meth:`wait` where there is none.

    Args:
        engine: does the jobs.
        schedule: a single-shot timer.
    """

    def __init__(self, engine: Engine, schedule: Schedule) -> None:
        self._engine = engine
        self._schedule = schedule
        self._waiting: deque[Ticket] = deque()
        self._current: Ticket | None = None
        self._scheduled = False
        self._polling = False

    @property
    def tickets(self) -> list[Ticket]:
        """The running one first, then those that wait."""
        return ([] if self._current is None else [self._current]) + list(self._waiting)

    def submit(self, job: Job[Any], on_progress: Listener | None = None, on_end: Listener | None = None) -> Ticket:
        """Puts a job at the end of the queue and starts it when its turn has come; returns at once."""
        ticket = Ticket(job, on_progress, on_end)
        self._waiting.append(ticket)
        self.poll()
        return ticket

    def poll(self) -> None:
        """Moves everything on that can move. Listeners are called from here, and from nowhere else."""
        if self._polling:
            return  # a listener that submits or waits
        self._polling = True
        try:
            self._advance()
        finally:
            self._polling = False
        if self.tickets and not self._scheduled:
            self._scheduled = True
            self._schedule(POLL_MS, self._on_timer)

    def wait(self, ticket: Ticket, idle: Callable[[], None]) -> None:
        """Returns when ``ticket`` is over; ``idle`` is called in between."""
        while ticket.running:
            self.poll()
            if ticket.running:
                idle()
                time.sleep(POLL_MS / 1000)

    def cancelAll(self) -> None:
        """Ends every job; their listeners hear of it before this returns where no listener is at work."""
        for ticket in self.tickets:
            ticket.cancel()
        self.poll()

    def close(self) -> None:
        """Ends every job and the engine's process."""
        self.cancelAll()
        self._engine.close()
        self.poll()

    def _on_timer(self) -> None:
        self._scheduled = False
        self.poll()

    def _advance(self) -> None:
        while True:
            if self._current is not None:
                if self._current._poll():
                    break
                done, self._current = self._current, None
                self._finish(done)
            elif self._waiting:
                ticket = self._waiting.popleft()
                if ticket._problem is not None:  # cancelled before its turn
                    self._finish(ticket)
                    continue
                self._current = ticket
                ticket._start(self._engine)
            else:
                break
        for ticket in [ticket for ticket in self._waiting if ticket._problem is not None]:
            self._waiting.remove(ticket)
            self._finish(ticket)

    @staticmethod
    def _finish(ticket: Ticket) -> None:
        try:
            ticket._end()
        except Exception:  # a listener's fault must not stop the queue
            logging.exception("RenalAI: a listener of a job failed")
