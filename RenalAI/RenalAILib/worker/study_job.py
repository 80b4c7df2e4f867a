"""The study job: one task of a batch. The result lies in the batch's folder; what comes back is its record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..steps import Report
from ..study.task import StudyRecord, StudyTask


@dataclass(frozen=True)
class StudyJob:
    """One study of a batch, from its files to its result folder."""

    study: StudyTask

    task: ClassVar[str] = "study"

    def write(self, folder: Path) -> dict[str, Any]:
        return {"study": self.study.to_json()}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> StudyJob:
        return cls(StudyTask.from_json(fields["study"]))

    def run(self, output: Path, report: Report) -> None:
        from ..study.doing import do_study

        record = do_study(self.study, report)
        (output / "record.json").write_text(json.dumps(record.to_json()), encoding="utf-8")

    def load(self, output: Path) -> StudyRecord:
        return StudyRecord(**json.loads((output / "record.json").read_text(encoding="utf-8")))
