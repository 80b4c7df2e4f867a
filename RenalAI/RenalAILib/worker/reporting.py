"""The report job: a result folder from an outcome that may have been kept in a scene since."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..findings import Outcome
from ..radiologist.readings import Reading
from ..steps import Report
from .arrays import read_reported, write_reported


@dataclass(frozen=True)
class ReportJob:
    """The files of :func:`RenalAILib.report.write_outcome`.

    Attributes:
        outcome: what is reported.
        readings: the radiologist's answers, in order of time.
        folder: absent, empty, or an older result; its parent is made where it does not exist.
    """

    task: ClassVar[str] = "report"

    outcome: Outcome
    readings: tuple[Reading, ...]
    folder: Path

    def write(self, folder: Path) -> dict[str, Any]:
        return {**write_reported(self.outcome, self.readings, folder), "folder": str(self.folder)}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> ReportJob:
        return cls(*read_reported(fields, folder), Path(fields["folder"]))

    def run(self, output: Path, report: Report) -> None:
        from ..errors import InputError
        from ..radiologist.edits import edited_segments, measured_again
        from ..report import write_outcome as write_report

        report("write", 0.1, self.folder.name)
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise InputError(f"{self.folder.parent} cannot be made: {problem.strerror}") from problem
        outcome = measured_again(self.outcome, edited_segments(self.outcome))
        paths = write_report(outcome, self.folder, readings=self.readings)
        (output / "paths.json").write_text(json.dumps({name: str(path) for name, path in paths.items()}), "utf-8")

    def load(self, output: Path) -> dict[str, Path]:
        """The path of each file by its name."""
        paths = json.loads((output / "paths.json").read_text(encoding="utf-8"))
        return {name: Path(path) for name, path in paths.items()}
