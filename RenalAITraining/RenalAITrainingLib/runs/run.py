"""Run: one training as others see it, from its folder alone. Nothing here imports more than the standard library."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from RenalAILib.errors import InputError
from RenalAILib.worker.process import default_environment

from ..training.metrics_log import read_metrics
from .lock import holder
from .plan import LOG, PLAN, STOP, RunPlan, State, Status

START_S = 60.0
"""How long a started process may take until it holds its lock."""

_LOG_LINES = 40


def run_command() -> list[str]:
    """How to start a Python for a run's process: Slicer's own interpreter inside Slicer, else the running one."""
    return [shutil.which("PythonSlicer") or sys.executable, "-u", "-m", "RenalAITrainingLib.runs"]


def training_environment() -> dict[str, str]:
    """The environment of a process that sees the engine and this library."""
    environment = default_environment()
    folder = str(Path(__file__).resolve().parents[2])
    paths = environment["PYTHONPATH"].split(os.pathsep)
    environment["PYTHONPATH"] = os.pathsep.join([folder, *(path for path in paths if path != folder)])
    return environment


class TrainingRun:
    """The run in ``folder``.

    Raises:
        InputError: there is none, or its plan is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = RunPlan.read(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def create(cls, runs: Path, plan: RunPlan) -> TrainingRun:
        """A new run in a folder of its own below ``runs``, named after its recipe. Raises InputError."""
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(plan.recipe).stem) or "run"
        for number in range(1, 10_000):
            folder = runs / f"{stem}-{number}"
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as problem:
                raise InputError(f"{folder} cannot be made: {problem.strerror or problem}") from problem
            plan.write(folder)
            return cls(folder)
        raise InputError(f"{runs} holds too many runs of {stem}")

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.name

    @property
    def best(self) -> Path:
        """The weights of the best validation."""
        return self.folder / "best.pt"

    @property
    def resumable(self) -> bool:
        """Whether starting it again goes on with it."""
        return self.status().state in (State.STOPPED, State.FAILED, State.INTERRUPTED)

    def status(self) -> Status:
        """Where it stands: what its process wrote, checked against whether that process lives."""
        told = Status.read(self.folder)
        if told is None:
            return Status(State.STOPPED)
        if not told.state.active:
            return told
        if holder(self.folder) is not None:
            return told
        again = Status.read(self.folder) or told  # it may have ended between the two looks
        if not again.state.active:
            return again
        ended = self._process is not None and self._process.poll() is not None
        if again.state is State.STARTING and not ended and time.time() - again.time < START_S:
            return again
        return replace(again, state=State.INTERRUPTED, message=self._last_words())

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl``, see `MetricsLog`."""
        return read_metrics(self.folder / "metrics.jsonl")

    def log(self) -> str:
        """The last lines that the process printed."""
        try:
            text = (self.folder / LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-_LOG_LINES:])

    def start(self, command: Sequence[str] | None = None, environment: dict[str, str] | None = None) -> None:
        """Start or resume it, in a session of its own that outlives this process.

        Args:
            command: interpreter and module, see `run_command`; the folder is added.
            environment: see `training_environment`.

        Raises:
            InputError: it runs already, or cannot be started.
        """
        if self.status().state.active:
            raise InputError(f"{self.name} is being trained already")
        (self.folder / STOP).unlink(missing_ok=True)
        before = Status.read(self.folder) or Status(State.STARTING)
        replace(before, state=State.STARTING, message="", time=time.time(), seconds_per_step=0.0).write(self.folder)
        try:
            with open(self.folder / LOG, "ab") as log:
                self._process = subprocess.Popen(
                    [*(command or run_command()), str(self.folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment if environment is not None else training_environment(),
                    cwd=self.folder,
                    **_detached(),
                )
        except OSError as problem:
            replace(before, state=State.FAILED, message=str(problem), time=time.time()).write(self.folder)
            raise InputError(f"{self.name} could not be started: {problem.strerror or problem}") from problem

    def stop(self) -> None:
        """Ask it to save and end; it does so after the step it is in."""
        (self.folder / STOP).touch()

    def kill(self) -> None:
        """End it at once, with its children; what it did since its last checkpoint is lost."""
        number = holder(self.folder)
        if number is None:
            return
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(number)], capture_output=True, check=False)
            return
        with contextlib.suppress(ProcessLookupError):
            group = os.getpgid(number)
            if group == os.getpgid(0):  # started by hand in our own session
                os.kill(number, signal.SIGKILL)
            else:
                os.killpg(group, signal.SIGKILL)  # the launcher goes with the interpreter behind it

    def _last_words(self) -> str:
        lines = [line for line in self.log().splitlines() if line.strip()]
        return lines[-1] if lines else ""


def runs_in(folder: Path) -> list[TrainingRun]:
    """The runs below ``folder``, the newest first; folders that are none are passed over."""
    found = []
    for path in folder.glob(f"*/{PLAN}"):
        with contextlib.suppress(InputError):
            found.append((path.stat().st_mtime, path.parent.name, TrainingRun(path.parent)))
    return [run for _, _, run in sorted(found, key=lambda each: each[:2], reverse=True)]


def _detached() -> dict[str, Any]:
    """Options of Popen for a process that lives on when this one ends."""
    if sys.platform == "win32":
        quiet = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | quiet}
    return {"start_new_session": True}
