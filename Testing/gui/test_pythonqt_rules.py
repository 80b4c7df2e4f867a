"""What PythonQt or Qt 6 would refuse although PySide6 takes it: read from the modules' sources, file by file.

The double refuses much at run time; these are the rules that only the source can show.
"""

from __future__ import annotations

import ast
import enum
from pathlib import Path

import pytest
import qt

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("RenalAI", "RenalAITraining")
    for path in [ROOT / folder / f"{folder}.py", *(ROOT / folder / f"{folder}Widgets").glob("*.py")]
    if path.is_file()
)
GONE = {"QRegExp", "QTextCodec", "QDesktopWidget", "Signal", "Slot", "Property", "pyqtSignal"}
"""Not in Qt 6, or not in PythonQt (``qt.Signal`` crashes)."""
NO_TRANSLATION = (ast.JoinedStr, ast.BinOp)


def dotted(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except ValueError:
        return ""


def faults(source: str) -> list[str]:
    """Line and reason of everything that breaks a rule."""
    found = []

    def fault(node: ast.AST, reason: str) -> None:
        found.append(f"line {node.lineno}: {reason}")

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name.startswith(("qt.", "ctk.")) and node.keywords:
                fault(node, f"{name} takes no keyword arguments in PythonQt")
            if name.endswith(".emit"):
                fault(node, "signals of C++ objects are not emitted from Python; call what emits them")
            if name.endswith(".addAction") and node.args and _is_text(node.args[0]):
                fault(node, "addAction(text) belongs to different classes in Qt 5 and 6; add a QAction")
            if name.endswith((".findChild", ".findChildren")):
                fault(
                    node, "findChildren needs a class in PySide6 and a name in PythonQt; use slicer.util.findChildren"
                )
            if name.endswith(".connect"):
                for reason in _of_connection(node):
                    fault(node, reason)
            if name.endswith("getDefaultModuleDocumentationLink"):
                fault(node, "Slicer's manual has no page of an extension's module")
            if name in ("_", "translate") and any(isinstance(argument, NO_TRANSLATION) for argument in node.args):
                fault(node, "a translated text is a literal, with .format afterwards")
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            parts = name.split(".")
            if name == "qt.QTimer.singleShot":
                fault(node, "Slicer's own singleShot keeps a timer for every call; use RenalAIWidgets.timer.Timer")
            if parts[0] == "qt" and len(parts) > 1 and parts[1] in GONE:
                fault(node, f"{name} is not there")
            if parts[0] == "qt" and len(parts) == 4 and _is_enum(parts[1], parts[2]):
                fault(node, f"write qt.{parts[1]}.{parts[3]}: PythonQt has no scope of {parts[2]}")
        if isinstance(node, ast.ClassDef) and any(dotted(base).startswith(("qt.", "ctk.")) for base in node.bases):
            fault(node, "virtual methods of Qt classes are not all called from PythonQt; compose, do not derive")
        if isinstance(node, ast.FunctionDef) and _observes_too_late(node):
            fault(node, "VTKObservationMixin.__init__ comes first: the widget's may call setup(), which observes")
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "PySide6" in dotted(node):
            fault(node, "Slicer has no PySide6")
    return found


def _of_connection(call: ast.Call) -> list[str]:
    """What is wrong with ``obj.connect("signal(args)", slot)``.

    PythonQt gives a function as many of the signal's arguments as it takes, those with a default too.
    """
    if len(call.args) < 2 or not isinstance(call.args[0], ast.Constant) or "(" not in str(call.args[0].value):
        return ["name the signal with its arguments, 'clicked()': overloads are told apart by them"]
    given = [part for part in str(call.args[0].value).partition("(")[2].rstrip(")").split(",") if part.strip()]
    slot = call.args[1]
    if isinstance(slot, ast.Lambda) and slot.args.vararg is None:
        required = len(slot.args.args) - len(slot.args.defaults)
        if required < min(len(given), len(slot.args.args)):
            return ["the signal's arguments would replace the lambda's defaults; take them first"]
        if required > len(given):
            return ["the lambda wants more arguments than the signal has"]
    return []


def _observes_too_late(function: ast.FunctionDef) -> bool:
    called = [dotted(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
    wanted = ("VTKObservationMixin.__init__", "ScriptedLoadableModuleWidget.__init__")
    places = [called.index(name) for name in wanted if name in called]
    return len(places) == 2 and places[0] > places[1]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, (ast.Constant, ast.JoinedStr)) or (
        isinstance(node, ast.Call) and dotted(node.func) in ("_", "str")
    )


def _is_enum(cls: str, name: str) -> bool:
    found = getattr(getattr(qt, cls, None), name, None)
    return isinstance(found, type) and issubclass(found, enum.Enum)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_that_pythonqt_refuses(path):
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "qt.QPushButton(parent=None)",
        "button.clicked.emit()",
        'menu.addAction("Open")',
        'menu.addAction(_("Open"))',
        "widget.findChildren(qt.QLabel)",
        '_(f"{count} masses")',
        "qt.QRegExp('a')",
        "x = qt.QHeaderView.ResizeMode.ResizeToContents",
        "class Mine(qt.QWidget): pass",
        "from PySide6 import QtCore",
        "qt.QTimer.singleShot(50, poll)",
        "parent.helpText = self.getDefaultModuleDocumentationLink()",
        "button.clicked.connect(self.onClick)",
        'button.connect("clicked", self.onClick)',
        'action.connect("triggered(bool)", lambda name=name: choose(name))',
        'button.connect("clicked()", lambda checked: choose(checked))',
        "def __init__(self):\n    ScriptedLoadableModuleWidget.__init__(self)\n    VTKObservationMixin.__init__(self)",
    ],
)
def test_each_rule_finds_its_fault(line):
    assert len(faults(line)) == 1


def test_what_is_right_passes():
    good = (
        'qt.QHeaderView.ResizeToContents; menu.addAction(action); _("{n} masses").format(n=3); qt.QLabel("a", parent)\n'
        'box.connect("activated(int)", lambda index, key=key: choose(key, index))\n'
        'box.connect("activated(int)", choose)'
    )
    assert faults(good) == []
