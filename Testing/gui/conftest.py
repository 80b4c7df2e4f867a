"""The modules are tested by clicking, in the double of the Slicer application."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [str(ROOT / part) for part in ("Testing", "RenalAI", "RenalAITraining")]
sys.path[:0] = [folder for folder in FOLDERS if folder not in sys.path]

import pytest  # noqa: E402

from slicerdouble.fixtures import *  # noqa: E402, F403

_MEASURED: list[str] = []


@pytest.fixture
def measured(record_property):
    """``measured(what, value, unit, bar)`` puts a measurement into the tests' report and holds it to its bar."""

    def hold(what: str, value: float, unit: str, bar: float) -> None:
        _MEASURED.append(f"{what}: {value:.1f} {unit} (bar: {bar:g} {unit})")
        record_property(what, value)
        assert value <= bar, _MEASURED[-1]

    return hold


def pytest_terminal_summary(terminalreporter):
    """The bars of DESIGN.md as they were measured in this run."""
    if _MEASURED:
        terminalreporter.section("measured")
        for line in _MEASURED:
            terminalreporter.write_line(line)
