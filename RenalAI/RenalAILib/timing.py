"""Stopwatch: wall and CPU seconds by name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the seconds spent under each name.

    Attributes:
        wall_s: seconds on the clock.
        cpu_s: seconds of all cores of this process; on a shared machine the number to compare.

    Example:
        >>> stopwatch = Stopwatch()
        >>> with stopwatch("locate"):
        ...     _ = sum(range(10))
        >>> list(stopwatch.wall_s)
        ['locate']
    """

    def __init__(self) -> None:
        self.wall_s: dict[str, float] = {}
        self.cpu_s: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time the body; also when it raises."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall_s[name] = self.wall_s.get(name, 0.0) + time.perf_counter() - wall
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + time.process_time() - cpu
