"""Pytest's side of the double: one application a process, one scene a test, and a stated reason where it cannot run.

A ``conftest.py`` takes it in with ``from slicerdouble.fixtures import *``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

import slicerdouble

__all__ = ["double", "mrmlScene", "pytest_collect_file", "pytest_pycollect_makemodule"]


class _Skipped(pytest.Module):
    """A test file that needs what is not there; it is not imported."""

    def collect(self) -> Any:
        pytest.skip(slicerdouble.unavailable() or "", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> Any:
    """Install the double before a test file is imported, or skip the file with the reason."""
    return _Skipped.from_parent(parent, path=module_path) if slicerdouble.unavailable() else None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: Any) -> Generator[None, list[Any], list[Any]]:
    """No doctests of files that cannot be imported."""
    if not slicerdouble.unavailable():
        slicerdouble.install()
    found = yield
    return [node for node in found if isinstance(node, _Skipped)] if slicerdouble.unavailable() else found


@pytest.fixture(autouse=True)
def double() -> Iterator[Any]:
    """The application, with a new scene before the test and nothing of the test left after it."""
    application = slicerdouble.install()
    application.clear()
    yield application
    application.clear()


@pytest.fixture
def mrmlScene(double: Any) -> Any:
    """``slicer.mrmlScene``."""
    return double.scene
