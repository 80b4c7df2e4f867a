"""Sources: which studies there are. A folder is searched, a CSV says it; the order and the names never change."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..reading.dicom_header import is_dicom

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
_LABELS = re.compile(r"(label|segmentation|mask|\.seg\.nrrd)", re.IGNORECASE)
_COLUMNS = ("ct", "study", "series", "second_phase")


@dataclass(frozen=True)
class Found:
    """A study to segment: its name in the batch and where its CT is."""

    name: str
    source: Path
    series: str | None = None
    second_phase: Path | None = None


def find_studies(source: Path, pattern: str | None = None) -> list[Found]:
    """The studies of a folder or a CSV, by name.

    In a folder: every NIfTI, NRRD and MetaImage file below it whose name does not speak of labels, a segmentation or
    a mask; and of DICOM files every study (folders whose first file has one Study Instance UID are one study, and the
    best series of it will be taken). Hidden files and results of RenalAI are passed over. With ``pattern`` (as
    ``*/imaging.nii.gz``, relative to the folder) exactly the files and folders that match.

    A CSV has the columns ``ct`` and, where wanted, ``study``, ``series``, ``second_phase``; paths are relative to it.

    Raises:
        InputError: nothing is there, or the CSV is not such a one.
    """
    source = source.expanduser()
    if source.is_dir():
        paths = sorted(source.glob(pattern)) if pattern else sorted((*_files(source), *_dicom_studies(source)))
        found = [Found(_name(path, source), path.resolve()) for path in paths]
    elif source.suffix.lower() == ".csv" and source.is_file():
        found = list(_of_csv(source))
    else:
        raise InputError(f"{source} is neither a folder nor a .csv file")
    if not found:
        raise InputError(f"{source} holds no CT" + (f" that matches {pattern}" if pattern else ""))
    return sorted(_with_own_names(found), key=lambda study: study.name)


def part(studies: Sequence[Found], number: int, count: int) -> list[Found]:
    """The ``number``-th (from 0) of ``count`` parts, by name: a study stays in its part when others come and go.

    Example:
        >>> studies = [Found(name, Path(name)) for name in ("a", "b", "c", "d")]
        >>> sum(len(part(studies, n, 3)) for n in range(3))
        4
    """
    return [study for study in studies if int(_short_hash(study.name), 16) % count == number]


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        if "findings.json" in names:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if not name.startswith(".") and name.lower().endswith(_SUFFIXES) and not _LABELS.search(name):
                yield Path(where, name)


def _dicom_studies(folder: Path) -> Iterator[Path]:
    """For each Study Instance UID the deepest folder that holds it; single folders where others lie between."""
    studies: dict[str, list[Path]] = {}
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if "findings.json" in names:
            folders.clear()
            continue
        if (uid := _study_uid(Path(where), names)) is not None:
            studies.setdefault(uid, []).append(Path(where))
    for uid, places in studies.items():
        common = Path(os.path.commonpath(places))
        others = [place for other, found in studies.items() if other != uid for place in found]
        alone = not any(place.is_relative_to(common) for place in others)
        yield from [common] if alone else places


def _study_uid(folder: Path, names: Sequence[str]) -> str | None:
    """Of the folder's first DICOM image; only one file is opened as DICOM, for archives hold millions."""
    for name in sorted(names):
        path = folder / name
        if not name.startswith(".") and name != "DICOMDIR" and path.is_file() and is_dicom(path):
            import pydicom

            try:
                data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
            except Exception:  # damaged: reading it as a study will tell how
                return path.as_posix()
            return str(data.get("StudyInstanceUID") or folder.as_posix())
    return None


def _of_csv(path: Path) -> Iterator[Found]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        columns = rows.fieldnames or []
        if "ct" not in columns or not set(columns) <= set(_COLUMNS):
            raise InputError(f"{path.name} needs the column ct and knows {', '.join(_COLUMNS)}; it has: {columns}")
        for row in rows:
            if not row["ct"]:
                raise InputError(f"{path.name} has no ct in line {rows.line_num}")
            ct, second = path.parent / row["ct"], row.get("second_phase")
            yield Found(
                _tame(row.get("study") or _name(ct, path.parent)),
                ct.resolve(),
                row.get("series") or None,
                (path.parent / second).resolve() if second else None,
            )


def _with_own_names(found: Sequence[Found]) -> Iterator[Found]:
    """Studies of one name get a hash of their place; case does not count, for file systems differ in it."""
    counts = Counter(study.name.lower() for study in found)
    for study in found:
        if counts[study.name.lower()] == 1:
            yield study
        else:
            name = f"{study.name}-{_short_hash(f'{study.source}|{study.series}')}"
            yield Found(name, study.source, study.series, study.second_phase)


def _name(path: Path, folder: Path) -> str:
    relative = path.relative_to(folder) if path != folder and path.is_relative_to(folder) else Path(path.resolve().name)
    text = relative.as_posix()
    for suffix in _SUFFIXES:
        if text.lower().endswith(suffix):
            text = text[: -len(suffix)]
            break
    return _tame(text)


def _tame(text: str) -> str:
    """A file name from any text: letters, digits, ``. _ -``, at most 80 characters.

    Example:
        >>> _tame("case 7/imaging")
        'case_7-imaging'
    """
    name = re.sub(r"[^\w.-]+", "_", text.replace("/", "-")).strip("._") or "study"
    return name if len(name) <= 80 else f"{name[:70]}-{_short_hash(text)}"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
