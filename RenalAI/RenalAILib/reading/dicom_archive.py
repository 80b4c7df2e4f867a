"""Archives: a zip file is unpacked where nothing else lies, a DICOMDIR becomes the folder it speaks of."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..errors import InputError
from .dicom_header import is_dicom

_MOST_FILES = 50_000
_MOST_BYTES = 40 * 2**30  # a study of many phases has 5 GB
_MOST_TIMES = 200  # CT packs to a third; an archive that grows more than that was made to fill the disk
_SMALL = 64 * 2**20  # under which any ratio may be
_CHUNK = 2**20
_DICOMDIR_CLASS = "1.2.840.10008.1.3.10"


@contextmanager
def opened(source: Path) -> Iterator[Path]:
    """What to read for ``source``: a folder for a zip file or a DICOMDIR, else ``source`` itself.

    What was unpacked is gone when the block ends.

    Raises:
        InputError: the archive is damaged, encrypted, has names that lead out of it, or would fill the disk.
    """
    if source.is_file() and zipfile.is_zipfile(source) and not is_dicom(source):
        with tempfile.TemporaryDirectory(prefix="renalai-") as temporary:
            folder = Path(temporary, source.stem.strip(". ") or "archive")  # messages call it by the archive's name
            folder.mkdir()
            unpack(source, folder)
            yield folder
    elif source.is_file() and is_dicomdir(source):
        yield source.parent
    else:
        yield source


def is_dicomdir(path: Path) -> bool:
    """Whether a file is the directory of DICOM media (PS3.10 8.6)."""
    if path.name.upper() != "DICOMDIR" or not is_dicom(path):
        return False
    import pydicom

    try:
        return str(pydicom.filereader.read_file_meta_info(path).get("MediaStorageSOPClassUID")) == _DICOMDIR_CLASS
    except Exception:  # a damaged one is none
        return False


def unpack(archive: Path, folder: Path) -> None:
    """The files of a zip file into ``folder``, under their own names and nowhere else.

    Raises:
        InputError: see :func:`opened`.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            _check(archive, entries, shutil.disk_usage(folder).free)
            left = min(_MOST_BYTES, sum(entry.file_size for entry in entries))
            for entry in entries:
                target = folder.joinpath(*_parts(archive, entry))
                target.parent.mkdir(parents=True, exist_ok=True)
                left -= _copy(packed, entry, target, left, archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
        raise InputError(f"{archive.name} is a damaged zip file, or packed in an unusual way") from problem
    except RuntimeError as problem:  # what zipfile raises for a password
        raise InputError(f"{archive.name} is encrypted; unpack it first") from problem
    except OSError as problem:
        raise InputError(f"{archive.name} cannot be unpacked: {problem.strerror or problem}") from problem


def _check(archive: Path, entries: list[zipfile.ZipInfo], free: int) -> None:
    """What the archive says of itself; :func:`_copy` holds it to that."""
    total = sum(entry.file_size for entry in entries)
    if len(entries) > _MOST_FILES:
        raise InputError(f"{archive.name} holds {len(entries):,} files, more than any study; unpack it first")
    if total > _MOST_BYTES or (total > _SMALL and total > _MOST_TIMES * archive.stat().st_size):
        raise InputError(f"{archive.name} would unpack to {total / 2**30:.1f} GB; this looks like a decompression bomb")
    if total > free:
        raise InputError(f"{archive.name} needs {total / 2**30:.1f} GB to unpack, and {free / 2**30:.1f} GB are free")
    for entry in entries:
        if entry.external_attr >> 28 == 0xA:
            raise InputError(f"{archive.name} holds links, which no DICOM archive needs; unpack it first")
        _parts(archive, entry)


def _parts(archive: Path, entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """The folders and the name of an entry; refused where they lead out of the archive ("zip slip")."""
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or any(":" in part or "\0" in part for part in path.parts):
        raise InputError(f"{archive.name} holds names that lead out of it; such an archive is not unpacked")
    return path.parts


def _copy(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int, archive: Path) -> int:
    """Copies one file and returns its bytes; an archive may lie about how many they are."""
    written = 0
    with packed.open(entry) as source, target.open("xb") as copy:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > left:
                raise InputError(f"{archive.name} unpacks to more than it says; this looks like a decompression bomb")
            copy.write(chunk)
    return written
