"""What is done again and again takes one timer, and works where Python runs only while the timer does."""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path

import pytest
import qt
import slicer

from RenalAIWidgets.timer import Timer

ROOT = Path(__file__).resolve().parents[2]


def timers():
    return [child for child in slicer.app.moduleManager().children() if isinstance(child, qt.QTimer)]


def test_a_hundred_calls_take_one_timer(double):
    before, fired = len(timers()), []
    timer = Timer()
    assert len(timers()) == before, "made only when it is needed"

    def again():
        fired.append(len(fired))
        if len(fired) < 100:
            timer(0, again)

    timer(0, again)
    double.waitFor(lambda: len(fired) == 100)
    assert len(timers()) == before + 1


def test_the_last_call_counts(double):
    timer, fired = Timer(), []
    timer(0, lambda: fired.append("first"))
    timer(0, lambda: fired.append("second"))
    double.waitFor(lambda: fired)
    double.app.processEvents()
    assert fired == ["second"]


def test_a_run_ends_where_the_application_holds_the_interpreter(double, tmp_path, monkeypatch):
    """Slicer never lets go of Python while Qt waits for events: other threads run only while a timer's function does.

    PySide6 lets go, so this test holds the interpreter as Slicer does: a sleep of C that does not release it.
    """
    if sys.platform == "win32":
        pytest.skip("the C library's usleep is not there")
    sys.path.insert(0, str(ROOT / "Testing" / "engine"))
    import toybundle

    from RenalAIScene.volumes import add_volume
    from RenalAIWidgets.logic import RenalAILogic

    monkeypatch.setenv("RENALAI_BUNDLES", str(toybundle.installed_as_default(tmp_path / "bundles")))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    hold = ctypes.PyDLL(None).usleep
    logic = RenalAILogic()
    ct = add_volume(toybundle.painted(*toybundle.axial((3.0, 2.5, 2.5)), noise_hu=3.0), "CT")
    run = logic.segment(ct, fast=True, device="cpu", waitForCompletion=False)
    seen = set()
    end = time.monotonic() + 60
    try:
        while run.running and time.monotonic() < end:
            hold(45_000)
            double.app.processEvents()
            seen.add(run.progress.stage)
        segmentation, _table = run.result()
        assert segmentation.GetSegmentation().GetNumberOfSegments() >= 2
        assert {"locate", "delineate"} & seen, seen
    finally:
        logic.close()
