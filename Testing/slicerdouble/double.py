"""The double as one object: what tests ask for and what they look at."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import signature
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from .dialogs import Answers, Dialog
from .packaging import Installations
from .packaging import build as build_packaging

FOREVER_S = 600.0


class Double:
    """The running application. Make it through :func:`slicerdouble.install`.

    Attributes:
        app: ``slicer.app``.
        scene: ``slicer.mrmlScene``; the same for the whole process.
        answers: what the user will answer, and what was shown.
        installations: what the modules wanted to install.
        samples: what was registered with SampleData, as keyword arguments.
        layers: the calls of ``slicer.util.setSliceViewerLayers``, as keyword arguments.
        window: whether there is a main window; without one nobody can be asked.
    """

    def __init__(self) -> None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        import slicer
        import slicer.util

        from . import ctkwidgets, pythonqt, qtmodule

        pythonqt.speak()
        self.answers = Answers()
        self.installations = Installations()
        self.samples: list[dict[str, Any]] = []
        self.layers: list[dict[str, Any]] = []
        self.window = True
        sys.modules["qt"] = qtmodule.build(self.answers)
        sys.modules["ctk"] = ctkwidgets.build()

        from . import qmrmlwidgets
        from .application import Application

        qmrmlwidgets.put_into(slicer)
        self.app = slicer.app = Application()
        self.scene = slicer.mrmlScene
        self._slicer: Any = slicer
        self._packaging = build_packaging(self.installations)
        self._put_submodules()
        self._fill_util()
        self.version("5.13")

    @property
    def dialogs(self) -> list[Dialog]:
        """What was shown, oldest first."""
        return self.answers.shown

    def version(self, text: str) -> None:
        """Behave as this version: before 5.12 ``slicer.packaging`` does not exist."""
        major, minor = (int(part) for part in text.split(".")[:2])
        self.app.majorVersion, self.app.minorVersion = major, minor
        if (major, minor) >= (5, 12):
            sys.modules["slicer.packaging"] = self._slicer.packaging = self._packaging
        else:
            sys.modules["slicer.packaging"] = None  # type: ignore[assignment]  # importing it fails, as there
            vars(self._slicer).pop("packaging", None)

    def clear(self) -> None:
        """A new scene, no dialogs, no answers, no settings, Slicer 5.13: the start of a test."""
        from .qtmodule import Settings

        self.scene.Clear(0)
        self.answers.clear()
        self.installations.clear()
        self.layers.clear()
        self.window = True
        Settings.store.clear()
        self.app.testing = True
        self.version("5.13")
        self.app.layoutManager().resets.clear()

    def openModule(self, name: str, folder: str | Path | None = None) -> Any:
        """Import a scripted module, make its module object and logic, and return its widget, set up but not entered.

        ``folder`` (that of ``<name>.py``) joins ``sys.path``, as Slicer does for its module folders.
        """
        if folder is not None and str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        source = importlib.import_module(name)
        entry = SimpleNamespace(path=str(source.__file__), name=name, icon=None)
        entry.self = getattr(source, name)(entry)  # Slicer keeps it: it may have connected its methods
        logic_class = getattr(source, name + "Logic")
        entry.logic = lambda: logic_class()
        setattr(self._slicer.modules, name.lower(), entry)
        parent = self._slicer.qMRMLWidget()
        parent.setLayout(sys.modules["qt"].QVBoxLayout())
        parent.setMRMLScene(self.scene)
        widget = getattr(source, name + "Widget")(parent)
        widget.setup()
        entry.widgetRepresentation = lambda: SimpleNamespace(self=lambda: widget)
        return widget

    def enter(self, widget: Any) -> None:
        """The user opens the module's panel."""
        widget.parent._entered = True
        widget.enter()

    def exit(self, widget: Any) -> None:
        """The user goes to another module."""
        widget.parent._entered = False
        widget.exit()

    def waitFor(self, condition: Callable[[], Any]) -> None:
        """Run the event loop until ``condition()``. Raises TimeoutError where that would never be.

        There is no shorter limit to ask for: how long something takes is said of the machine. What must be quick is
        measured (``measured`` in conftest.py).
        """
        end = time.monotonic() + FOREVER_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"still waiting after {FOREVER_S:g} s")
            self.app.processEvents()
            time.sleep(0.002)

    @contextmanager
    def counted(self) -> Iterator[Callable[[], dict[str, int]]]:
        """Node counts by class: the yielded function gives what was added (+) and lost (-) since."""
        before = self._counts()
        yield lambda: {
            name: number
            for name in {*before, *self._counts()}
            if (number := self._counts().get(name, 0) - before.get(name, 0))
        }

    def _counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for index in range(self.scene.GetNumberOfNodes()):
            name = self.scene.GetNthNode(index).GetClassName()
            found[name] = found.get(name, 0) + 1
        return found

    def _put_submodules(self) -> None:
        from . import modulebase, parameternode

        translations: Any = ModuleType("slicer.i18n")
        translations.tr = lambda text: text
        translations.translate = lambda context, text: text
        samples: Any = ModuleType("SampleData")
        register = staticmethod(lambda **source: self.samples.append(source))
        samples.SampleDataLogic = type("SampleDataLogic", (), {"registerCustomSampleDataSource": register})
        sys.modules["SampleData"] = samples
        for name, module in {
            "i18n": translations,
            "ScriptedLoadableModule": modulebase,
            "parameterNodeWrapper": parameternode,
        }.items():
            sys.modules[f"slicer.{name}"] = module
            setattr(self._slicer, name, module)

    def _fill_util(self) -> None:
        """Replace in ``slicer.util`` what would open a window or run pip; the rest of it is Slicer's own."""
        util, ask = self._slicer.util, self.answers.ask
        for name, kind in {"errorDisplay": "error", "warningDisplay": "warning", "infoDisplay": "info",
                           "confirmOkCancelDisplay": "ok-cancel", "confirmYesNoDisplay": "yes-no",
                           "confirmRetryCloseDisplay": "retry-close", "messageBox": "info"}.items():  # fmt: skip
            setattr(util, name, _shower(ask, kind))
        util.delayDisplay = lambda message, autoCloseMsec=1000, **_more: ask("info", message)
        util.mainWindow = lambda: self.app if self.window else None
        for name in ("pip_install", "pip_uninstall"):
            setattr(util, name, partial(self.installations.install, f"util.{name}"))

        @contextmanager
        def try_with_error_display(
            message: str | None = None, show: bool = True, waitCursor: bool = False
        ) -> Iterator[None]:
            try:
                yield
            except Exception as problem:
                if show:
                    ask("error", f"{message}\n\n{problem}" if message else str(problem))
                raise

        util.tryWithErrorDisplay = try_with_error_display
        layers = util.setSliceViewerLayers

        def set_slice_viewer_layers(*positional: Any, **named: Any) -> None:
            named = {**dict(zip(signature(layers).parameters, positional, strict=False)), **named}
            self.layers.append(named)
            layers(**named)

        util.setSliceViewerLayers = set_slice_viewer_layers


def _shower(ask: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """A ``slicer.util`` display function of one kind."""
    return lambda text="", *_more, detailedText="", **_named: ask(kind, text, detailedText)
