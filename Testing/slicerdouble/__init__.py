"""A thin double of the Slicer application, for tests without one.

MRML, the logics and ``slicer.util`` are Slicer's own, from ``pip install slicer-core``; Qt is PySide6, spoken to the
way PythonQt is (``button.enabled = False``, ``label.text``, ``obj.connect("clicked(bool)", f)``). What is missing
between the two is written here: the scripted-module classes, the parameter node, the application object, CTK and qMRML
widgets.
Nothing is more lenient than Slicer: ``label.text()`` raises here because it raises there.

    import slicerdouble
    double = slicerdouble.install()    # once per process, before a module is imported
    widget = double.openModule("RenalAI")
    double.answers.queue(False)        # what the user presses in the next question
    double.dialogs                     # what was shown so far
    double.clear()                     # a new scene, nothing shown, nothing answered
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .double import Double

_installed: Double | None = None


def unavailable() -> str | None:
    """Why the double cannot run in this Python, None where it can."""
    from importlib.util import find_spec

    missing = [
        name
        for module, name in (("slicer", "slicer-core"), ("PySide6", "PySide6-Essentials"))
        if find_spec(module) is None
    ]
    return f"{' and '.join(missing)} not installed (pip install {' '.join(missing)})" if missing else None


def install() -> Double:
    """Make ``qt``, ``ctk`` and the missing parts of ``slicer`` importable. Later calls return what the first made."""
    global _installed
    if _installed is None:
        from .double import Double

        _installed = Double()
    return _installed
