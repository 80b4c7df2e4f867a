"""The panel of the training module as its tests use it: a user of their own, cases to add, clicks.

A test module takes the fixtures it needs by name: ``home = trainingpanel.home``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import qt
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "training"))
from labelledcases import ct_of, labels  # noqa: E402

from RenalAILib.labels import Label  # noqa: E402
from RenalAITrainingLib.runs.lock import holder  # noqa: E402
from RenalAITrainingLib.runs.run import runs_in  # noqa: E402

NAMES = {1: "Niere rechts", 2: "kidney_left", 3: "AML", 4: "Zyste", 5: "renal tumor", 6: "something"}
MASSES = ((Label.SOLID, "left", 11.0), (Label.CYSTIC, "right", 9.0), (Label.AML, "left", 8.0))


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A user of our own, with one thread; no training of ours outlives the test."""
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    from RenalAITrainingWidgets.logic import shared_training_queue

    shared_training_queue.cache_clear()
    yield tmp_path
    shared_training_queue().close()
    shared_training_queue.cache_clear()
    for run in runs_in(tmp_path / "training" / "runs"):
        if holder(run.folder) is not None:
            run.kill()


@pytest.fixture
def add_case_nodes(mrmlScene):
    """A CT and its segmentation as somebody drew it, with names of all kinds."""

    def add(number=0, masses=MASSES):
        from RenalAIScene.labelmaps import new_segmentation
        from RenalAIScene.volumes import add_volume

        mask = labels(*masses, seed=number)
        ct = add_volume(ct_of(mask, number), f"DOE^JANE {number}")
        present = [int(value) for value in np.unique(mask.voxels) if value]
        values = np.zeros(7, np.uint8)
        values[present] = range(1, len(present) + 1)
        node = new_segmentation(f"by hand {number}", values[mask.voxels], [f"Segment_{v}" for v in present], ct)
        for value in present:
            node.GetSegmentation().GetSegment(f"Segment_{value}").SetName(NAMES[value])
        return ct, node

    return add


def open_module(double, folder):
    made = double.openModule("RenalAITraining", ROOT / "RenalAITraining")
    made.parent.resize(420, 1000)
    made.parent.show()
    double.enter(made)
    made._parameterNode.datasetFolder = folder / "data"
    made._parameterNode.trainingFolder = folder / "training"
    made.panel.evaluate._open_page = lambda page: None
    return made


@pytest.fixture
def widget(double, home):
    made = open_module(double, home)
    yield made
    made.cleanup()
    made.parent.delete()
    double.app.processEvents()


def click(target):
    qt.QApplication.processEvents()  # a tab that was just opened is laid out only now
    assert target.enabled, target.toolTip
    QTest.mouseClick(target, Qt.MouseButton.LeftButton)


def click_tab(widget, index):
    bar = widget.ui.tabs.tabBar()
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, bar.tabRect(index).center())
    assert widget.ui.tabs.currentIndex == index


def wait_for_job(widget, double):
    double.waitFor(lambda: widget.panel.jobs.busy is None)
    assert not double.answers.of("error"), double.dialogs


def add_case(widget, double, ct, segmentation, patient=""):
    widget.ui.volumeSelector.setCurrentNode(ct)
    widget.ui.segmentationSelector.setCurrentNode(segmentation)
    widget.ui.patientEdit.text = patient
    click(widget.ui.addCaseButton)
    wait_for_job(widget, double)


def dataset_of(widget):
    from RenalAITrainingLib.dataset.folder import Dataset

    return Dataset.open(Path(widget._parameterNode.datasetFolder))
