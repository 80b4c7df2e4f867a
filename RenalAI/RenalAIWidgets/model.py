"""Section Model: which bundle, how it runs, and a red line where it must not be relied on."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError

from . import licences
from .bundles import described
from .dependencies import nvidia_driver
from .estimate import in_words, shortage
from .menus import add_entry
from .parameters import Device
from .texts import show_plain, show_problem


class ModelSection:
    """The model's line with its menu, and what Auto will use.

    The menu is built when it opens: looking for bundles touches the disk.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._parameters: Any = None
        self._seen: str | None = None
        self._menu = qt.QMenu(ui.bundleMenuButton)
        self._menu.connect("aboutToShow()", self._fill_menu)
        ui.bundleMenuButton.setMenu(self._menu)
        self._fill_menu()

    def update(self, parameters: Any) -> None:
        """Called at every change of the parameter node."""
        self._parameters = parameters
        words = in_words(parameters)
        if parameters.device is Device.AUTO:
            present = _("GPU, if a test computation works on it") if nvidia_driver() else _("CPU (no NVIDIA driver)")
            words = " ".join(filter(None, [_("Auto will use: {device}.").format(device=present), words]))
        short = shortage(parameters)
        if short is None:
            show_plain(self._ui.deviceLine, words)
        else:
            show_problem(self._ui.deviceLine, short, severe=False)
        if parameters.bundle != self._seen:
            self._seen = parameters.bundle
            self._describe(parameters.bundle)

    def choose(self, name: str) -> None:
        """Take the bundle of that name; empty for the shipped one."""
        self._parameters.bundle = name

    def importBundle(self) -> None:
        """Bring in a bundle from a zip file, verified before it appears."""
        from RenalAILib.bundles.store import import_bundle

        path = qt.QFileDialog.getOpenFileName(None, _("Import a model"), "", _("Model bundle (*.zip)"))
        if not path:
            return
        try:
            with slicer.util.WaitCursor():
                bundle = import_bundle(path)
        except InputError as problem:
            slicer.util.errorDisplay(str(problem), windowTitle=_("RenalAI"))
            return
        self.choose(bundle.name)

    def openFolder(self) -> None:
        """Show the folder of the user's models in the file browser."""
        from RenalAILib.bundles.store import user_bundles

        user_bundles().mkdir(parents=True, exist_ok=True)
        qt.QDesktopServices.openUrl(qt.QUrl(user_bundles().absolute().as_uri()))

    def _fill_menu(self) -> None:
        from RenalAILib.bundles.store import DEFAULT_BUNDLE, SHIPPED, find_bundles

        self._menu.clear()
        found = find_bundles()
        add_entry(self._menu, _title(""), lambda: self.choose(""))
        for name in SHIPPED:
            if name in found and name != DEFAULT_BUNDLE:
                add_entry(self._menu, _title(name), lambda name=name: self.choose(name))
        for name in found:
            if name not in SHIPPED:
                add_entry(self._menu, name, lambda name=name: self.choose(name))
        self._menu.addSeparator()
        add_entry(self._menu, _("Import from file…"), self.importBundle)
        add_entry(self._menu, _("Open the models' folder"), self.openFolder)

    def _describe(self, name: str) -> None:
        """The bundle's own words on itself. Checksums are the engine's business at load, not the panel's."""
        try:
            model = described(name)
            title = model.metadata["title"]
        except (OSError, ValueError, KeyError) as problem:
            words = _("There is no model {name} on this computer.") if name else _("No model is installed: {problem}")
            show_problem(self._ui.modelLine, words.format(name=name, problem=problem))
            return
        licence = licences.in_words(model)
        if model.metadata.get("demonstration", True):
            if "demonstration" in title.lower():
                words = _("{title}. Research only, not for diagnosis. {licence}")
            else:
                words = _("{title}: demonstration weights. Research only, not for diagnosis. {licence}")
            show_problem(self._ui.modelLine, words.format(title=title, licence=licence))
        else:
            words = _("{title} {version}. {intended_use}. {licence}")
            facts = {"intended_use": "", "version": "", **model.metadata, "licence": licence}
            show_plain(self._ui.modelLine, words.format(**facts).replace("..", "."))


def _title(name: str) -> str:
    """A shipped bundle's own words on itself; of one that is not there what it would be."""
    try:
        return str(described(name).metadata["title"])
    except (OSError, ValueError, KeyError):
        return name or _("Shipped model")
