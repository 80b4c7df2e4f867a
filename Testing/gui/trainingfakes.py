"""Trainings and jobs of a few lines: the tabs are tested without a process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from RenalAILib.errors import InputError
from RenalAILib.worker.progress import Progress
from RenalAITrainingLib.runs.plan import RunPlan, State, Status

ROWS = "case,patient,phase,masses,histology,source,licence,readers,read,reference,repeats\n"


class FakeTicket:
    """A job that ends when the test says so."""

    def __init__(self, job: Any, on_progress: Any, on_end: Any) -> None:
        self.job, self.on_progress, self.on_end = job, on_progress, on_end
        self.progress = Progress("start", 0.0)
        self.running, self.answer, self.problem = True, None, None

    def cancel(self) -> None:
        from RenalAILib.worker.errors import CancelledError

        self.end(problem=CancelledError("cancelled"))

    def step(self, fraction: float, message: str) -> None:
        self.progress = Progress("work", fraction, message)
        self.on_progress(self)

    def end(self, answer: Any = None, problem: Exception | None = None) -> None:
        self.answer, self.problem, self.running = answer, problem, False
        self.on_end(self)

    def result(self) -> Any:
        if self.problem is not None:
            raise self.problem
        return self.answer


class FakeTraining:
    """A training whose state the test sets."""

    def __init__(self, folder: Path, plan: RunPlan) -> None:
        self.folder, self.plan = folder, plan
        folder.mkdir(parents=True)
        self.told = Status(State.STARTING)
        self.lines: list[dict[str, Any]] = []
        self.calls: list[str] = []

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def best(self) -> Path:
        return self.folder / "best.pt"

    @property
    def resumable(self) -> bool:
        return self.told.state in (State.STOPPED, State.FAILED, State.INTERRUPTED)

    def status(self) -> Status:
        return self.told

    def metrics(self) -> list[dict[str, Any]]:
        return self.lines

    def log(self) -> str:
        return "last words"

    def stop(self) -> None:
        self.calls.append("stop")
        (self.folder / "stop").touch()

    def kill(self) -> None:
        self.calls.append("kill")
        self.told = replace(self.told, state=State.INTERRUPTED)

    def train(self, step: int, total: int, seconds_per_step: float = 2.0) -> None:
        """The process has come to this step."""
        self.told = Status(State.TRAINING, "", 0.0, step, total, step / total, step * 2.0, seconds_per_step)
        self.lines = [
            {"event": "train", "step": n, "loss": 1 / n, "learning_rate": 0.1} for n in range(10, step + 1, 10)
        ]
        if step >= 20:
            self.lines.append({"event": "validation", "step": 20, "score": 0.5, "best": True})

    def finish(self, score: float = 0.9) -> None:
        """The process has come to its end."""
        (self.folder / "best.pt").write_bytes(b"weights")
        self.told = Status(State.FINISHED, "", 0.0, 40, 40, 1.0, 80.0, 2.0, score, 20)


class FakeLogic:
    """Remembers what was asked of it; folders hold fake trainings."""

    def __init__(self) -> None:
        self.tickets: list[FakeTicket] = []
        self.runs: list[FakeTraining] = []
        self.refuses: Exception | None = None

    def keepFolders(self, parameters: Any) -> None:
        """Nothing outlives a test."""

    def submit(self, job: Any, on_progress: Any, on_end: Any) -> FakeTicket:
        if self.refuses is not None:
            raise self.refuses
        self.tickets.append(FakeTicket(job, on_progress, on_end))
        return self.tickets[-1]

    def trainings(self, folder: Path) -> list[FakeTraining]:
        return [run for run in reversed(self.runs) if run.folder.is_relative_to(folder)]

    def startTraining(self, folder: Path, plan: RunPlan) -> FakeTraining:
        if self.refuses is not None:
            raise self.refuses
        name = f"{Path(plan.recipe).stem}-{1 + len(self.runs)}"
        self.runs.append(FakeTraining(folder / "runs" / name, plan))
        return self.runs[-1]

    def resumeTraining(self, training: FakeTraining) -> None:
        if training.told.state.active:
            raise InputError("is being trained already")
        (training.folder / "stop").unlink(missing_ok=True)
        training.told = replace(training.told, state=State.STARTING)


def dataset(
    parameters: Any,
    cases: int = 3,
    split: bool = True,
    masses: str = "left solid 20.0",
    readers: str = "reader-1",
    patients: int | None = None,
) -> None:
    """The small tables of a dataset, as the panel reads them."""
    folder = Path(parameters.datasetFolder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.yaml").write_text("images: []", encoding="utf-8")
    rows = [
        f"p{n}-a,p{n % (patients or cases)},unknown,{masses},unknown,own,own,{readers},,reader-1,1\n"
        for n in range(cases)
    ]
    (folder / "cases.csv").write_text(ROWS + "".join(rows), encoding="utf-8")
    if split:
        parts = {"training": cases - 2, "validation": 1, "test": 1}
        record = {"parts": {name: {"cases": count} for name, count in parts.items()}}
        (folder / "split.json").write_text(json.dumps(record), encoding="utf-8")
