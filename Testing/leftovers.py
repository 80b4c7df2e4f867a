"""Leftovers: what a run of the tests leaves behind, processes, temporary files, files in the checkout.

Every process that the tests start inherits a mark in its environment, so that one is found even after its parent is
gone, and a folder for temporary files that belongs to this run alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

MARK = "RENALAI_TESTS"
_GRACE_S = 60.0  # only where something is left
_HELPER = "multiprocessing.resource_tracker"  # Python's own; ends with the process that it serves


class Leftovers:
    """Watches one run, from its construction on.

    Args:
        checkout: the folder of the sources; None where somebody may be writing in it meanwhile.
    """

    def __init__(self, checkout: Path | None) -> None:
        self._checkout = checkout
        # Where pytest keeps the folders of tests that failed is not part of what is watched.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
        self._folder = Path(tempfile.mkdtemp(prefix="tests-of-renalai-"))
        self._restored = {name: os.environ.get(name) for name in ("TMPDIR", MARK)}
        os.environ |= {"TMPDIR": str(self._folder), MARK: self._folder.name}
        tempfile.tempdir = None  # asked anew
        self._untracked = self._new_files()

    def found(self) -> list[str]:
        """One sentence a leftover. Processes are given a minute to end by themselves."""
        end = time.monotonic() + _GRACE_S
        while (running := self._processes()) and time.monotonic() < end:
            time.sleep(0.1)
        told = [f"a process still runs: {words}" for words in running]
        told += [f"temporary files were left: {path.name}" for path in sorted(self._folder.glob("*renalai*"))]
        told += [f"a file was left in the checkout: {name}" for name in sorted(self._new_files() - self._untracked)]
        return told

    def end(self) -> None:
        """The folder for temporary files goes."""
        for name, value in self._restored.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        tempfile.tempdir = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _processes(self) -> list[str]:
        try:
            import psutil
        except ImportError:  # it comes with Dask
            return []
        own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid not in own and process.environ().get(MARK) == self._folder.name:
                    words = " ".join(process.cmdline())
                    if process.status() != psutil.STATUS_ZOMBIE and _HELPER not in words:
                        found.append(f"{process.pid} {words[:200]}")
            except (psutil.Error, OSError):  # gone meanwhile, or of another user
                continue
        return found

    def _new_files(self) -> set[str]:
        """Files that git neither tracks nor ignores; none where this is no checkout."""
        if self._checkout is None:
            return set()
        try:
            listed = subprocess.run(
                ["git", "ls-files", "--others", "--exclude-standard", "-z"],
                cwd=self._checkout,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError:
            return set()
        return set(listed.stdout.split("\0")) - {""}
