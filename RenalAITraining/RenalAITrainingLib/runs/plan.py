"""Plan: what a run shall train, as ``run.json`` in its folder; and status: where it stands, as ``status.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from RenalAILib.errors import InputError
from RenalAILib.writing.whole import write_text

SCHEMA = "renalai.run/1"
PLAN, STATUS, LOG, STOP = "run.json", "status.json", "log.txt", "stop"


@dataclass(frozen=True)
class RunPlan:
    """One training from a dataset to its best weights.

    Attributes:
        recipe: a shipped recipe's name, or a .yaml file.
        title: of the recipe, in words.
        stage: the network it trains.
        samples: folder of cached samples; those of the dataset are cut into it first.
        dataset: with a split; empty where the samples alone are trained on.
        variants: samples of each kidney or mass, jittered.
        seed: of weights, order and augmentation.
        minutes: of training in place of the recipe's length; None for the whole of it.
        threads: of torch; None leaves torch's choice.
        device: ``auto``, ``cpu`` or ``cuda``.
        fold: the fold that validates, of a split in folds.
    """

    recipe: str
    title: str
    stage: str
    samples: str
    dataset: str = ""
    variants: int = 1
    seed: int = 0
    minutes: float | None = None
    threads: int | None = None
    device: str = "auto"
    fold: int | None = None

    def write(self, folder: Path) -> None:
        """Into a run's folder. Raises InputError where it cannot be written."""
        write_text(folder / PLAN, json.dumps({"schema": SCHEMA} | asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> RunPlan:
        """The plan of a run.

        Raises:
            InputError: the folder holds none, or it is damaged.
        """
        path = folder / PLAN
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            if told.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            return cls(**told)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
            raise InputError(f"{path} cannot be read as the plan of a run ({problem})") from problem


class State(Enum):
    """Where a run stands."""

    STARTING = "starting"
    PREPARING = "preparing"
    TRAINING = "training"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # never written: the process is gone and said nothing

    @property
    def active(self) -> bool:
        """Whether a process is at work."""
        return self in (State.STARTING, State.PREPARING, State.TRAINING)


@dataclass(frozen=True)
class Status:
    """What the process last wrote.

    Attributes:
        state: see `State`.
        message: a sentence for the user: what is being prepared, why it failed.
        time: of writing, seconds since 1970.
        step, total_steps, progress: of the training; progress is 0 to 1.
        elapsed_s: of training in all, over every resume.
        seconds_per_step: measured since this start, validations included; 0 before the first steps.
        best_score, best_step: of the validations.
    """

    state: State
    message: str = ""
    time: float = 0.0
    step: int = 0
    total_steps: int = 0
    progress: float = 0.0
    elapsed_s: float = 0.0
    seconds_per_step: float = 0.0
    best_score: float | None = None
    best_step: int = 0

    @property
    def remaining_s(self) -> float | None:
        """How long the rest will take on this machine; None before it was measured."""
        if self.seconds_per_step <= 0 or not 0 < self.progress <= 1 or self.step < 1:
            return None
        return self.seconds_per_step * self.step * (1 - self.progress) / self.progress

    def write(self, folder: Path) -> None:
        """Into a run's folder. Raises InputError where it cannot be written."""
        write_text(folder / STATUS, json.dumps(asdict(self) | {"state": self.state.value}) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Status | None:
        """The last one; None where there is none or it cannot be read."""
        try:
            told: dict[str, Any] = json.loads((folder / STATUS).read_text(encoding="utf-8"))
            known = {field.name for field in fields(cls)}
            return cls(
                **{name: value for name, value in told.items() if name in known} | {"state": State(told["state"])}
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
