"""The DICOM job: files for the PACS from an outcome that may have been kept and changed in a scene since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import InputError
from ..findings import Outcome
from ..radiologist.readings import Reading
from ..steps import Report
from .arrays import read_reported, write_reported

_LIST = "written.txt"


@dataclass(frozen=True)
class DicomJob:
    """The files of :func:`RenalAILib.dicom.results.write_dicom_results`.

    Attributes:
        outcome: what is written.
        readings: the radiologist's answers, in order of time.
        source_files: the slices of the CT.
        folder: of the new files; made where it does not exist. Older files of the same names are replaced.
    """

    task: ClassVar[str] = "dicom"

    outcome: Outcome
    readings: tuple[Reading, ...]
    source_files: tuple[Path, ...]
    folder: Path

    def write(self, folder: Path) -> dict[str, Any]:
        return {
            **write_reported(self.outcome, self.readings, folder),
            "source_files": [str(path) for path in self.source_files],
            "folder": str(self.folder),
        }

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> DicomJob:
        source_files = tuple(Path(path) for path in fields["source_files"])
        return cls(*read_reported(fields, folder), source_files, Path(fields["folder"]))

    def run(self, output: Path, report: Report) -> None:
        from ..dicom.results import write_dicom_results
        from ..radiologist.edits import edited_segments

        report("write", 0.1, self.folder.name)
        edited = edited_segments(self.outcome)
        written = write_dicom_results(self.outcome, self.source_files, self.folder, self.readings, edited)
        if not written:
            raise InputError(f"{self.outcome.volume.name} has no kidney and no mass to write as DICOM")
        (output / _LIST).write_text("\n".join(written), encoding="utf-8")

    def load(self, output: Path) -> dict[str, Path]:
        """The files written, by name."""
        return {name: self.folder / name for name in (output / _LIST).read_text(encoding="utf-8").split("\n")}
