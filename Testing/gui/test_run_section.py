"""The run: Segment becomes Cancel, progress in words, the queue, and every way a run can end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import qt
import slicer

from RenalAILib.errors import InputError
from RenalAILib.worker.errors import CancelledError, WorkerError
from RenalAILib.worker.progress import Progress
from RenalAIWidgets import run
from RenalAIWidgets.dependencies import NotInstalledError


class FakeRun:
    """A segmentation whose course the test decides."""

    def __init__(self, volume, on_progress, on_end):
        self.volumeName = volume.GetName()
        self.progress = Progress("start", 0.0)
        self.running = True
        self.problem = None
        self._on_progress, self._on_end = on_progress, on_end

    def cancel(self):
        self.end(CancelledError("cancelled"))

    def step(self, stage, fraction):
        self.progress = Progress(stage, fraction)
        self._on_progress(self)

    def end(self, problem=None):
        self.problem, self.running = problem, False
        self._on_end(self)

    def result(self):
        if self.problem is not None:
            raise self.problem
        return "segmentation node", "table node"


class FakeSegmenter:
    def __init__(self):
        self.runs = []
        self.refuses = None

    def startSegmentation(self, volume, parameters, on_progress, on_end):
        if self.refuses is not None:
            raise self.refuses
        self.runs.append(FakeRun(volume, on_progress, on_end))
        return self.runs[-1]


@pytest.fixture
def ui():
    return SimpleNamespace(
        segmentButton=qt.QPushButton(),
        queueButton=qt.QToolButton(),
        progressBar=qt.QProgressBar(),
        stageLine=qt.QLabel(),
        queueLine=qt.QLabel(),
    )


@pytest.fixture
def made(ui):
    ui.progressBar.maximum = 1000
    segmenter, results = FakeSegmenter(), []
    section = run.RunSection(ui, segmenter, lambda volume: None, results.append)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT 1")
    section.update(SimpleNamespace(inputVolume=volume, secondPhase=None), None)
    return SimpleNamespace(section=section, segmenter=segmenter, results=results, volume=volume)


def test_segment_becomes_cancel_and_back(ui, made):
    assert ui.segmentButton.text == "Segment" and ui.segmentButton.enabled
    ui.segmentButton.click()
    assert ui.segmentButton.text == "Cancel"
    ui.segmentButton.click()
    assert ui.segmentButton.text == "Segment" and ui.stageLine.text == "Cancelled." and not made.results


def test_progress_is_shown_in_words_and_fractions(ui, made, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(run.time, "monotonic", lambda: now[0])
    ui.segmentButton.click()
    now[0] += 3.0
    made.segmenter.runs[0].step("delineate", 0.5)
    assert ui.progressBar.value == 500
    assert ui.stageLine.text == "Outlining kidneys and masses · about 3 s left"
    made.segmenter.runs[0].end()
    assert made.results == ["segmentation node"] and ui.stageLine.text == ""


def test_what_is_wrong_with_the_study_keeps_the_button_off(ui, made):
    made.section.update(SimpleNamespace(inputVolume=None, secondPhase=None), "Load a CT.")
    assert not ui.segmentButton.enabled and ui.segmentButton.toolTip == "Load a CT." and not ui.queueButton.enabled


@pytest.mark.parametrize(
    ("problem", "words", "detail"),
    [
        (InputError("no engine can run on the device cuda"), "no engine can run on the device cuda", ""),
        (WorkerError("The computer ran out of memory.", "last lines"), "ran out of memory", "last lines"),
        (KeyError("surprise"), "unexpected fault", "KeyError"),
    ],
)
def test_an_error_is_told_with_its_cause_and_log(ui, made, double, problem, words, detail):
    ui.segmentButton.click()
    made.segmenter.runs[0].end(problem)
    (shown,) = double.answers.of("error")
    assert words in shown.text and "CT 1" in shown.text and detail in (shown.detail or "")
    assert words.split()[0] in ui.stageLine.text and ui.segmentButton.text == "Segment"


def test_declining_the_installation_is_no_error_box(ui, made, double):
    made.segmenter.refuses = NotInstalledError("The engine was not installed.")
    ui.segmentButton.click()
    assert "not installed" in ui.stageLine.text and ui.segmentButton.text == "Segment" and not double.dialogs


def test_volumes_wait_their_turn_and_are_named(ui, made):
    ui.segmentButton.click()
    assert not ui.queueButton.enabled  # the same CT twice makes no sense
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT 2")
    made.section.update(SimpleNamespace(inputVolume=other, secondPhase=None), None)
    assert ui.queueButton.enabled
    ui.queueButton.click()
    assert ui.queueLine.text == "Then: CT 2"
    made.segmenter.runs[0].end()
    assert ui.queueLine.text == "" and ui.segmentButton.text == "Cancel"
    made.segmenter.runs[1].end()
    assert ui.segmentButton.text == "Segment" and len(made.results) == 2


def test_every_ct_of_the_scene_can_be_queued(ui, made):
    second = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "arterial")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT 3")
    made.section.update(SimpleNamespace(inputVolume=made.volume, secondPhase=second), None)
    made.section.queueAll()
    assert [r.volumeName for r in made.segmenter.runs] == ["CT 1", "CT 3"]


def test_cancel_ends_all_that_waits(ui, made):
    ui.segmentButton.click()
    made.section.queueAll()
    ui.segmentButton.click()
    assert not made.section.running and ui.segmentButton.text == "Segment"
