"""Lock: whether a run's process is alive, told by the operating system.

A process number alone proves nothing: after a crash or a restart another program may have it. The process therefore
holds a lock on a file of the run for as long as it lives, however it ends, and writes its number into that file.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import IO

from RenalAILib.errors import InputError

FILE = "process.lock"
_WAIT_S = 20.0  # a glance of `holder` takes microseconds, but a machine may stand still in the middle of one
_LOCKED_BYTE = 1024  # beyond the number, which others read (Windows forbids reading what is locked)


class RunLock:
    """The lock of one run, held by its process until the process ends.

    Args:
        folder: of the run.

    Raises:
        InputError: another process has it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = open(folder / FILE, "a+b")  # noqa: SIM115  # held for the life of the process
        end = time.monotonic() + _WAIT_S
        while not _try_lock(self._file):
            if time.monotonic() > end:
                self._file.close()
                raise InputError(f"{folder} is trained by another process already")
            time.sleep(0.02)
        self._file.truncate(0)
        self._file.write(str(os.getpid()).encode("ascii"))
        self._file.flush()

    def release(self) -> None:
        """Give it back before the process ends."""
        _unlock(self._file)
        self._file.close()


def holder(folder: Path) -> int | None:
    """The number of the process that trains the run now, None where nobody does."""
    path = folder / FILE
    if not path.is_file():
        return None
    with open(path, "r+b") as file:
        if _try_lock(file):
            _unlock(file)
            return None
        number = file.read(20).decode("ascii", "replace").strip()
    return int(number) if number.isdecimal() else None


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        file.seek(0)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        file.seek(0)
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
