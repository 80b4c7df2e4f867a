"""The check job: what is wrong with a dataset, and its contact sheets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from RenalAILib.steps import Report

from .job_files import read_answer, write_answer

if TYPE_CHECKING:
    from ..dataset.check import Inspected


@dataclass(frozen=True)
class CheckDatasetJob:
    """What ``renalai dataset check`` finds and draws."""

    task: ClassVar[str] = "RenalAITrainingLib.jobs.checking_dataset:CheckDatasetJob"

    dataset: Path

    def write(self, folder: Path) -> dict[str, Any]:
        return {"dataset": str(self.dataset)}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> CheckDatasetJob:
        return cls(Path(fields["dataset"]))

    def run(self, output: Path, report: Report) -> None:
        from RenalAILib.writing.whole import replaced_file

        from ..dataset.check import check
        from ..dataset.contact_sheet import ContactSheets
        from ..dataset.folder import Dataset

        dataset = Dataset.open(self.dataset)
        sheets = ContactSheets()

        def look(number: int, seen: Inspected) -> None:
            sheets.add(number, seen)
            report("check", number / (len(dataset) + 1), f"Case {number} of {len(dataset)}")

        findings = check(dataset, look)
        paths = []
        for number, page in enumerate(sheets.pages(), 1):
            path = self.dataset / f"contact-sheet-{number}.png"
            with replaced_file(path) as new:
                new.write_bytes(page)
            paths.append(str(path))
        found = [{"severity": each.severity.value, "case": each.case, "text": each.text} for each in findings]
        write_answer(output, {"cases": len(dataset), "findings": found, "sheets": paths})

    def load(self, output: Path) -> dict[str, Any]:
        """How many cases, the findings (severity, case, text) and the paths of the sheets."""
        return read_answer(output)
