"""What the user was shown, and what the user answers: message boxes and file dialogs without a user."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Dialog:
    """One thing that was put before the user.

    Attributes:
        kind: ``"error"``, ``"warning"``, ``"info"``, ``"ok-cancel"``, ``"yes-no"``, ``"retry-close"``, ``"open-file"``,
            ``"open-files"``, ``"save-file"``, ``"directory"``.
        text: the message, or the caption of a file dialog.
        detail: the detailed text of an error.
        answer: what was answered.
    """

    kind: str
    text: str
    detail: str = ""
    answer: Any = None


@dataclass
class Answers:
    """Queued answers, and a record of every dialog; without a queued answer a question gets its kind's default."""

    shown: list[Dialog] = field(default_factory=list)
    _queue: deque[Any] = field(default_factory=deque)

    DEFAULTS = {
        "ok-cancel": True,
        "yes-no": True,
        "retry-close": False,
        "open-file": "",
        "open-files": (),
        "save-file": "",
        "directory": "",
    }

    def queue(self, *answers: Any) -> None:
        """Answers to the next questions, in order: True or False to a question, a path to a file dialog."""
        self._queue.extend(answers)

    def ask(self, kind: str, text: str, detail: str = "") -> Any:
        """Show a dialog; statements (error, warning, info) take no answer from the queue."""
        answer = None
        if kind in self.DEFAULTS:
            answer = self._queue.popleft() if self._queue else self.DEFAULTS[kind]
        self.shown.append(Dialog(kind, str(text), detail, answer))
        return answer

    def of(self, kind: str) -> list[Dialog]:
        """The dialogs of one kind, oldest first."""
        return [dialog for dialog in self.shown if dialog.kind == kind]

    @property
    def unused(self) -> tuple[Any, ...]:
        """Answers nobody asked for."""
        return tuple(self._queue)

    def clear(self) -> None:
        """Nothing shown, nothing queued."""
        self.shown.clear()
        self._queue.clear()
