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
            if name in ("_", "translate") and any(isinstance(argument, NO_TRANSLATION) for argument in node.args):
                fault(node, "a translated text is a literal, with .format afterwards")
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            parts = name.split(".")
            if parts[0] == "qt" and len(parts) > 1 and parts[1] in GONE:
                fault(node, f"{name} is not there")
            if parts[0] == "qt" and len(parts) == 4 and _is_enum(parts[1], parts[2]):
                fault(node, f"write qt.{parts[1]}.{parts[3]}: PythonQt has no scope of {parts[2]}")
        if isinstance(node, ast.ClassDef) and any(dotted(base).startswith(("qt.", "ctk.")) for base in node.bases):
            fault(node, "virtual methods of Qt classes are not all called from PythonQt; compose, do not derive")
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "PySide6" in dotted(node):
            fault(node, "Slicer has no PySide6")
    return found


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
    ],
)
def test_each_rule_finds_its_fault(line):
    assert len(faults(line)) == 1


def test_what_is_right_passes():
    good = (
        'qt.QHeaderView.ResizeToContents; menu.addAction(action); _("{n} masses").format(n=3); qt.QLabel("a", parent)'
    )
    assert faults(good) == []
