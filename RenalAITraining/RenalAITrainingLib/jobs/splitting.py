"""The split job: which patients train, which validate, which test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from RenalAILib.steps import Report

from .job_files import read_answer, write_answer


@dataclass(frozen=True)
class SplitJob:
    """What ``renalai dataset split`` does.

    Attributes:
        dataset: its folder.
        ratio: such as "8:1:1"; empty for folds.
        folds: how many; 0 for a ratio.
        seed: of the draw.
        oversample: how often a case of a rare class is drawn at most.
    """

    task: ClassVar[str] = "RenalAITrainingLib.jobs.splitting:SplitJob"

    dataset: Path
    ratio: str = "8:1:1"
    folds: int = 0
    seed: int = 1
    oversample: int = 1

    def write(self, folder: Path) -> dict[str, Any]:
        return vars(self) | {"dataset": str(self.dataset)}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> SplitJob:
        return cls(**fields | {"dataset": Path(fields["dataset"])})

    def run(self, output: Path, report: Report) -> None:
        from ..dataset.folder import Dataset
        from ..dataset.split import parsed_ratio, split_by_ratio, split_in_folds

        report("split", 0.2, "Sharing out the patients")
        dataset = Dataset.open(self.dataset)
        if self.folds:
            made = split_in_folds(dataset.cases, self.folds, self.seed)
        else:
            made = split_by_ratio(dataset.cases, parsed_ratio(self.ratio), self.seed, self.oversample)
        dataset.set_split(made.parts, made.record, made.repeats)
        write_answer(output, made.record)

    def load(self, output: Path) -> dict[str, Any]:
        """The record of the split, as in ``split.json``."""
        return read_answer(output)
