"""How the tabs show things: buttons that say what is missing, files to click, rich lines."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from RenalAIWidgets.texts import dark


def offer(button: Any, problem: str | None, tip: str) -> None:
    """A button that says what is missing, or what it does."""
    button.enabled = problem is None
    button.toolTip = problem or tip


def link(label: Any, path: Path, words: str) -> str:
    """A file or folder to click in ``label``, readable on light and dark."""
    color = "#8ab4f8" if dark(label) else "#0b57d0"
    return f'<a style="color:{color}" href="{path.absolute().as_uri()}">{html.escape(words)}</a>'


def show_rich(label: Any, text: str) -> None:
    """Shows HTML, with room for its lines."""
    label.text = text
    label.setVisible(bool(text))
    if label.visible:
        label.minimumHeight = label.heightForWidth(label.width)
