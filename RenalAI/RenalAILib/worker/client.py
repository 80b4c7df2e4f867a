"""The starter's side: a warm worker and its runs, polled by a timer's owner or waited for.

>>> worker = Worker()
>>> run = worker.start(CheckJob())  # doctest: +SKIP
>>> run.wait()["engines"]["onnxruntime on cpu"]  # doctest: +SKIP
'works'
>>> worker.close()
"""

from __future__ import annotations

import atexit
import queue
import shutil
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic

from ..errors import InputError
from .causes import cause
from .errors import CancelledError, WorkerError
from .job import OUTPUT, Job, Result, write_job
from .process import EngineProcess, default_command, default_environment
from .progress import FAILED, Progress

POLL_MS = 50
IDLE_S = 300.0


class Worker:
    """One engine process, started with the first job and kept warm between jobs. One job at a time.

    Args:
        command: the interpreter and module to start, see :func:`.process.default_command`.
        environment: of the process, see :func:`.process.default_environment`.
        idle_s: the process ends by itself after so long without a job.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        environment: dict[str, str] | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        self._command = command
        self._environment = environment
        self._idle_s = idle_s
        self._process: EngineProcess | None = None
        self._last_use = 0.0
        self._lock = threading.Lock()
        self._run: Run[Any] | None = None
        atexit.register(_close, weakref.ref(self))

    @property
    def pid(self) -> int | None:
        """The process, where one is alive."""
        process = self._process
        return process.pid if process is not None and process.alive else None

    @property
    def busy(self) -> bool:
        return self._run is not None and self._run.running

    def start(self, job: Job[Result]) -> Run[Result]:
        """Starts a job and returns at once: files, process and result are the business of a thread.

        Raises:
            RuntimeError: the worker is busy.
        """
        if self.busy:
            raise RuntimeError("the worker is busy; wait for its job or cancel it")
        run = Run(job, self)
        self._run = run
        run._begin()
        return run

    def close(self) -> None:
        """Ends the process, with its job if there is one; the worker can be used again."""
        if self._run is not None and self._run.running:
            self._run.cancel()
            self._run.join()
        self._discard()

    def _obtain(self) -> EngineProcess:
        """The warm process, or a new one (also shortly before the warm one's idle time runs out)."""
        with self._lock:
            fresh = time.monotonic() - self._last_use < 0.9 * self._idle_s
            if self._process is not None and not (self._process.alive and fresh):
                self._process.kill()
                self._process.bury()
                self._process = None
            if self._process is None:
                environment = self._environment if self._environment is not None else default_environment()
                self._process = EngineProcess(self._command or default_command(), environment, self._idle_s)
            self._last_use = time.monotonic()
            return self._process

    def _used(self) -> None:
        self._last_use = time.monotonic()

    def _discard(self) -> int | None:
        """Kills the process if there is one; returns its exit code."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        return process.bury()


class Run(Generic[Result]):
    """One job on its way. All methods but the private ones belong to the thread that started it.

    Attributes:
        job: what was asked for.
        progress: the latest step, as of the last :meth:`poll`.
    """

    def __init__(self, job: Job[Result], worker: Worker) -> None:
        self.job = job
        self.progress = Progress("start", 0.0)
        self._worker = worker
        self._steps: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._process: EngineProcess | None = None
        self._result: Result | None = None
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="RenalAI run", daemon=True)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def poll(self) -> bool:
        """Takes the steps that have arrived into :attr:`progress`; returns whether the run goes on."""
        going = self.running  # before the queue: the last step is in it when the thread is over
        while not self._steps.empty():
            self.progress = self._steps.get()
        return going

    def cancel(self) -> None:
        """Ends the job and its process tree; returns at once, the files are gone when :attr:`running` is False."""
        self._cancelled.set()
        if self._process is not None:
            self._process.kill()

    def join(self, timeout_s: float | None = None) -> None:
        """Waits until the run is over, however it ends."""
        self._thread.join(timeout_s)
        self.poll()

    def result(self) -> Result:
        """What the job gave.

        Raises:
            InputError: the input was bad; the text is for the user.
            CancelledError: :meth:`cancel` was called.
            WorkerError: the worker crashed or met a fault.
            RuntimeError: the run is not over.
        """
        if self.running:
            raise RuntimeError("the run is not over")
        if self._problem is not None:
            raise self._problem
        assert self._result is not None
        return self._result

    def wait(self, on_progress: Callable[[Progress], None] | None = None) -> Result:
        """Waits in a plain loop and returns the result; ``on_progress`` is called with each step."""
        seen = self.progress
        while True:
            going = self.poll()
            if on_progress is not None and self.progress is not seen:
                seen = self.progress
                on_progress(seen)
            if not going:
                return self.result()
            self._thread.join(POLL_MS / 1000)

    def _begin(self) -> None:
        self._thread.start()

    def _work(self) -> None:
        """The whole life of the run, in its thread. No Qt, no MRML in here."""
        folder: Path | None = None
        try:
            self._process = self._worker._obtain()
            if self._cancelled.is_set():
                return
            folder = self._process.folder / f"job-{time.monotonic_ns()}"
            folder.mkdir()
            self._result = self._exchange(self._process, folder)
        except OSError as problem:  # a full disk, a folder that may not be written: on this side of the pipe
            self._problem = WorkerError(cause(1, str(problem)), traceback.format_exc())
        except Exception as problem:  # delivered by result(): nothing is lost in a thread
            self._problem = problem
        finally:
            if self._cancelled.is_set():
                self._worker._discard()
                self._problem = CancelledError("cancelled")
                self._result = None
            elif folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            self._worker._used()

    def _exchange(self, process: EngineProcess, folder: Path) -> Result:
        path = write_job(self.job, folder)
        process.send(str(path))
        while (line := process.receive()) is not None:
            step = Progress.parse(line)
            if step is None:
                continue
            if step.stage == FAILED:
                if step.exit_code == 2:
                    raise InputError(step.message)
                log = "\n".join(filter(None, [process.log, step.message]))
                raise WorkerError(cause(step.exit_code, log), log)
            if step.ends:
                result = self.job.load(folder / OUTPUT)
                self._steps.put(step)
                return result
            self._steps.put(step)
        process.kill()  # children of a crashed worker
        code = self._worker._discard()
        raise WorkerError(cause(1 if code is None else code, process.log), process.log)


def _close(reference: weakref.ref[Worker]) -> None:
    worker = reference()
    if worker is not None:
        worker.close()
