"""Steps: how a pipeline tells where it is, and stops when asked to."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float, str], None]
"""Called with the stage, the share of the whole work done (0 to 1, never falling) and a sentence."""


class Cancelled(Exception):
    """The caller asked to stop; nothing was written."""


class Steps:
    """Reports progress and checks for cancellation in one call.

    Args:
        progress: told of each step, or None.
        cancelled: asked at each step, or None.
    """

    def __init__(self, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None) -> None:
        self._progress, self._cancelled = progress, cancelled

    def __call__(self, stage: str, fraction: float, message: str) -> None:
        """Begin a step. Raises :class:`Cancelled`."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled(f"stopped before: {message}")
        if self._progress is not None:
            self._progress(stage, fraction, message)

    def part(self, begin: float, end: float) -> Steps:
        """Steps of a part of the work, whose own 0 to 1 are ``begin`` to ``end`` of the whole."""
        return Steps(lambda stage, fraction, message: self(stage, begin + (end - begin) * fraction, message))
