"""One timer for what is done again and again.

Slicer puts a function of its own in the place of ``qt.QTimer.singleShot``: it makes a timer at every call and keeps it
until Slicer ends. At 20 calls a second that is a leak.
"""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer


class Timer:
    """A single-shot timer that is used again: a :data:`.protocols.Schedule` for one caller.

    It is made with the first call, and belongs to the module manager, so that it ends before Slicer's Python does.
    """

    def __init__(self) -> None:
        self._timer: qt.QTimer | None = None
        self._function: Callable[[], None] | None = None

    def __call__(self, milliseconds: int, function: Callable[[], None]) -> None:
        """Calls ``function`` once, after so many milliseconds; a call that is still to come is forgotten."""
        if self._timer is None:
            self._timer = qt.QTimer(slicer.app.moduleManager())
            self._timer.setSingleShot(True)
            self._timer.connect("timeout()", self._fire)
        self._function = function
        self._timer.start(milliseconds)

    def _fire(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            function()
