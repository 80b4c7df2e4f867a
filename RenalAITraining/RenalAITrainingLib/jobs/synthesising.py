"""The synthesise job: training samples from real scans, real shapes and phantoms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from RenalAILib.steps import Report

from .job_files import read_answer, write_answer


@dataclass(frozen=True)
class SynthesiseJob:
    """What ``renalai dataset synthesise`` does; one that was cancelled goes on where it was.

    Attributes:
        data: folder with ``ct/`` and ``kits23_masks/``.
        stage: the network the samples are for.
        count: how many of this seed there shall be.
        seed: of everything random.
        samples: folder of samples; continued if there.
    """

    task: ClassVar[str] = "RenalAITrainingLib.jobs.synthesising:SynthesiseJob"

    data: Path
    stage: str
    count: int
    seed: int
    samples: Path

    def write(self, folder: Path) -> dict[str, Any]:
        return vars(self) | {"data": str(self.data), "samples": str(self.samples)}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> SynthesiseJob:
        return cls(**fields | {"data": Path(fields["data"]), "samples": Path(fields["samples"])})

    def run(self, output: Path, report: Report) -> None:
        from ..samples import SampleStore
        from ..stages import Stage
        from ..synthesis.filling import synthesise

        written = 0
        for wanted in range(1, self.count + 1):  # what a draw gives depends on nothing before it
            report("synthesise", (wanted - 1) / self.count, f"Sample {wanted} of {self.count}")
            written += synthesise(self.data, cast(Stage, self.stage), wanted, self.seed, self.samples)
        write_answer(
            output, {"written": written, "samples": len(SampleStore(self.samples).stage(cast(Stage, self.stage)))}
        )

    def load(self, output: Path) -> dict[str, Any]:
        """How many were written, and how many of the stage there are now."""
        return read_answer(output)
