"""Writing: a result is there whole or not at all, also when the process is killed half-way.

Everything is written to a new sibling, brought to disk, and renamed into place. A folder that replaces an older
result is exchanged with it in one step where the system can (Linux); elsewhere the old one is first renamed aside,
and a run killed between the two renames is put right by the next one.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import InputError

_MARKERS = ("findings.json", "evaluation.json")  # one of them is in every result
_DESKTOP_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})  # left by file browsers, not by people
_ABANDONED_S = 3600.0  # writing takes seconds: an older unfinished folder belongs to a run that was killed


@contextmanager
def replaced_folder(folder: Path, owned: Collection[str]) -> Iterator[Path]:
    """Gives an empty folder to write into, which takes the place of ``folder`` when the block ends without exception.

    Args:
        folder: where the result shall be. Absent, empty, or an older result, which is then replaced as a whole.
        owned: the names a result may hold. An older folder with any other name in it is never replaced.

    Raises:
        InputError: ``folder`` is something else than a RenalAI result, or cannot be written (also a full disk, met in
            the block).
    """
    folder = folder.expanduser().resolve()
    with _told_in_a_sentence(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _put_right(folder)
        check_replaceable(folder, owned)
        new = _sibling(folder)
        new.mkdir()
    try:
        with _told_in_a_sentence(folder):
            yield new
            for path in sorted(new.rglob("*")):
                if path.is_file():
                    _to_disk(path)
            _to_disk(new)
            check_replaceable(folder, owned)  # again: someone may have written there in the meantime
            _swap_in(new, folder)
            _to_disk(folder.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)  # the unfinished new one, or the old one that it was exchanged with


def check_replaceable(folder: Path, owned: Collection[str]) -> None:
    """Raises InputError unless ``folder`` is absent, empty or a RenalAI result of nothing but ``owned`` names.

    Worth calling before the work starts, so that the user does not wait for a refusal.
    """
    folder = folder.expanduser().resolve()
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; the output must be a folder")
    names = {path.name for path in folder.iterdir()} - _DESKTOP_FILES
    if not names:
        return
    if not _is_result(folder):
        raise InputError(f"{folder} holds files but no RenalAI result; give a new or an empty folder")
    foreign = sorted(names - set(owned))
    if foreign:
        raise InputError(f"{folder} holds {foreign[0]}, which RenalAI did not write; move it away or give a new folder")
    if folder == Path.cwd():
        raise InputError(f"{folder} is the current folder and cannot be replaced; run from another one")


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Gives a path (same suffix) to write one file to, which takes the place of ``path`` when the block ends well.

    Raises:
        InputError: ``path`` is a folder or cannot be written.
    """
    path = path.expanduser().resolve()
    with _told_in_a_sentence(path):
        if path.is_dir():
            raise InputError(f"{path} is a folder; the output must be a file")
        path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{secrets.token_hex(4)}-{path.name}")  # the name's end kept: it tells writers the format
    try:
        with _told_in_a_sentence(path):
            yield new
            _to_disk(new)
            os.replace(new, path)
            _to_disk(path.parent)
    finally:
        new.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """``text`` as UTF-8 with its line ends as they are, whole or not at all."""
    with replaced_file(path) as new:
        new.write_bytes(text.encode("utf-8"))


@contextmanager
def _told_in_a_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror or problem}") from problem


def _sibling(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.unfinished")


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def _is_result(folder: Path) -> bool:
    for marker in _MARKERS:
        try:
            found = json.loads((folder / marker).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and str(found.get("schema", "")).startswith("renalai."):
            return True
    return False


def _put_right(folder: Path) -> None:
    """Ends what a killed run began: brings back a result left aside, sweeps away what was never finished."""
    aside = _aside(folder)
    if aside.is_dir() and _is_result(aside):
        if folder.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(folder)
    for path in folder.parent.iterdir():
        mine = path.name.startswith(f".{folder.name}.") and path.name.endswith(".unfinished")
        if mine and path.is_dir() and time.time() - path.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)


def _swap_in(new: Path, folder: Path) -> None:
    """``new`` becomes ``folder``; an older ``folder`` ends under the name of ``new`` or is gone."""
    if not folder.exists():
        new.rename(folder)
    elif not _exchange(new, folder):
        aside = _aside(folder)
        folder.rename(aside)
        try:
            new.rename(folder)
        except OSError:
            aside.rename(folder)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders in one step (renameat2 with RENAME_EXCHANGE); False where system or file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _to_disk(path: Path) -> None:
    """fsync of a file or a folder; not every system and file system has it for folders."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
