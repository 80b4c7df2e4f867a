"""Task and record: what is to be done with one study, and what became of it. Both travel as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..version import __version__

Number = float | int | str | None


@dataclass(frozen=True)
class Weights:
    """Which networks run, and how.

    Attributes:
        bundle: name or folder.
        sha256: of the bundle: another one under the same name is refused.
    """

    bundle: str
    sha256: str
    fast: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class StudyTask:
    """One CT to segment.

    Attributes:
        name: of the study in the batch; also the beginning of its result folder's name.
        source: file or folder of the CT.
        series: for DICOM, the UID or number of the series; None for the best one.
        second_phase: the same patient's CT in another phase, or None.
        dicom: whether the result holds DICOM objects for the PACS.
        phases: whether what is found is measured in the study's other contrast phases too.
        output: the batch's folder.
    """

    name: str
    source: str
    output: str
    weights: Weights
    series: str | None = None
    second_phase: str | None = None
    dicom: bool = False
    phases: bool = False

    @property
    def sources(self) -> tuple[Path, Path | None]:
        """The CT and its second phase."""
        return Path(self.source), Path(self.second_phase) if self.second_phase else None

    def key(self, content: str) -> str:
        """SHA-256 of everything the result depends on: the content (a digest or a stamp), weights, options, program."""
        weights = self.weights
        told = [content, weights.sha256, weights.fast, self.series, self.dicom, self.phases, __version__]
        return hashlib.sha256(json.dumps(told).encode("utf-8")).hexdigest()

    def folder(self, key: str) -> Path:
        """Where the result of ``key`` lies. Nothing but a complete result is ever there."""
        return Path(self.output) / "results" / f"{self.name}-{key[:12]}"

    @property
    def log(self) -> Path:
        """The study's own log."""
        return Path(self.output) / "logs" / f"{self.name}.log"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StudyTask:
        return cls(**{**data, "weights": Weights(**data["weights"])})


@dataclass(frozen=True)
class StudyRecord:
    """What became of a task.

    Attributes:
        name: of the study.
        wish: the task's key with the source's stamp: while it stays the same there is nothing to do again.
        key: the task's key with the source's digest; None where the content could not be read.
        folder: of the result, relative to the batch; None where the study failed.
        reused: the result was there already, whole, from a run that was killed before it could say so.
        reason: why the study failed, in one sentence.
        fault: it failed by no fault of its input.
        seconds: on the clock, with everything.
        cpu_s: of all cores: on a busy machine the number to compare.
        timings_s: by stage.
        memory_mib: held by the process after the study.
        measured: what the cohort's table shows of the findings.
        sent, there: DICOM objects that the PACS took, and that it had before.
    """

    name: str
    wish: str
    key: str | None = None
    folder: str | None = None
    reused: bool = False
    reason: str | None = None
    fault: bool = False
    seconds: float = 0.0
    cpu_s: float = 0.0
    timings_s: Mapping[str, float] = field(default_factory=dict)
    memory_mib: float = 0.0
    measured: Mapping[str, Number] = field(default_factory=dict)
    sent: int = 0
    there: int = 0

    @property
    def done(self) -> bool:
        return self.folder is not None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
