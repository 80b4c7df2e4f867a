"""Metrics as JSON lines and as TensorBoard events, both cut back to the checkpoint on resume."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from RenalAILib.errors import InputError

from .tensorboard_events import ScalarEvents


class MetricsLog:
    """``metrics.jsonl``: one line per event with its ``step``; what a live curve reads. The same in ``tensorboard/``.

    Args:
        folder: the run's.
        keep_to: events after this step are dropped: they belong to work that a kill undid.
    """

    def __init__(self, folder: Path, keep_to: int = 0) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [line for line in read_metrics(self.path) if line["step"] <= keep_to] if keep_to else []
        beside = self.path.with_suffix(".part")
        beside.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        beside.replace(self.path)
        self._events = ScalarEvents(folder / "tensorboard")
        for line in kept:
            self._mirror(line["event"], line["step"], line)

    def write(self, event: str, step: int, **values: Any) -> None:
        """Append one line and flush it. Raises InputError where the disk is full."""
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"event": event, "step": step} | values) + "\n")
            self._mirror(event, step, values)
        except OSError as error:
            raise InputError(
                f"{self.path} could not be written ({error.strerror or error}); put that right and resume: the last"
                " checkpoint stays"
            ) from error

    def _mirror(self, event: str, step: int, values: Mapping[str, Any]) -> None:
        numbers = {
            f"{event}/{name}": float(value)
            for name, value in values.items()
            if isinstance(value, (int, float)) and name != "step"
        }
        if numbers:
            self._events.write(step, numbers)

    def close(self) -> None:
        """Say that no more comes; every line is on its way to the disk already."""
        self._events.close()


class NoLog:
    """Takes the place of a `MetricsLog` in processes that write nothing."""

    def write(self, event: str, step: int, **values: Any) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All whole lines of a metrics file; none where it does not exist. A last, torn line is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
