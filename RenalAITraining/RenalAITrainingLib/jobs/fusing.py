"""The fuse job: one mask of several readers', for every case that has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from RenalAILib.errors import InputError
from RenalAILib.steps import Report

from .job_files import read_answer, write_answer


@dataclass(frozen=True)
class FuseJob:
    """What ``renalai dataset fuse`` does, by ``staple`` or ``majority``."""

    task: ClassVar[str] = "RenalAITrainingLib.jobs.fusing:FuseJob"

    dataset: Path
    method: str = "staple"

    def write(self, folder: Path) -> dict[str, Any]:
        return {"dataset": str(self.dataset), "method": self.method}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> FuseJob:
        return cls(Path(fields["dataset"]), str(fields["method"]))

    def run(self, output: Path, report: Report) -> None:
        from ..dataset.case import FUSED
        from ..dataset.folder import Dataset
        from ..dataset.fusion import fuse_case

        dataset = Dataset.open(self.dataset)
        chosen = [case for case in dataset if len(set(case.readers) - {FUSED}) > 1]
        if not chosen:
            raise InputError(f"{self.dataset} has no case with the masks of two readers")
        for number, case in enumerate(chosen):
            report("fuse", number / len(chosen), f"Case {number + 1} of {len(chosen)}")
            fuse_case(dataset, case, cast(Literal["staple", "majority"], self.method))
        write_answer(output, {"fused": [case.name for case in chosen]})

    def load(self, output: Path) -> dict[str, Any]:
        """The names of the cases."""
        return read_answer(output)
