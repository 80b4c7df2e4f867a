"""Retrying: what fails for the moment is tried again, each time after a longer wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .archive import PacsError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """How often, and how long in between: doubled each time up to a limit, and scattered by half, so that many
    clients of a PACS that comes back do not all call at once.

    Example:
        >>> waits = []
        >>> def down():
        ...     raise PacsError("no connection", passing=True)
        >>> patience = Patience(attempts=4, first_s=1.0, sleep=waits.append, chance=lambda: 1.0)
        >>> patience(down)
        Traceback (most recent call last):
        ...
        RenalAILib.pacs.archive.PacsError: no connection
        >>> waits
        [1.0, 2.0, 4.0]
    """

    attempts: int = 6
    first_s: float = 1.0
    longest_s: float = 60.0
    sleep: Callable[[float], object] = time.sleep
    chance: Callable[[], float] = random.random

    def __call__(self, action: Callable[[], Result]) -> Result:
        """The action's result. Raises the PacsError of the last attempt, or of one that will not pass."""
        for attempt in range(1, self.attempts):
            try:
                return action()
            except PacsError as problem:
                if not problem.passing:
                    raise
            wait = min(self.longest_s, self.first_s * 2 ** (attempt - 1))
            self.sleep(wait * (0.5 + 0.5 * self.chance()))
        return action()
