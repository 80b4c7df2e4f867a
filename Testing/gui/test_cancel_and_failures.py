"""Cancel at each stage, failures of each kind, quitting mid-run: told in words, within a second, with nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import qt
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from scriptedworker import scripted_worker

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "engine"))
from paintedbody import painted_outcome  # noqa: E402

ORDER = ("start", "read", "locate", "delineate", "characterise", "write", "done")


@pytest.fixture
def panel(double, desk):
    """The panel on a painted CT; ``panel(stage, script)`` gives it an engine that does ``script`` at ``stage``."""
    from RenalAIScene.volumes import add_volume
    from RenalAIWidgets.jobqueue import JobQueue

    add_volume(painted_outcome().volume, "CT")
    widget = double.openModule("RenalAI", ROOT / "RenalAI")

    def with_engine(stage, script):
        widget.logic._own_queue = JobQueue(scripted_worker(desk, stage, script), qt.QTimer.singleShot)
        widget.parent.resize(420, 1200)
        widget.parent.show()
        double.enter(widget)
        double.app.processEvents()
        return widget

    yield with_engine
    widget.cleanup()
    widget.parent.delete()
    double.app.processEvents()
    assert list((desk / "temporary").iterdir()) == [], "files left behind"


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def alive(pid):
    """Whether a process is at work; one that is dead and not buried, as init of some containers leaves them, is not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # gone meanwhile; other systems have no /proc
        return sys.platform != "linux"


@pytest.mark.parametrize("stage", ["read", "locate", "delineate", "characterise", "write"])
def test_cancel_at_each_stage(panel, double, desk, stage, measured):
    widget = panel(stage, "time.sleep(3600)")
    ui = widget.ui

    def cancelled():
        with double.counted() as changed:
            click(ui.segmentButton)
            run = widget.panel.run._runs[0]
            double.waitFor(lambda: run.progress.stage == stage)
            pid = widget.logic._queue._engine.pid
            double.dialogs.clear()  # what was asked before the run: the licence of the weights
            begun = time.monotonic()
            click(ui.segmentButton)
            double.waitFor(lambda: ui.segmentButton.text == "Segment")
            took = time.monotonic() - begun
            assert ui.stageLine.text == "Cancelled." and changed() == {} and not double.dialogs
        double.waitFor(lambda: not alive(pid) and not list((desk / "temporary").iterdir()))
        return 1000 * took

    measured(f"cancel while '{stage}'", cancelled, "ms", 1000)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("os.abort()", "The engine crashed in native code"),
        ("os.kill(os.getpid(), 9)", "ran out of memory"),
        ("raise MemoryError('x')", "ran out of memory"),
        ("raise OSError(28, 'No space left on device')", "disk of the temporary folder is full"),
        ("raise PermissionError(13, 'Permission denied', 'secret')", "may not be written"),
        ("raise ModuleNotFoundError(\"No module named 'onnxruntime'\")", "engine is not installed completely"),
        ("raise RuntimeError('CUDNN failure 4')", "graphics card could not be used"),
        ("raise ZeroDivisionError('surprise')", "fault of its own"),
        ("from RenalAILib.errors import InputError; raise InputError('CT is upside down')", "CT is upside down"),
    ],
)
def test_a_failure_is_told_and_the_next_run_works(panel, double, desk, script, words):
    once = f"if not os.path.exists('failed'):\n    open('failed', 'w').close()\n    {script}".replace(
        "'failed'", repr(str(desk / "failed"))
    )
    ui = panel("delineate", once).ui
    with double.counted() as changed:
        click(ui.segmentButton)
        double.waitFor(lambda: double.answers.of("error"))
        (shown,) = double.answers.of("error")
        assert words in shown.text and "CT could not be segmented" in shown.text and "Traceback" not in shown.text
        assert words.split(".")[0] in ui.stageLine.text and ui.segmentButton.text == "Segment" and changed() == {}
    click(ui.segmentButton)
    double.waitFor(lambda: ui.segmentButton.text == "Segment")
    assert ui.massTable.rowCount == 3 and len(double.answers.of("error")) == 1


def test_a_disk_that_is_full_when_the_ct_is_sent(panel, double, monkeypatch):
    """The starter's side writes the volume: it fails in Slicer, not in the engine."""
    import RenalAILib.worker.segmenting

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RenalAILib.worker.segmenting, "write_volume", full)
    ui = panel("never", "").ui
    click(ui.segmentButton)
    double.waitFor(lambda: double.answers.of("error"))
    (shown,) = double.answers.of("error")
    assert "disk of the temporary folder is full" in shown.text and ui.segmentButton.enabled


QUITTER = """
import os, sys, tempfile
sys.path[:0] = {paths!r}
tempfile.tempdir = {temporary!r}
import slicerdouble
double = slicerdouble.install()
from pathlib import Path
import qt
from paintedbody import painted_outcome
from scriptedworker import scripted_worker
from RenalAIScene.volumes import add_volume
from RenalAIWidgets.jobqueue import JobQueue
from RenalAIWidgets.logic import RenalAILogic
engine = scripted_worker(Path({desk!r}), "locate", "time.sleep(3600)")
logic = RenalAILogic(None, JobQueue(engine, qt.QTimer.singleShot))
run = logic.segment(add_volume(painted_outcome().volume, "CT"), waitForCompletion=False)
double.waitFor(lambda: run.progress.stage == "locate")
print(logic._queue._engine.pid, flush=True)
{end}
"""


@pytest.mark.parametrize("end", ["sys.exit(0)", "os._exit(1)", "os.kill(os.getpid(), 9)"])
@pytest.mark.timeout(600)
def test_slicer_quits_or_dies_mid_run(desk, end):
    """No cleanup is called, as when Slicer is killed: the engine notices that its starter is gone."""
    paths = [str(ROOT / part) for part in ("Testing", "Testing/engine", "Testing/gui", "RenalAI")]
    source = QUITTER.format(paths=paths, temporary=str(desk / "temporary"), desk=str(desk), end=end)
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, encoding="utf-8", errors="replace", timeout=250
    )
    pid = int(done.stdout.split()[-1])
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and (alive(pid) or list((desk / "temporary").glob("renalai*"))):
        time.sleep(0.05)
    assert not alive(pid) and not list((desk / "temporary").glob("renalai*"))
