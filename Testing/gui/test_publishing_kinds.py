"""Every kind of model from the panel: which networks it takes, what is missing in words, and what the job is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import slicer
from fakes import ManualClock
from trainingfakes import FakeLogic, dataset

from RenalAITrainingWidgets.panel import TABS, Panel
from RenalAITrainingWidgets.parameters import ModelKind, RenalAITrainingParameterNode
from RenalAITrainingWidgets.recipes import described_recipes

UI = Path(__file__).resolve().parents[2] / "RenalAITraining" / "Resources" / "UI" / "RenalAITraining.ui"


class Made:
    """The panel over fakes, as a user meets it."""

    def __init__(self, scene, tmp_path):
        self.form = slicer.util.loadUI(str(UI))
        self.form.setMRMLScene(scene)
        self.form.show()
        self.ui = slicer.util.childWidgetVariables(self.form)
        self.logic, self.clock = FakeLogic(), ManualClock()
        self.panel = Panel(self.ui, self.logic, self.clock)
        self.parameters = RenalAITrainingParameterNode(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
        self.parameters.datasetFolder, self.parameters.trainingFolder = tmp_path / "data", tmp_path / "training"
        self._tag = self.parameters.connectGui(self.ui)
        self._observed = self.parameters.AddObserver("ModifiedEvent", lambda *_: self.panel.update())
        self.panel.bind(self.parameters)

    def show(self, name: str) -> None:
        self.ui.tabs.currentIndex = TABS.index(name)

    def train(self, recipe: str, seed: int = 0) -> None:
        """Start a training in its tab and let it end."""
        self.show("train")
        self.parameters.recipe, self.parameters.trainSeed = recipe, seed
        assert self.ui.startButton.enabled, self.ui.trainLine.text
        self.ui.startButton.click()
        self.logic.runs[-1].finish()
        self.clock.tick()

    def choose(self, kind: ModelKind) -> None:
        """Take a kind in the tab Publish by its words."""
        self.show("publish")
        self.ui.modelKindSelector.currentIndex = self.ui.modelKindSelector.findText(kind.label())
        assert self.parameters.modelKind is kind

    def close(self) -> None:
        self.parameters.RemoveObserver(self._observed)
        self.parameters.disconnectGui(self._tag)
        self.panel.close()
        self.form.delete()


@pytest.fixture
def made(mrmlScene, tmp_path, monkeypatch):
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    found = Made(mrmlScene, tmp_path)
    dataset(found.parameters)
    yield found
    found.close()


KINDS = [
    (ModelKind.ONE_STAGE, ["zhao2023-one-stage"], "Kidneys and masses on the whole scan at once"),
    (ModelKind.DETECTOR, ["ssd-renal"], "Boxes in slices"),
    (ModelKind.SLICE_SEGMENTATION, ["allaoui2020-2d"], "Kidneys or masses, slice by slice"),
    (ModelKind.SLICE_VOTE, ["pedersen2020"], "Class of a slice"),
]


@pytest.mark.parametrize(("kind", "recipes", "words"), KINDS)
def test_a_model_of_each_kind_is_trained_measured_and_published(made, kind, recipes, words):
    made.choose(kind)
    assert f"Not trained yet: {words}" in made.ui.publishLine.text and not made.ui.publishButton.enabled
    for recipe in recipes:
        made.train(recipe)
    made.show("evaluate")
    assert kind.label() in made.ui.networksLine.text and made.ui.evaluateButton.enabled
    made.ui.evaluateButton.click()
    job = made.logic.tickets[-1].job
    assert (job.pipeline, list(job.networks)) == (kind.value, list(kind.stages)) and job.replace
    made.panel.jobs.cancel()
    made.show("publish")
    assert made.ui.publishButton.enabled, made.ui.publishLine.text
    made.ui.publishButton.click()
    job = made.logic.tickets[-1].job
    assert (job.pipeline, list(job.networks), job.replace) == (kind.value, list(kind.stages), False)
    assert type(job).read(job.write(Path(".")), Path(".")) == job
    assert job.texts.citation and "cascade" not in job.texts.citation


def test_drawings_that_go_together_are_published_together(made):
    """Kidneys by one network, masses by another; a second seed of either is an ensemble, another rival is left out."""
    made.choose(ModelKind.SLICE_SEGMENTATION)
    made.train("bolocan2023-unet-tumor")
    made.show("publish")
    assert "no kidney is drawn" in made.ui.publishLine.text and not made.ui.publishButton.enabled
    made.train("allaoui2020-2d")  # draws masses too, of both sides at once: the newest decides
    made.train("bolocan2023-unet-kidney")
    made.train("bolocan2023-unet-tumor", seed=4)
    made.train("bolocan2023-segnet-kidney")
    made.show("publish")
    assert made.ui.publishButton.enabled, made.ui.publishLine.text
    text = made.ui.publishedNetworksLine.text
    assert "segnet-kidney-5" in text and "unet-tumor-4" in text and "unet-tumor-1" in text
    assert "allaoui" not in text and "unet-kidney" not in text


def test_votes_need_to_know_who_finds_their_slices(made):
    made.train("pedersen2020")
    made.choose(ModelKind.SLICE_VOTE)
    ui = made.ui
    assert ui.finderEdit.enabled and ui.publishButton.enabled
    ui.finderEdit.text = ""
    made.parameters.finder = ""
    assert "through a mass: name the cascade" in ui.publishLine.text and not ui.publishButton.enabled
    made.parameters.finder = "nobody"
    assert "no model nobody" in ui.publishLine.text
    made.train("bolocan2023-resnet101")
    made.choose(ModelKind.SLICE_VOTE)
    assert "resnet101" in ui.publishedNetworksLine.text and "pedersen" not in ui.publishedNetworksLine.text
    made.choose(ModelKind.CASCADE)
    assert not ui.finderEdit.enabled


def test_samples_of_slices_with_classes_lie_apart_by_what_is_told(made):
    made.train("pedersen2020")
    made.train("bolocan2023-resnet101")
    first, second = (run.plan for run in made.logic.runs)
    assert first.samples != second.samples and first.stage == second.stage == "slice-classify"


def test_every_kind_can_be_trained_from_the_menu_and_lung_nodules_cannot():
    found = described_recipes()
    assert {each.stage for each in found} == {stage for kind in ModelKind for stage in kind.stages}
    assert not any(each.name.startswith("abdullah") for each in found)
