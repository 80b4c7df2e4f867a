"""Archive: what a PACS can do for us, by whatever protocol."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class PacsError(Exception):
    """The PACS did not do what it was asked for.

    Attributes:
        passing: worth another try: no connection, a time limit, an overloaded server.
    """

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True)
class Query:
    """Which studies are looked for; empty fields match all. Texts may hold ``*`` and ``?``.

    Attributes:
        date: a day or a range, ``YYYYMMDD`` or ``YYYYMMDD-YYYYMMDD``, either end open.
        modality: of at least one series.
    """

    study_uid: str = ""
    patient_id: str = ""
    accession: str = ""
    date: str = ""
    description: str = ""
    modality: str = "CT"


@dataclass(frozen=True)
class StudyEntry:
    """A study as the PACS lists it."""

    uid: str
    date: str
    description: str
    patient_id: str
    accession: str


@dataclass(frozen=True)
class SeriesEntry:
    """A series as the PACS lists it.

    Attributes:
        instances: how many the PACS has now.
    """

    uid: str
    modality: str
    description: str
    instances: int


class Archive(Protocol):
    """A PACS. Every method raises :class:`PacsError`."""

    def find(self, query: Query) -> list[StudyEntry]:
        """The studies that match."""
        ...

    def series(self, study_uid: str) -> list[SeriesEntry]:
        """The series of a study."""
        ...

    def fetch(self, study_uid: str, series_uid: str, folder: Path) -> int:
        """Writes each instance of a series as ``SOPInstanceUID.dcm`` into ``folder``; returns their number."""
        ...

    def present(self, study_uid: str, series_uid: str, instance_uids: Collection[str]) -> set[str]:
        """Those of the instances that the PACS has."""
        ...

    def store(self, files: Sequence[Path]) -> None:
        """Hands DICOM files over; when it returns, the PACS has taken each."""
        ...
