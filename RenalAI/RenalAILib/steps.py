"""Steps: how a piece of work tells where it is."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str, float, str], None]
"""Called with the stage, the share of the whole work done (0 to 1, never falling) and a sentence. What it raises ends
the work."""


class Steps:
    """Reports the steps of a piece of work, or of a part of it.

    Args:
        report: told of each step, or None.

    Example:
        >>> steps = Steps(lambda stage, fraction, message: print(f"{fraction:.0%} {stage}: {message}"))
        >>> steps.part(0.5, 1.0)("delineate", 0.2, "Outlining the left kidney")
        60% delineate: Outlining the left kidney
    """

    def __init__(self, report: Report | None = None) -> None:
        self._report = report

    def __call__(self, stage: str, fraction: float, message: str) -> None:
        """Begin a step."""
        if self._report is not None:
            self._report(stage, fraction, message)

    def part(self, begin: float, end: float) -> Steps:
        """Steps of a part of the work, whose own 0 to 1 are ``begin`` to ``end`` of the whole."""
        return Steps(lambda stage, fraction, message: self(stage, begin + (end - begin) * fraction, message))
