"""Pace: how many are done, failed and left, and how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """Counts of a running batch.

    Attributes:
        total: studies of the batch.
        before: of these, done or failed in earlier runs.
        done, failed: by this run.

    Example:
        >>> clock = iter([0.0, 36.0]).__next__
        >>> pace = Pace(total=10, before=4, clock=clock)
        >>> pace.done += 2
        >>> pace.line()
        '2 done, 0 failed, 4 left, 200 studies/h, 1 min to go (4 from earlier runs)'
    """

    total: int
    before: int = 0
    done: int = 0
    failed: int = 0
    clock: Callable[[], float] = time.monotonic
    begin: float = field(init=False)

    def __post_init__(self) -> None:
        self.begin = self.clock()

    @property
    def left(self) -> int:
        return self.total - self.before - self.done - self.failed

    @property
    def share(self) -> float:
        """Of all studies, 0 to 1."""
        return 1.0 - self.left / self.total if self.total else 1.0

    def line(self) -> str:
        ended = self.done + self.failed
        words = f"{self.done} done, {self.failed} failed, {self.left} left"
        if ended:
            per_s = ended / max(self.clock() - self.begin, 1e-9)
            words += f", {3600 * per_s:.0f} studies/h"
            if self.left:
                words += f", {max(1, round(self.left / per_s / 60))} min to go"
        return words + (f" ({self.before} from earlier runs)" if self.before else "")
