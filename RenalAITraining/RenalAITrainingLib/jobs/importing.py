"""The import job: cases of another layout into a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from RenalAILib.errors import InputError
from RenalAILib.steps import Report

from .job_files import read_answer, write_answer


@dataclass(frozen=True)
class ImportJob:
    """What ``renalai dataset import`` does.

    Attributes:
        source: a folder of KiTS, nnU-Net, Decathlon, TotalSegmentator or DeepHealth; it is only read.
        dataset: made where there is none.
        reader: who drew the masks.
    """

    task: ClassVar[str] = "RenalAITrainingLib.jobs.importing:ImportJob"

    source: Path
    dataset: Path
    reader: str = "reader-1"

    def write(self, folder: Path) -> dict[str, Any]:
        return {"source": str(self.source), "dataset": str(self.dataset), "reader": self.reader}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> ImportJob:
        return cls(Path(fields["source"]), Path(fields["dataset"]), str(fields["reader"]))

    def run(self, output: Path, report: Report) -> None:
        from RenalAILib.pseudonyms import Pseudonyms

        from ..dataset.folder import INDEX, Dataset
        from ..dataset.importers.bringing import bring
        from ..dataset.importers.incoming import Options
        from ..dataset.importers.layouts import layout_of

        layout = layout_of(self.source)
        listed = layout.listed(self.source, Options())
        there = (self.dataset / INDEX).exists()
        dataset = Dataset.open(self.dataset) if there else Dataset.create(self.dataset, self.dataset.resolve().name)
        done = 0

        def told(line: str) -> None:
            nonlocal done
            done += 1
            report("import", done / (len(listed) + 1), line)

        brought = bring(dataset, listed, Pseudonyms.of_user(self.dataset), self.reader, told)
        if brought.refused and not brought.added and not brought.second and not brought.there:
            name, reason = brought.refused[0]
            raise InputError(f"no case of {self.source} could be used, the first ({name}) because: {reason}")
        write_answer(
            output,
            {
                "layout": layout.title,
                "added": len(brought.added),
                "there": brought.there,
                "refused": [list(each) for each in brought.refused],
                "cases": len(dataset),
            },
        )

    def load(self, output: Path) -> dict[str, Any]:
        """The layout in words; how many were added and there before; which were refused and why."""
        return read_answer(output)
