"""Content: what tells one CT's files from another's. A stamp is quick and local, a digest is exact and travels."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..bundles.bundle import sha256_of
from ..errors import InputError

_DETACHED = {".mhd": (".raw", ".zraw"), ".nhdr": (".raw", ".raw.gz")}  # headers whose voxels lie beside them


def stamp(*sources: Path | None) -> str:
    """A digest of names, sizes and times of change. The same stamp: the same content; another one: look closer.

    Raises:
        InputError: a source does not exist or may not be read.
    """
    found = [
        (path.as_posix(), status.st_size, status.st_mtime_ns)
        for source in sources
        if source is not None
        for path in files_of(source)
        if (status := path.stat())
    ]
    return _sha256(found)


def digest(*sources: Path | None) -> str:
    """SHA-256 over the bytes of all files; where they lie and what they are called does not count.

    Raises:
        InputError: a source does not exist or may not be read.
    """
    try:
        return _sha256([sorted(map(sha256_of, files_of(source))) if source else None for source in sources])
    except OSError as problem:
        raise InputError(f"{problem.filename} cannot be read: {problem.strerror}") from problem


def files_of(source: Path) -> Iterator[Path]:
    """The files a CT consists of, in a fixed order; all of a folder, for a slice more is another CT."""
    if source.is_dir():
        for where, folders, names in os.walk(source):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(where, name) for name in sorted(names) if not name.startswith("."))
    elif source.is_file():
        yield source
        for suffix in _DETACHED.get(source.suffix.lower(), ()):
            beside = source.with_name(source.stem + suffix)
            if beside.is_file():
                yield beside
    else:
        raise InputError(f"{source} does not exist")


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode("utf-8")).hexdigest()
