"""What holds for every test: no other computer is reached, nothing is left behind, what was measured is shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import leftovers
import loopback

# How long an example takes is said of the machine, not of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("any machine")

Measurement = float | Callable[[], float]
_MEASURED = "measured"
_lines: list[str] = []
_left: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Before any worker of pytest-xdist starts: they inherit the environment, and watch nothing themselves."""
    loopback.guard()
    if leftovers.MARK not in os.environ and not config.option.collectonly:
        whole = config.args_source is config.ArgsSource.TESTPATHS  # who runs single tests is writing others
        config.stash[_WATCH] = leftovers.Leftovers(Path(__file__).resolve().parents[1] if whole else None)


_WATCH: pytest.StashKey[leftovers.Leftovers] = pytest.StashKey()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is measured is measured alone."""
    for item in items:
        if _MEASURED in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.alone)


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    loopback.attempts.clear()
    yield
    assert not loopback.attempts, f"no other computer may be reached: {loopback.attempts}"


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str, Measurement, str, float], None]:
    """``measured(what, value, unit, bar)`` puts a measurement into the tests' report and holds it to its bar.

    What the clock on the wall says counts what else the machine did: such a measurement is given as the function that
    makes it, which is called up to three times, until it is below the bar.
    """

    def hold(what: str, measurement: Measurement, unit: str, bar: float) -> None:
        value = measurement() if callable(measurement) else measurement
        for _ in range(2):
            if callable(measurement) and value > bar:
                value = min(value, measurement())
        line = f"{what}: {value:.1f} {unit} (bar: {bar:g} {unit})"
        record_property(_MEASURED, line)  # properties come back from workers with the report
        assert value <= bar, line

    return hold


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _lines.extend(str(value) for name, value in report.user_properties if name == _MEASURED)


@pytest.hookimpl(trylast=True)  # after the workers have ended
def pytest_sessionfinish(session: pytest.Session) -> None:
    watch = session.config.stash.get(_WATCH, None)
    if watch is not None:
        _left.extend(watch.found())
        watch.end()
        if _left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The bars of DESIGN.md as they were measured in this run, and what the tests left behind."""
    for title, lines in (("measured", _lines), ("left behind", _left)):
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)
