"""Exchange: a study comes whole or not at all, and a result goes to the PACS once, whoever dies on the way."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .archive import Archive, PacsError, SeriesEntry
from .retrying import Patience


def fetch_study(archive: Archive, study_uid: str, folder: Path, patience: Patience) -> list[SeriesEntry]:
    """Fetches every CT series of a study into ``folder/SERIES_UID/``, each whole or not at all.

    A series that lies there already with all its instances is not fetched again.

    Returns:
        the series, in the PACS's order.

    Raises:
        PacsError: the PACS failed and went on failing.
        InputError: the study has no CT.
    """
    wanted = [entry for entry in patience(lambda: archive.series(study_uid)) if entry.modality == "CT"]
    if not wanted:
        raise InputError(f"the study {study_uid} has no CT in this PACS")
    for entry in wanted:
        target = folder / entry.uid
        if target.is_dir() and len(list(target.iterdir())) >= entry.instances:
            continue
        patience(lambda entry=entry, target=target: _fetch_series(archive, study_uid, entry, target))  # type: ignore[misc]
    return wanted


def _fetch_series(archive: Archive, study_uid: str, entry: SeriesEntry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{entry.uid}.*"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    new = target.with_name(f".{entry.uid}.{secrets.token_hex(4)}")
    new.mkdir()
    try:
        archive.fetch(study_uid, entry.uid, new)
        count = len(list(new.iterdir()))
        if count < entry.instances:
            raise PacsError(f"the PACS sent {count} of {entry.instances} instances of a series", passing=True)
        if target.exists():
            shutil.rmtree(target)  # an older state of the series, with fewer instances
        os.rename(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@dataclass(frozen=True)
class Sent:
    """What became of the files of a result: sent now, or there before."""

    sent: tuple[str, ...]
    there: tuple[str, ...]


def send_files(archive: Archive, files: Sequence[Path], patience: Patience) -> Sent:
    """Hands over the files that the PACS does not have yet, and makes sure that it has them all afterwards.

    The instances' UIDs follow from their content (:mod:`RenalAILib.dicom.identity`): what is made again after a crash
    is the same object. The PACS is asked before, again before every new attempt, and afterwards; so a connection that
    broke between the storing and the answer leads to no second object, and a lost one is sent again.

    Raises:
        PacsError: the PACS failed and went on failing, or took files and does not show them.
        InputError: a file is no DICOM object.
    """
    objects = [_Object.of(path) for path in files]
    there = _present(archive, objects, patience)
    sent: list[str] = []
    for item in objects:
        if item.uid in there:
            continue

        tried = False

        def attempt(item: _Object = item) -> None:
            nonlocal tried
            if tried and item.uid in archive.present(item.study, item.series, [item.uid]):
                return  # it had arrived; only the answer was lost
            tried = True
            archive.store([item.path])

        patience(attempt)
        sent.append(item.uid)
    missing = {item.uid for item in objects} - _present(archive, objects, patience)
    if missing:
        raise PacsError(f"the PACS took {len(missing)} objects and does not have them", passing=True)
    return Sent(tuple(sent), tuple(sorted(there)))


def result_files(folder: Path) -> list[Path]:
    """The DICOM objects of a result folder, or of any folder: every ``.dcm`` file in it."""
    return sorted(folder.glob("*.dcm"))


@dataclass(frozen=True)
class _Object:
    path: Path
    study: str
    series: str
    uid: str

    @classmethod
    def of(cls, path: Path) -> _Object:
        import pydicom
        from pydicom.errors import InvalidDicomError

        try:
            data = pydicom.dcmread(path, stop_before_pixels=True)
            return cls(path, str(data.StudyInstanceUID), str(data.SeriesInstanceUID), str(data.SOPInstanceUID))
        except (InvalidDicomError, AttributeError, OSError) as problem:
            raise InputError(f"{path.name} is no DICOM object that a PACS takes: {problem}") from problem


def _present(archive: Archive, objects: Sequence[_Object], patience: Patience) -> set[str]:
    series: dict[tuple[str, str], list[str]] = {}
    for item in objects:
        series.setdefault((item.study, item.series), []).append(item.uid)
    found: set[str] = set()
    for (study, one), uids in series.items():
        found |= patience(lambda study=study, one=one, uids=uids: archive.present(study, one, uids))  # type: ignore[misc]
    return found
