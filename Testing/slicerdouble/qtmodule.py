"""The module ``qt``: the names of PySide6 without their module prefixes, less what PythonQt does not have."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtPrintSupport, QtSvg, QtUiTools, QtWidgets

from .dialogs import Answers
from .uiloader import UiLoader

#: PySide6's own, which PythonQt lacks or which crash there (``qt.Signal``).
ABSENT = {"Signal", "Slot", "Property", "SignalInstance", "QTextCodec", "QRegExp", "QDesktopWidget"}


class Settings:
    """``QSettings`` in memory: one store for the process, emptied between tests."""

    store: dict[str, Any] = {}

    def __init__(self, *_arguments: Any) -> None:
        self._groups: list[str] = []

    def _key(self, key: str) -> str:
        return "/".join([*self._groups, key])

    def value(self, key: str, defaultValue: Any = None) -> Any:
        return self.store.get(self._key(key), defaultValue)

    def setValue(self, key: str, value: Any) -> None:
        self.store[self._key(key)] = value

    def contains(self, key: str) -> bool:
        return self._key(key) in self.store

    def remove(self, key: str) -> None:
        whole = self._key(key)
        for name in [name for name in self.store if name == whole or name.startswith(whole + "/")]:
            del self.store[name]

    def beginGroup(self, prefix: str) -> None:
        self._groups.append(prefix)

    def endGroup(self) -> None:
        self._groups.pop()

    def allKeys(self) -> tuple[str, ...]:
        prefix = "".join(group + "/" for group in self._groups)
        return tuple(name[len(prefix) :] for name in self.store if name.startswith(prefix))

    def sync(self) -> None:
        """Nothing to write."""


def build(answers: Answers) -> ModuleType:
    """The module, to be put in ``sys.modules``."""
    module = ModuleType("qt", __doc__)
    for source in (QtCore, QtGui, QtWidgets, QtUiTools, QtPrintSupport, QtSvg):
        for name in dir(source):
            if not name.startswith("_") and name not in ABSENT:
                setattr(module, name, getattr(source, name))
    module.QSettings = Settings  # type: ignore[attr-defined]
    module.QUiLoader = UiLoader  # type: ignore[attr-defined]
    module.QFileDialog = _file_dialog(answers)  # type: ignore[attr-defined]
    module.QMessageBox = _message_box(answers)  # type: ignore[attr-defined]
    return module


def _file_dialog(answers: Answers) -> type:
    class QFileDialog(QtWidgets.QFileDialog):
        """The static questions are answered from the queue; they return a path, not PySide6's pair."""

        @staticmethod
        def getOpenFileName(parent: Any = None, caption: str = "", *_more: Any) -> str:  # type: ignore[override]
            return str(answers.ask("open-file", caption))

        @staticmethod
        def getOpenFileNames(parent: Any = None, caption: str = "", *_more: Any) -> Sequence[str]:  # type: ignore[override]
            return tuple(str(path) for path in answers.ask("open-files", caption))

        @staticmethod
        def getSaveFileName(parent: Any = None, caption: str = "", *_more: Any) -> str:  # type: ignore[override]
            return str(answers.ask("save-file", caption))

        @staticmethod
        def getExistingDirectory(parent: Any = None, caption: str = "", *_more: Any) -> str:
            return str(answers.ask("directory", caption))

    return QFileDialog


def _message_box(answers: Answers) -> type:
    class QMessageBox(QtWidgets.QMessageBox):
        """The static boxes are answered from the queue; like Slicer's, ``question`` is non-zero for Yes and for No."""

        @staticmethod
        def question(parent: Any, title: str, text: str, *_more: Any) -> Any:
            buttons = QtWidgets.QMessageBox.StandardButton
            return buttons.Yes if answers.ask("yes-no", text) else buttons.No

        @staticmethod
        def information(parent: Any, title: str, text: str, *_more: Any) -> Any:
            answers.ask("info", text)
            return QtWidgets.QMessageBox.StandardButton.Ok

        @staticmethod
        def warning(parent: Any, title: str, text: str, *_more: Any) -> Any:
            answers.ask("warning", text)
            return QtWidgets.QMessageBox.StandardButton.Ok

        @staticmethod
        def critical(parent: Any, title: str, text: str, *_more: Any) -> Any:
            answers.ask("error", text)
            return QtWidgets.QMessageBox.StandardButton.Ok

        def exec(self) -> Any:
            raise AssertionError("a modal QMessageBox would block the test; use slicer.util.*Display")

        exec_ = exec

    return QMessageBox
