"""The DICOM segmentation job: one file for the PACS from an outcome that may have been kept in a scene since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..findings import Outcome
from ..report.readings import Reading
from .arrays import read_outcome, read_volume, write_outcome, write_volume
from .progress import Report


@dataclass(frozen=True)
class DicomSegJob:
    """The file of :func:`RenalAILib.dicom.segmentation_object.write_dicom_seg`.

    Attributes:
        outcome: what is written.
        readings: the radiologist's answers, in order of time.
        source_files: the slices of the CT.
        path: of the new file; its folder is made where it does not exist.
    """

    task: ClassVar[str] = "dicom-seg"

    outcome: Outcome
    readings: tuple[Reading, ...]
    source_files: tuple[Path, ...]
    path: Path

    def write(self, folder: Path) -> dict[str, Any]:
        write_outcome(self.outcome, folder)
        return {
            "volume": write_volume(self.outcome.volume, folder, "volume"),
            "readings": [reading.to_json() for reading in self.readings],
            "source_files": [str(path) for path in self.source_files],
            "path": str(self.path),
        }

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> DicomSegJob:
        outcome = read_outcome(read_volume(fields["volume"], folder), folder)
        return cls(
            outcome,
            tuple(Reading.from_json(entry) for entry in fields["readings"]),
            tuple(Path(path) for path in fields["source_files"]),
            Path(fields["path"]),
        )

    def run(self, output: Path, report: Report) -> None:
        from ..dicom.segmentation_object import write_dicom_seg

        report("write", 0.1, self.path.name)
        write_dicom_seg(self.outcome, self.source_files, self.path, readings=self.readings)

    def load(self, output: Path) -> Path:
        """Where the object was written."""
        return self.path
