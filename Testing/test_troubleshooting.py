"""The troubleshooting page quotes texts that the code can print: each one is found in the code, word for word."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "Resources" / "Docs" / "troubleshooting.md"
GAP = "…"


def quoted() -> list[str]:
    """The headings that are texts of the program."""
    return re.findall(r"^### `(.+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def texts_of(source: str) -> set[str]:
    """Every string of a program, with a gap for what it fills in; parts that stand side by side are one."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(re.sub(r"\{[^}]*\}", GAP, node.value))  # also templates for str.format
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else GAP for part in node.values]
            found.add("".join(map(str, parts)))
    return found


@pytest.fixture(scope="module")
def texts() -> set[str]:
    folders = (ROOT / "RenalAI", ROOT / "RenalAITraining")
    return {
        text
        for folder in folders
        for path in folder.rglob("*.py")
        for text in texts_of(path.read_text(encoding="utf-8"))
    }


def test_strings_are_found_with_their_gaps() -> None:
    assert texts_of('f"{name} is {1} slice"; _("a {b}").format(b=1)') >= {"… is … slice", "a …"}


def test_the_page_quotes_something() -> None:
    assert len(quoted()) == len(set(quoted())) >= 20


@pytest.mark.parametrize("text", quoted())
def test_the_code_prints_it(text: str, texts: set[str]) -> None:
    assert text in texts, f"no string of the code is {text!r}: was it reworded?"
