"""The tabs of the training module with jobs and trainings that the test decides: what is missing, what is told."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import slicer
from fakes import ManualClock
from trainingfakes import FakeLogic, dataset

from RenalAILib.errors import InputError
from RenalAITrainingLib.runs.plan import State, Status
from RenalAITrainingWidgets.datasettab import samples_folder
from RenalAITrainingWidgets.panel import TABS, Panel
from RenalAITrainingWidgets.parameters import Evaluated, Network, Part, RenalAITrainingParameterNode, Scheme
from RenalAIWidgets.dependencies import NotInstalledError

UI = Path(__file__).resolve().parents[2] / "RenalAITraining" / "Resources" / "UI" / "RenalAITraining.ui"


@pytest.fixture
def made(mrmlScene, tmp_path, monkeypatch):
    """The panel over fakes, bound to a parameter node; ``made.show("train")`` opens a tab."""
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RENALAI_BUNDLES", "")
    form = slicer.util.loadUI(str(UI))
    form.setMRMLScene(mrmlScene)
    form.resize(420, 900)
    form.show()
    ui = slicer.util.childWidgetVariables(form)
    logic, clock = FakeLogic(), ManualClock()
    panel = Panel(ui, logic, clock)
    parameters = RenalAITrainingParameterNode(mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    parameters.datasetFolder, parameters.trainingFolder = tmp_path / "data", tmp_path / "training"
    tag = parameters.connectGui(ui)
    observed = parameters.AddObserver("ModifiedEvent", lambda *_: panel.update())
    panel.bind(parameters)

    def show(name):
        ui.tabs.currentIndex = TABS.index(name)

    yield SimpleNamespace(panel=panel, ui=ui, logic=logic, clock=clock, parameters=parameters, show=show)
    parameters.RemoveObserver(observed)
    parameters.disconnectGui(tag)
    panel.close()
    form.delete()


def test_an_empty_start_says_what_is_missing_in_every_tab(made):
    lines = {
        "annotate": ("annotateLine", "Load a CT"),
        "dataset": ("datasetLine", "no dataset here yet"),
        "train": ("trainLine", "has no case yet"),
        "evaluate": ("evaluateLine", "has no case yet"),
        "publish": ("publishLine", "Not trained yet"),
    }
    for name, (line, words) in lines.items():
        made.show(name)
        assert words in getattr(made.ui, line).text
    for button in ("addCaseButton", "checkButton", "splitButton", "startButton", "evaluateButton", "publishButton"):
        assert not getattr(made.ui, button).enabled and getattr(made.ui, button).toolTip, button


def test_the_dataset_tab_counts_and_offers(made):
    dataset(made.parameters, cases=4, split=False, masses="left solid 20.0; right cystic 9.0", patients=3)
    made.show("dataset")
    ui = made.ui
    assert ui.datasetLine.text == "4 cases of 3 patients, 8 masses." and ui.caseTable.rowCount == 4
    assert "Not split yet" in ui.splitLine.text and ui.splitButton.enabled and ui.checkButton.enabled
    assert not ui.fuseButton.enabled and "two readers" in ui.fuseButton.toolTip
    made.parameters.scheme = Scheme.FOLDS
    assert not ui.splitButton.enabled and "5 patients at least" in ui.splitButton.toolTip
    made.parameters.scheme = Scheme.SEVENTY_TWENTY_TEN
    made.parameters.splitSeed, made.parameters.oversample = 7, 3
    ui.splitButton.click()
    job = made.logic.tickets[-1].job
    assert (job.ratio, job.folds, job.seed, job.oversample) == ("70:20:10", 0, 7, 3)
    assert not ui.checkButton.enabled and "Splitting" in ui.checkButton.toolTip and ui.cancelButton.visible
    made.logic.tickets[-1].step(0.5, "Sharing out")
    assert "Sharing out" in ui.jobLine.text and ui.jobProgressBar.value == 500
    dataset(made.parameters, cases=4)
    made.logic.tickets[-1].end({"parts": {}})
    assert "training 2, validation 1, test 1" in ui.splitLine.text and ui.checkButton.enabled


def test_findings_are_told_with_their_colors_and_pictures(made):
    dataset(made.parameters)
    made.show("dataset")
    made.ui.checkButton.click()
    findings = [
        {"severity": "error", "case": "p1-a", "text": "The sides of p1-a are mixed up."},
        {"severity": "warning", "case": "p2-a", "text": "The mask of p2-a is empty."},
    ]
    made.logic.tickets[-1].end({"cases": 3, "findings": findings, "sheets": ["sheet.png"]})
    text = made.ui.findingsLine.text
    assert "Errors: 1. Warnings: 1." in text and "mixed up" in text and "#b3261e" in text and "sheet.png" in text


def test_a_job_that_fails_or_is_cancelled_is_told(made, double):
    dataset(made.parameters)
    made.show("dataset")
    made.ui.checkButton.click()
    made.logic.tickets[-1].end(problem=InputError("dataset.yaml is not YAML"))
    assert "is not YAML" in made.ui.findingsLine.text and "is not YAML" in double.answers.of("error")[0].text
    made.ui.checkButton.click()
    made.ui.cancelButton.click()
    assert made.ui.jobLine.text == "Cancelled." and made.ui.checkButton.enabled
    made.logic.refuses = NotInstalledError("PyYAML was not installed.")
    made.ui.checkButton.click()
    assert "PyYAML" in made.ui.findingsLine.text and made.ui.checkButton.enabled


def test_a_training_starts_is_followed_stopped_and_resumed(made):
    dataset(made.parameters)
    made.show("train")
    ui, parameters = made.ui, made.parameters
    assert "Kidneys on the whole scan" in ui.recipeLine.text and "Finds both kidneys" in ui.recipeLine.text
    assert "first ten steps" in ui.needLine.text and "Disk: about" in ui.needLine.text
    parameters.trainSeed, parameters.hours = 5, 2.0
    assert "2.0 h, as chosen" in ui.needLine.text
    ui.startButton.click()
    (run,) = made.logic.runs
    assert (run.plan.recipe, run.plan.stage, run.plan.seed, run.plan.minutes) == ("demo-locate", "locate", 5, 120.0)
    assert run.plan.dataset == str(parameters.datasetFolder) and run.plan.samples.endswith("samples/locate")
    assert not ui.startButton.enabled and "is running" in ui.trainLine.text
    run.train(step=50, total=100)
    made.clock.tick()
    assert ui.runTable.item(0, 1).text() == "Training" and ui.runTable.item(0, 2).text() == "50 %"
    assert "about 2 min left on this computer (2.00 s a step)" in ui.runLine.text
    assert "goes on when Slicer is closed" in ui.runLine.text and ui.tabs.tabText(2) == "Train ●"
    ui.stopButton.click()
    assert run.calls == ["stop"] and ui.stopButton.text == "Stop now" and "saving and stopping" in ui.runLine.text
    ui.stopButton.click()
    assert run.calls == ["stop", "kill"]
    made.clock.tick()
    assert "ended without a word" in ui.runLine.text and ui.resumeButton.enabled and ui.tabs.tabText(2) == "Train"
    ui.resumeButton.click()
    assert run.told.state is State.STARTING and not ui.resumeButton.enabled
    run.finish(0.871)
    made.clock.tick()
    assert "best score 0.871 at step 20" in ui.runLine.text and ui.runTable.item(0, 3).text() == "0.871"


def test_the_curves_grow_and_go(made, double):
    dataset(made.parameters)
    made.show("train")
    made.ui.startButton.click()
    run = made.logic.runs[0]
    run.train(30, 100)
    made.clock.tick()
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)  # a scene makes it when first asked
    with double.counted() as changed:
        made.ui.curvesButton.click()
        assert changed() == {"vtkMRMLTableNode": 2, "vtkMRMLPlotSeriesNode": 2, "vtkMRMLPlotChartNode": 1}
        loss = slicer.util.getNode("RenalAI training: Loss")
        assert loss.GetNumberOfRows() == 3
        run.train(70, 100)
        made.clock.tick()
        assert loss.GetNumberOfRows() == 7
        chart = slicer.util.getNodesByClass("vtkMRMLPlotChartNode")[0]
        assert chart.GetTitle() == run.name and chart.GetNumberOfPlotSeriesNodes() == 2
        made.ui.curvesButton.click()
        made.panel.close()
        assert changed() == {}


def test_the_rest_of_what_keeps_training_from_starting(made, monkeypatch):
    from RenalAITrainingWidgets import train

    made.show("train")
    dataset(made.parameters, split=False)
    made.panel.update()
    assert "not split yet" in made.ui.trainLine.text
    dataset(made.parameters)
    made.parameters.recipe = "no-such-recipe"
    assert "no recipe is called" in made.ui.trainLine.text and not made.ui.startButton.enabled
    made.parameters.recipe = "zhao2023-mass"
    assert made.ui.startButton.enabled and "masses inside each kidney" in made.ui.recipeLine.text.lower()
    monkeypatch.setattr(train, "free_bytes", lambda folder: 1_000_000)
    made.panel.update()
    assert "The disk has 1 MB free" in made.ui.trainLine.text and not made.ui.startButton.enabled
    monkeypatch.undo()
    made.panel.update()
    made.logic.refuses = NotInstalledError("Training needs PyTorch.")
    made.ui.startButton.click()
    assert "needs PyTorch" in made.ui.trainLine.text and made.logic.runs == []


def test_samples_without_a_dataset_are_enough(made):
    made.show("train")
    folder = samples_folder(made.parameters) / "locate"
    folder.mkdir(parents=True)
    (folder / "samples.jsonl").write_text("", encoding="utf-8")
    made.panel.update()
    made.ui.startButton.click()
    assert made.logic.runs[0].plan.dataset == ""


def test_the_menu_names_recipes_in_words_by_network(made):
    made.panel.train._fill_menu()
    actions = list(made.panel.train._menu.actions())
    titles = [action.text for action in actions if action.text]
    assert "Zhao 2023, step 1: both kidneys on the whole CT" in titles
    next(action for action in actions if action.text.startswith("Zhao 2023, step 1")).trigger()
    assert made.parameters.recipe == "zhao2023-kidney"


def trained(made):
    """A finished training of each network, two of the masses."""
    made.show("train")
    for network, seed in (
        (Network.LOCATE, 0),
        (Network.DELINEATE, 1),
        (Network.DELINEATE, 2),
        (Network.CHARACTERISE, 0),
    ):
        made.parameters.recipe, made.parameters.trainSeed = f"demo-{network.value}", seed
        made.ui.startButton.click()
        made.logic.runs[-1].finish()
        made.clock.tick()


def test_evaluating_exports_a_candidate_measures_it_and_opens_the_page(made):
    dataset(made.parameters)
    opened = []
    made.panel.evaluate._open_page = opened.append
    made.show("evaluate")
    assert "Not trained yet: Kidneys on the whole scan" in made.ui.evaluateLine.text
    trained(made)
    made.show("evaluate")
    ui = made.ui
    assert "demo-delineate-3, score 0.900 + demo-delineate-2" in ui.networksLine.text and ui.evaluateButton.enabled
    ui.evaluateButton.click()
    job = made.logic.tickets[-1].job
    assert {stage: len(paths) for stage, paths in job.networks.items()} == {
        "locate": 1, "delineate": 2, "characterise": 1,
    }  # fmt: skip
    assert job.replace and job.into == Path(made.parameters.trainingFolder) / "candidate"
    made.logic.tickets[-1].end({"folder": "candidate/candidate"})
    job = made.logic.tickets[-1].job
    assert (job.bundle, job.part) == ("candidate/candidate", "test")
    job.folder.mkdir(parents=True)
    page = job.folder / "evaluation.html"
    page.write_text("<html>", encoding="utf-8")
    dice = {"value": 0.91, "low": 0.85, "high": 0.95, "count": 3}
    tables = {"overlap": {"rows": [{"structure": "kidney", "side": "right", "n": 3, "Dice": dice}]}}
    made.logic.tickets[-1].end(
        {"systems": [{"name": "candidate 0", "failures": [], "tables": tables}], "split": "test", "notes": ["Few."]}
    )
    assert opened == [page] and ui.resultTable.item(0, 0).text() == "Dice, kidney, right"
    assert ui.resultTable.item(0, 2).text() == "0.910" and "Few." in ui.evaluatedLine.text and ui.pageButton.enabled
    made.parameters.evaluated, made.parameters.evaluationModel = Evaluated.MODEL, "zhao2023-demo"
    assert ui.resultTable.rowCount == 0 and not ui.pageButton.enabled and ui.evaluateButton.enabled
    made.parameters.part = Part.ALL
    ui.evaluateButton.click()
    assert (made.logic.tickets[-1].job.bundle, made.logic.tickets[-1].job.part) == ("zhao2023-demo", "")


def test_publishing_tells_whether_the_card_will_say_anything(made):
    dataset(made.parameters)
    trained(made)
    made.show("publish")
    ui, parameters = made.ui, made.parameters
    assert "not evaluated" in ui.publishLine.text and ui.publishButton.enabled
    folder = Path(parameters.trainingFolder) / "evaluations" / "candidate"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text("{}", encoding="utf-8")
    made.panel.update()
    assert "tells what was measured" in ui.publishLine.text
    parameters.modelName = "no/name"
    assert "letters, digits" in ui.publishLine.text and not ui.publishButton.enabled
    parameters.modelName, parameters.modelVersion = "clinic", "one"
    assert "numbers with dots" in ui.publishLine.text
    parameters.modelVersion, parameters.trainingDomain = "1.2", "CT of adults."
    ui.publishButton.click()
    job = made.logic.tickets[-1].job
    assert job.texts.name == "clinic" and job.evaluation == folder / "evaluation.json" and not job.replace
    assert job.texts.training_domain == "CT of adults. 3 CTs of 3 patients with 3 masses."
    made.logic.tickets[-1].end({"name": "clinic", "version": "1.2", "folder": "there/clinic"})
    assert "clinic 1.2 is there" in ui.publishedLine.text


def test_a_training_in_folds_validates_on_the_first(made):
    dataset(made.parameters)
    folds = {f"fold_{n}": {"cases": 1} for n in range(1, 6)}
    (Path(made.parameters.datasetFolder) / "split.json").write_text(json.dumps({"parts": folds}), encoding="utf-8")
    made.show("train")
    made.ui.startButton.click()
    assert made.logic.runs[0].plan.fold == 1
    made.logic.runs[0].told = Status(State.FAILED, "the GPU has too little memory")
    made.clock.tick()
    assert "too little memory" in made.ui.runLine.text and made.ui.runLine.toolTip == "last words"
