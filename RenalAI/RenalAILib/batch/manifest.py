"""The manifest: what was begun and what became of it, one JSON line each, on disk before the batch goes on.

Append-only text rather than a database: it survives ``kill -9`` at any moment with at most one torn last line, which
belongs to nothing that was acknowledged; it works on the network file systems of clusters, where SQLite's
write-ahead log does not; and a person can read it. One process writes it at a time, which a lock sees to.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..errors import InputError
from ..studytask.task import StudyRecord

SCHEMA = "renalai.batch/1"


class Manifest:
    """An open manifest. Use as a context manager; the lock goes with the process, however it ends.

    Attributes:
        records: the last record of each study.
        starts: how often a study was begun since it last ended, for studies that take the process with them.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        """Opens or makes the manifest.

        Args:
            path: of the file.
            about: what the batch is, for its first line.

        Raises:
            InputError: another process has it open, or it is no manifest.
        """
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("a+b")
        if not _lock(self._file):
            self._file.close()
            raise InputError(f"{path} is in use: another batch runs there")
        self.records: dict[str, StudyRecord] = {}
        self.starts: Counter[str] = Counter()
        self._truncate_torn_line()
        lines = 0
        for event in read_events(path):
            lines += 1
            self._apply(event)
        if not lines:
            self._append({"event": "batch", "schema": SCHEMA, **about})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def begun(self, name: str) -> None:
        """A study is being worked on from now."""
        self._add({"event": "begun", "study": name})

    def ended(self, record: StudyRecord) -> None:
        """A study is done or has failed; when this returns, it is on disk."""
        self._add({"event": "ended", "record": record.to_json()})

    def interrupted(self, names: Iterable[str]) -> None:
        """These studies were stopped from outside: their start does not count against them."""
        for name in names:
            self._add({"event": "interrupted", "study": name})

    def _add(self, event: dict[str, Any]) -> None:
        self._append(event)
        self._apply(event)

    def _append(self, event: dict[str, Any]) -> None:
        line = json.dumps({**event, "time": time.strftime("%Y-%m-%dT%H:%M:%S%z")}, allow_nan=False)
        self._file.write(line.encode("utf-8") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _apply(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "begun":
                self.starts[event["study"]] += 1
            case "interrupted":
                del self.starts[event["study"]]
            case "ended":
                record = StudyRecord(**event["record"])
                self.records[record.name] = record
                del self.starts[record.name]

    def _truncate_torn_line(self) -> None:
        size = self._file.seek(0, os.SEEK_END)
        end = size
        while end:
            begin = max(0, end - 4096)
            self._file.seek(begin)
            found = self._file.read(end - begin).rfind(b"\n")
            if found >= 0:
                end = begin + found + 1
                break
            end = begin
        if end < size:
            self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a manifest in order, also while another process writes it.

    Raises:
        InputError: it is no manifest, or damaged in its middle.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # being written, or torn
            try:
                event = json.loads(line)
                kind = event["event"]
            except (ValueError, KeyError, TypeError) as problem:
                raise InputError(f"{path} is damaged in line {number}; a batch's manifest is expected") from problem
            if (number == 1) != (kind == "batch") or (number == 1 and event.get("schema") != SCHEMA):
                raise InputError(f"{path} is no manifest of schema {SCHEMA}")
            yield event


def read_records(path: Path) -> dict[str, StudyRecord]:
    """The last record of each study, also while another process writes them. Raises InputError."""
    records: dict[str, StudyRecord] = {}
    for event in read_events(path):
        if event["event"] == "ended":
            record = StudyRecord(**event["record"])
            records[record.name] = record
    return records


def _lock(file: IO[bytes]) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            file.seek(0x7FFFFFFF)  # a byte that is never written: locked bytes cannot be read by others
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
