"""Killing a program with SIGKILL, its engines' processes included."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from typing import Any

import pytest


def kill_with_engines(process: subprocess.Popen[Any]) -> None:
    """SIGKILL; returns when the engines have noticed, each in its own time, that their starter is gone.

    What the next start meets is then what the kill left, and not what an engine still writes. Nothing happens to a
    program that is over.
    """
    psutil = pytest.importorskip("psutil", reason="psutil finds the engines' processes; it comes with Dask")
    process.send_signal(signal.SIGSTOP)  # so that it starts no engine while we look
    engines = []
    with contextlib.suppress(psutil.NoSuchProcess):
        engines = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait(200)
    end = time.monotonic() + 200
    while any(_works(engine, psutil) for engine in engines):
        assert time.monotonic() < end, f"an engine outlives its starter: {engines}"
        time.sleep(0.02)


def _works(process: Any, psutil: Any) -> bool:
    """Whether a process lives on; one that nobody has buried yet does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
