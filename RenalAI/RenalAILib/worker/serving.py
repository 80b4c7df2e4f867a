"""The worker's own side: does one job, or stays warm and does the jobs it is sent."""

from __future__ import annotations

import os
import queue
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TextIO

from ..errors import InputError
from .job import OUTPUT, read_job
from .progress import DONE, FAILED, Progress

Emit = Callable[[Progress], None]
_LEAVE_S = 2.0


def progress_stream() -> TextIO:
    """The standard output for progress alone: whatever else prints there goes to the standard error from now on."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return stream


def do_job(path: Path, emit: Emit) -> int:
    """Does the job of a job file; results appear in ``output`` beside it, all or nothing.

    Returns:
        The exit code of the command line: 0 done, 2 bad input, 1 a fault of the program.
    """
    reached = 0.0

    def report(stage: str, fraction: float, message: str = "") -> None:
        nonlocal reached
        reached = max(reached, min(float(fraction), 1.0))  # never backwards, whatever a stage thinks of itself
        emit(Progress(stage, reached, message))

    partial = path.parent / f"{OUTPUT}.partial"
    try:
        job = read_job(path)
        partial.mkdir()
        job.run(partial, report)
        partial.rename(path.parent / OUTPUT)
    except InputError as problem:
        emit(Progress(FAILED, reached, str(problem), 2))
        return 2
    except Exception:  # the last line of defence of the process: the traceback travels to whoever waits
        emit(Progress(FAILED, reached, traceback.format_exc(), 1))
        return 1
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    emit(Progress(DONE, 1.0))
    return 0


def serve(folder: Path, emit: Emit, idle_s: float) -> None:
    """Does the jobs named on the standard input, one path a line, until it closes or ``idle_s`` pass without one.

    ``folder`` holds the jobs and is removed at the end. A closed input means that the starter is gone, also when it
    crashed: the process then ends at once, in the middle of a job if need be.
    """
    paths: queue.Queue[Path] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            paths.put(Path(line.rstrip("\n")))
        _leave(folder)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        try:
            path = paths.get(timeout=idle_s)
        except queue.Empty:
            _leave(folder)  # the listening thread still waits on the input; a normal exit would wait for its lock
        try:
            do_job(path, emit)
        except OSError:  # nobody hears what is emitted: the starter is gone, and the other thread may not know it yet
            _leave(folder)


def _leave(folder: Path) -> NoReturn:
    """Ends the process at once; the folder goes first, though a job in another thread may still write into it."""
    end = time.monotonic() + _LEAVE_S
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)
