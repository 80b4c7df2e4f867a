"""Menus, built from actions: ``QMenu.addAction(text)`` moved between classes in Qt 6, ``addAction(action)`` did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt


def add_entry(menu: Any, text: str, chosen: Callable[[], None]) -> Any:
    """One more entry of ``menu``, which owns it; ``chosen`` is called when the user takes it."""
    action = qt.QAction(text, menu)
    action.connect("triggered()", lambda: chosen())  # whether it is checked is not ``chosen``'s business
    menu.addAction(action)
    return action
