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
    from paintedbody import painted_outcome
    from scriptedworker import scripted_worker

    from RenalAIScene.volumes import add_volume
    from RenalAIWidgets.jobqueue import JobQueue
    from RenalAIWidgets.logic import RenalAILogic

    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    seen_it = tmp_path / "seen"  # the engine waits for us, so that its progress is seen on any machine
    engine = scripted_worker(tmp_path, "locate", f"while not os.path.exists({str(seen_it)!r}): time.sleep(0.01)")
    hold = ctypes.PyDLL(None).usleep
    logic = RenalAILogic(None, JobQueue(engine, Timer()))
    run = logic.segment(add_volume(painted_outcome().volume, "CT"), device="cpu", waitForCompletion=False)
    end = time.monotonic() + 240
    try:
        while run.running:
            assert time.monotonic() < end, f"the interpreter was never let go of, at {run.progress.stage}"
            hold(45_000)
            double.app.processEvents()
            if run.progress.stage == "locate":
                seen_it.touch()
        segmentation, _table = run.result()
        assert seen_it.exists() and segmentation.GetSegmentation().GetNumberOfSegments() >= 2
    finally:
        logic.close()
