"""Request: what to measure on, how the networks run, and where the report goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What is asked of an evaluation, whatever is evaluated.

    Attributes:
        source: a dataset, or a folder of cases where reports of that kind allow one.
        part: of the dataset's split; None for all cases.
        output: folder of the report; absent, empty or an older report, which is replaced.
        device: ``auto``, ``cpu`` or ``cuda``.
        fast: one network in place of an ensemble.
    """

    source: Path
    part: str | None
    output: Path
    device: str = "auto"
    fast: bool = False
