"""Journal: JSON lines that are on disk before the program goes on, written by one process at a time.

Append-only text rather than a database: it survives ``kill -9`` at any moment with at most one torn last line, which
belongs to nothing that was acknowledged; it works on the network file systems of clusters, where SQLite's
write-ahead log does not; and a person can read it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..errors import InputError


class Journal:
    """An open journal. The lock goes with the process, however it ends.

    Args:
        path: of the file; made where it is not there.
        schema: of its first line.
        about: what else the first line of a new one says.

    Raises:
        InputError: another process has it open, or it is another kind of file.
    """

    def __init__(self, path: Path, schema: str, about: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("a+b")
        try:
            if not _lock(self._file):
                raise InputError(f"{path} is in use: another process works there")
            self._truncate_torn_line()
            self.events = list(read_journal(path, schema))  # what was there before
            if not self.events:
                self.append({"event": "journal", "schema": schema, **about})
        except BaseException:
            self._file.close()
            raise

    def append(self, event: dict[str, Any]) -> None:
        """Writes an event with the time; when this returns, it is on disk."""
        line = json.dumps({**event, "time": time.strftime("%Y-%m-%dT%H:%M:%S%z")}, allow_nan=False)
        self._file.write(line.encode("utf-8") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

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


def read_journal(path: Path, schema: str) -> Iterator[dict[str, Any]]:
    """The events of a journal in order, the first line among them; also while another process writes it.

    Raises:
        InputError: it is no journal of that schema, or damaged in its middle.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # being written, or torn
            try:
                event = json.loads(line)
                kind = event["event"]
            except (ValueError, KeyError, TypeError) as problem:
                raise InputError(f"{path} is damaged in line {number}; a journal is expected") from problem
            if (number == 1) != (kind == "journal") or (number == 1 and event.get("schema") != schema):
                raise InputError(f"{path} is no journal of schema {schema}")
            yield event


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
