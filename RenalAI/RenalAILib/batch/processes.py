"""Processes: studies in warm engine processes of this computer. One that crashes takes its study with it, no other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from ..errors import InputError
from ..study.task import StudyRecord, StudyTask
from ..worker.client import Worker
from ..worker.errors import WorkerError
from ..worker.process import default_environment
from ..worker.study_job import StudyJob
from .shares import shares, visible_gpus

ATTEMPTS = 2  # of a study that ends its process


class Execution(Protocol):
    """Who does the tasks."""

    def run(self, tasks: Iterable[StudyTask], begun: Callable[[str], None]) -> Iterator[StudyRecord]:
        """Records as they come, in any order; one for each task.

        Args:
            tasks: taken one by one when there is room for them.
            begun: told the name of each study when it is handed out, in the caller's thread.
        """
        ...


class Processes:
    """``jobs`` engine processes, which share the cores, and the GPUs where there are some.

    Args:
        jobs: studies at a time.
    """

    def __init__(self, jobs: int = 1) -> None:
        if jobs < 1:
            raise InputError(f"--jobs must be 1 or more, got {jobs}")
        self._jobs = jobs

    def run(self, tasks: Iterable[StudyTask], begun: Callable[[str], None]) -> Iterator[StudyRecord]:
        own = default_environment()
        workers = [Worker(environment=own | share) for share in shares(self._jobs, visible_gpus())]
        waiting: queue.Queue[StudyTask | None] = queue.Queue()  # never more than `jobs` in it
        ended: queue.Queue[StudyRecord | Exception] = queue.Queue()
        threads = [
            threading.Thread(target=_serve, args=(worker, waiting, ended), name=f"batch {n}", daemon=True)
            for n, worker in enumerate(workers)
        ]
        for thread in threads:
            thread.start()
        running = 0
        try:
            for task in tasks:
                if running == self._jobs:
                    yield _taken(ended)
                    running -= 1
                begun(task.name)
                waiting.put(task)
                running += 1
            for _ in range(running):
                yield _taken(ended)
        finally:
            for worker in workers:
                worker.close()  # ends a study in the middle where the caller was interrupted
            for _ in threads:
                waiting.put(None)


def _serve(worker: Worker, waiting: queue.Queue[StudyTask | None], ended: queue.Queue[StudyRecord | Exception]) -> None:
    """One thread, one process: task after task."""
    while (task := waiting.get()) is not None:
        try:
            ended.put(do_in(worker, task))
        except Exception as problem:  # raised again where the batch runs
            ended.put(problem)
            return


def do_in(worker: Worker, task: StudyTask) -> StudyRecord:
    """The record of a task done in an engine process; one that crashes is started again once."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return worker.start(StudyJob(task)).wait()
        except WorkerError as problem:
            task.log.parent.mkdir(parents=True, exist_ok=True)
            with task.log.open("a", encoding="utf-8") as log:
                log.write(f"attempt {attempt} ended the engine's process: {problem}\n")
            reason = f"the engine's process ended {attempt} times; {problem}"
    return StudyRecord(task.name, "", reason=reason, fault=True)


def _taken(ended: queue.Queue[StudyRecord | Exception]) -> StudyRecord:
    found = ended.get()
    if isinstance(found, Exception):
        raise found
    return found
