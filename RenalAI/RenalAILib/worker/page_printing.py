"""The print page job: the report as a page that Slicer can print, its pictures cut in the worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..findings import Outcome
from ..radiologist.readings import Reading
from ..steps import Report
from .arrays import read_reported, write_reported

_PAGE = "page.html"


@dataclass(frozen=True)
class PrintPageJob:
    """The page of :func:`RenalAILib.report.print_page.print_page`.

    Attributes:
        outcome: what is reported.
        readings: the radiologist's answers, in order of time.
    """

    task: ClassVar[str] = "page"

    outcome: Outcome
    readings: tuple[Reading, ...]

    def write(self, folder: Path) -> dict[str, Any]:
        return write_reported(self.outcome, self.readings, folder)

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> PrintPageJob:
        return cls(*read_reported(fields, folder))

    def run(self, output: Path, report: Report) -> None:
        from ..pictures.figures import Figures
        from ..radiologist.edits import edited_segments, measured_again
        from ..report.print_page import print_page

        report("write", 0.1, self.outcome.volume.name)
        outcome = measured_again(self.outcome, edited_segments(self.outcome))
        figures, found = Figures(outcome), outcome.findings
        pictures = {mass.segment_id: figures.of_mass(mass) for mass in found.masses}
        page = print_page(found, figures.overview(), pictures, self.readings)
        (output / _PAGE).write_text(page, encoding="utf-8")

    def load(self, output: Path) -> str:
        """The page as HTML."""
        return (output / _PAGE).read_text(encoding="utf-8")
