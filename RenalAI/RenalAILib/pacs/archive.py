"""Archive: what a PACS can do for us, by whatever protocol."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..batch.supply import SupplyError

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")  # PS3.5 9.1 has digits and dots; archives hold others too


class PacsError(SupplyError):
    """The PACS did not do what it was asked for.

    Attributes:
        passing: worth another try: no connection, a time limit, an overloaded server.
    """

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


def checked_uid(uid: str) -> str:
    """The UID, which will be the name of a file or a folder. Raises PacsError where it could lead out of ours.

    Example:
        >>> checked_uid("1.2.840.10008")
        '1.2.840.10008'
        >>> checked_uid("../secret")
        Traceback (most recent call last):
        ...
        RenalAILib.pacs.archive.PacsError: the PACS gives '../secret' for a UID
    """
    if not _UID.fullmatch(uid):
        raise PacsError(f"the PACS gives {uid!r} for a UID", passing=False)
    return uid


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
    """A study as the PACS lists it. Raises PacsError for a UID that is none."""

    uid: str
    date: str
    description: str
    patient_id: str
    accession: str

    def __post_init__(self) -> None:
        checked_uid(self.uid)


@dataclass(frozen=True)
class SeriesEntry:
    """A series as the PACS lists it. Raises PacsError for a UID that is none.

    Attributes:
        instances: how many the PACS has now.
    """

    uid: str
    modality: str
    description: str
    instances: int

    def __post_init__(self) -> None:
        checked_uid(self.uid)


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
