"""The engine's public names: all there, typed, documented, imported when asked for and not before."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

import RenalAILib

PACKAGE = Path(RenalAILib.__file__)
NAMES = sorted(set(RenalAILib.__all__) - {"__version__"})


def test_type_checkers_see_what_python_imports() -> None:
    """What stands under TYPE_CHECKING is what is imported on demand, from the same place, and is in ``__all__``."""
    blocks = [node for node in ast.parse(PACKAGE.read_text(encoding="utf-8")).body if isinstance(node, ast.If)]
    (block,) = blocks
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == RenalAILib._HOMES
    assert sorted(seen) == NAMES
    assert (PACKAGE.parent / "py.typed").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented_and_typed(name: str) -> None:
    value = getattr(RenalAILib, name)
    assert value.__name__ == name
    assert len(inspect.getdoc(value) or "") > 20
    if inspect.isfunction(value):
        signature = inspect.signature(value)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(one.annotation is not inspect.Parameter.empty for one in signature.parameters.values())
    else:
        assert isinstance(value, type)
        assert issubclass(value, (Enum, Exception)) or value.__dataclass_fields__


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_an_example(name: str) -> None:
    """It runs as a test: pytest collects the doctests of the engine."""
    value = getattr(RenalAILib, name)
    (where,) = [test for test in doctest.DocTestFinder(recurse=False).find(value, name) if test.name == name]
    assert where.examples


@pytest.mark.parametrize("name", NAMES)
def test_the_package_says_what_each_name_is_for(name: str) -> None:
    assert f":`{name}`" in (RenalAILib.__doc__ or "")


def test_a_wrong_name_is_refused_as_python_does_it() -> None:
    with pytest.raises(AttributeError, match="module 'RenalAILib' has no attribute 'segmnet'"):
        _ = RenalAILib.segmnet  # type: ignore[attr-defined]
    assert set(NAMES) <= set(dir(RenalAILib))


def test_the_package_alone_loads_nothing_else() -> None:
    code = "import sys, RenalAILib; print(*(n for n in sys.modules if n.startswith('RenalAILib.') or n == 'numpy'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        encoding="utf-8",
        errors="replace",
        env={"PYTHONPATH": str(PACKAGE.parents[1]), "PATH": ""},
    )
    assert done.stdout.strip() == "RenalAILib.version"
