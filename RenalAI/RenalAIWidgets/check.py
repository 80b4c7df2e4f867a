"""Section Computer check: what this computer offers the engine, as a text for a bug report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import slicer
from slicer.i18n import tr as _

from RenalAILib import __version__

from . import dependencies
from .jobqueue import Ticket
from .texts import stage_in_words


class Checker(Protocol):
    """Starts the check in the engine (:class:`.logic.RenalAILogic`)."""

    def startCheck(self, on_progress: Callable[[Ticket], None], on_end: Callable[[Ticket], None]) -> Ticket: ...


class CheckSection:
    """Runs the check and shows its text."""

    def __init__(self, ui: Any, checker: Checker) -> None:
        self._ui = ui
        self._checker = checker
        ui.checkRunButton.connect("clicked()", self.onCheck)
        ui.copyButton.connect("clicked()", self.onCopy)
        ui.installButton.connect("clicked()", self.onInstall)
        ui.checkButton.connect("contentsCollapsed(bool)", lambda collapsed: self.update())
        ui.checkText.setPlainText(_("Press Check."))
        self.update()

    def update(self) -> None:
        """Offers to install only what is missing."""
        missing = dependencies.missing()
        self._ui.installButton.setVisible(bool(missing))
        self._ui.installButton.toolTip = _("Installs {packages}, after asking.").format(packages=", ".join(missing))

    def onCheck(self) -> None:
        self._ui.checkRunButton.enabled = False
        self._ui.checkText.setPlainText(_("Checking…"))
        self._checker.startCheck(self._on_progress, self._on_end)

    def onCopy(self) -> None:
        slicer.app.clipboard().setText(self._ui.checkText.toPlainText())

    def onInstall(self) -> None:
        with slicer.util.tryWithErrorDisplay(_("The engine was not installed."), waitCursor=True):
            dependencies.ensure()
        self.update()

    def _on_progress(self, ticket: Ticket) -> None:
        self._ui.checkText.setPlainText(_("Checking: {what}").format(what=stage_in_words(ticket.progress.stage)))

    def _on_end(self, ticket: Ticket) -> None:
        self._ui.checkRunButton.enabled = True
        try:
            text = in_words(ticket.result())
        except Exception as problem:  # the check exists for computers where things fail: say what failed
            text = _("The engine could not be started: {problem}").format(problem=problem)
            text += "\n\n" + getattr(problem, "log", "")
        self._ui.checkText.setPlainText(text)
        self._ui.copyButton.enabled = True


def in_words(facts: dict[str, Any]) -> str:
    """The result of the check job as lines of text."""
    application = slicer.app.applicationVersion
    lines = [f"RenalAI {__version__}, Slicer {application}", f"{facts['system']}, Python {facts['python']}"]
    memory = facts["memory_gb"]
    lines.append(f"{facts['cores']} processor threads" + (f", {memory} GB memory free" if memory is not None else ""))
    lines += ["", *(f"{name} {version}" for name, version in facts["packages"].items())]
    lines += ["", *(f"{engine}: {state}" for engine, state in facts["engines"].items())]
    lines += ["", *(f"Model {name}: {state}" for name, state in facts["bundles"].items())]
    if not facts["bundles"]:
        lines.append("No model is installed.")
    return "\n".join(lines)
