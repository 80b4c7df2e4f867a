"""The worker as the starter sees it: an operating system process with its folder, its lines and its children."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

LOG_LINES = 40


def default_command() -> list[str]:
    """How to start a Python that sees the engine: Slicer's own interpreter inside Slicer, else the running one."""
    return [shutil.which("PythonSlicer") or sys.executable, "-u", "-m", "RenalAILib.worker"]


def default_environment() -> dict[str, str]:
    """This process's environment with the folder of the engine first on Python's path."""
    environment = dict(os.environ)
    folder = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, environment.get("PYTHONPATH")]))
    environment["PYTHONIOENCODING"] = "utf-8"
    return environment


class EngineProcess:
    """A started worker. It leads a process group of its own, so that launcher, interpreter and children end together.

    Attributes:
        folder: a temporary folder for its jobs; the worker removes it when it ends by itself, :meth:`kill` when not.
    """

    def __init__(self, command: Sequence[str], environment: dict[str, str], idle_s: float) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="renalai-"))
        if sys.platform == "win32":
            flags, session = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW, False
        else:
            flags, session = 0, True
        try:
            self._popen = subprocess.Popen(
                [*command, "--serve", str(self.folder), "--idle", str(idle_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=environment,
                creationflags=flags,
                start_new_session=session,
            )
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._tail: deque[str] = deque(maxlen=LOG_LINES)
        self._drain = threading.Thread(target=self._read_log, daemon=True)
        self._drain.start()
        if sys.platform != "win32":
            threading.Thread(target=self._end_orphans, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def log(self) -> str:
        """The last lines that the worker wrote beside its progress."""
        return "\n".join(self._tail)

    def send(self, line: str) -> None:
        """Sends one line. A process that is gone shows in :meth:`receive`, not here."""
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):
            self._popen.stdin.write(line + "\n")
            self._popen.stdin.flush()

    def receive(self) -> str | None:
        """Waits for the next line; None when the process has ended."""
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        return line.rstrip("\n") if line else None

    def kill(self) -> None:
        """Ends the process and all its children, without waiting for it."""
        if self._popen.returncode is not None:
            return  # already reaped: its number may belong to another process by now
        if sys.platform == "win32":
            command = ["taskkill", "/T", "/F", "/PID", str(self.pid)]
            subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NO_WINDOW,
            )
        else:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.killpg(self.pid, signal.SIGKILL)

    def bury(self, timeout_s: float = 10.0) -> int:
        """Waits for the end, takes the last lines, removes the folder; returns the exit code."""
        code = self._popen.wait(timeout_s)
        self._drain.join(1.0)
        for stream in (self._popen.stdin, self._popen.stdout):
            with contextlib.suppress(OSError):  # a line that the dead process never read
                if stream is not None:
                    stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def _end_orphans(self) -> None:
        """Kills what a dead process leaves behind: helpers of its libraries hold its pipes open, and as long as they do
        :meth:`receive` would wait for a line of the dead."""
        with contextlib.suppress(ChildProcessError):  # somebody took its exit code already
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)  # not reaped: the number stays its own
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing was left
            os.killpg(self.pid, signal.SIGKILL)

    def _read_log(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr as stream:
            for line in stream:
                self._tail.append(line.rstrip("\n"))
