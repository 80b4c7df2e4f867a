"""Trainings from the panel: real ones of tiny networks, from cases to a model, and across the end of Slicer."""

from __future__ import annotations

from pathlib import Path

import pytest
import slicer
import trainingpanel
import yaml
from trainingpanel import ROOT, add_case, click, click_tab, ct_of, holder, labels, open_module, wait_for_job

home, add_case_nodes, widget = trainingpanel.home, trainingpanel.add_case_nodes, trainingpanel.widget
SHORT = {"batch": 1, "steps": 12}
RECIPES = {
    "locate": {
        "data": {"stage": "locate", "patch": [16, 16, 16]},
        "network": {"name": "unet", "options": {"filters": [4, 8], "residual_units": 0}},
        "loss": {"name": "dice_bce"},
    },
    "delineate": {
        "data": {"stage": "delineate", "patch": [16, 16, 16], "validation_samples": 1},
        "network": {"name": "unet", "options": {"filters": [4, 8], "residual_units": 0}},
        "loss": {"name": "dice_bce"},
    },
    "characterise": {
        "data": {"stage": "characterise"},
        "network": {"name": "resnet10", "options": {"filters": [4, 4, 4, 4], "hidden": 8, "stem": 3}},
        "loss": {"name": "cross_entropy"},
    },
}


@pytest.mark.timeout(1800)
def test_from_annotation_to_a_model_that_renalai_offers(widget, double, add_case_nodes, home):
    ui = widget.ui
    for number in range(4):
        add_case(widget, double, *add_case_nodes(number))
    click_tab(widget, 1)
    assert ui.datasetLine.text == "4 cases of 4 patients, 12 masses."
    click(ui.checkButton)
    wait_for_job(widget, double)
    assert "Errors: 0." in ui.findingsLine.text and (home / "data" / "contact-sheet-1.png").is_file()
    click(ui.splitButton)
    wait_for_job(widget, double)
    assert ui.splitLine.text == "training 2, validation 1, test 1"
    click_tab(widget, 2)
    widget._parameterNode.variants = 1
    for stage, content in RECIPES.items():
        path = home / f"tiny-{stage}.yaml"
        common = {"optimiser": {"name": "adamw", "learning_rate": 0.01}, "schedule": SHORT}
        told = {"name": f"tiny-{stage}", "title": f"Tiny {stage}", "citation": "none"} | common | content
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        ui.recipeEdit.text = str(path)
        click(ui.startButton)
        run = widget.panel.train.found[0]
        double.waitFor(lambda run=run: not run.status().state.active)
        assert run.status().state.value == "finished", run.log()
        double.waitFor(lambda: ui.runTable.item(0, 1).text() == "Finished")
    click_tab(widget, 3)
    assert "tiny-delineate-1" in ui.networksLine.text
    click(ui.evaluateButton)
    double.waitFor(lambda: ui.pageButton.enabled and widget.panel.jobs.busy is None)
    assert not double.answers.of("error"), double.dialogs
    assert (home / "training" / "evaluations" / "candidate" / "evaluation.html").is_file() and ui.resultTable.rowCount
    click_tab(widget, 4)
    ui.modelNameEdit.text = "clinic"
    assert "tells what was measured" in ui.publishLine.text
    click(ui.publishButton)
    wait_for_job(widget, double)
    assert "clinic 0.1.0 is there" in ui.publishedLine.text
    assert "already" in ui.publishLine.text and not ui.publishButton.enabled
    from RenalAILib.bundles.store import load_bundle

    bundle = load_bundle("clinic")
    assert bundle.demonstration and "Overlap" in bundle.model_card and "4 CTs of 4 patients" in bundle.training_domain
    other = double.openModule("RenalAI", ROOT / "RenalAI")
    other.panel.model._fill_menu()
    assert "clinic" in [action.text for action in other.panel.model._menu.actions()]
    other.cleanup()
    other.parent.delete()


def long_run(widget, home):
    """A training that will not end by itself, started by a click on samples that are there."""
    from RenalAITrainingLib.samples import SampleStore

    store = SampleStore(home / "training" / "samples" / "locate")
    for number, split in enumerate(("train", "validation")):
        mask = labels(seed=number)
        store.append(ct_of(mask).voxels, mask.voxels, split=split, stage="locate", kind="phantom")
    told = {"name": "tiny", "title": "Tiny", "citation": "none"} | RECIPES["locate"]
    told |= {"optimiser": {"name": "adamw", "learning_rate": 0.01}, "schedule": SHORT | {"steps": 200_000}}
    path = home / "tiny.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    click_tab(widget, 2)
    widget.ui.recipeEdit.text = str(path)
    click(widget.ui.startButton)


@pytest.mark.timeout(1800)
def test_a_training_goes_on_when_slicer_is_closed_and_is_found_again(double, home):
    first = open_module(double, home)
    long_run(first, home)
    run = first.panel.train.found[0]
    double.waitFor(lambda: run.status().step > 10)
    double.waitFor(lambda: "left on this computer" in first.ui.runLine.text)
    number = holder(run.folder)
    first.cleanup()  # Slicer quits
    first.parent.delete()
    slicer.mrmlScene.Clear()
    at = run.status().step
    double.waitFor(lambda: run.status().step > at)
    assert holder(run.folder) == number
    second = double.openModule("RenalAITraining", ROOT / "RenalAITraining")  # and starts again
    second.parent.resize(420, 1000)
    second.parent.show()
    double.enter(second)
    assert Path(second._parameterNode.trainingFolder) == home / "training"  # where this user worked last
    assert second.ui.tabs.tabText(2) == "Train ●"  # told though another tab is shown
    click_tab(second, 2)
    assert second.ui.runTable.item(0, 0).text() == run.name and second.ui.runTable.item(0, 1).text() == "Training"
    assert not second.ui.startButton.enabled
    click(second.ui.curvesButton)
    table = slicer.util.getNode("RenalAI training: Loss")
    rows = table.GetNumberOfRows()
    double.waitFor(lambda: table.GetNumberOfRows() > rows)  # the curve is live
    click(second.ui.stopButton)
    double.waitFor(lambda: second.ui.runTable.item(0, 1).text() == "Stopped")
    double.waitFor(lambda: holder(run.folder) is None)  # it says so and ends
    assert second.ui.resumeButton.enabled
    stopped = run.status().step
    click(second.ui.resumeButton)
    double.waitFor(lambda: run.status().step > stopped)
    click(second.ui.stopButton)
    double.waitFor(lambda: not run.status().state.active)
    second.cleanup()
    second.parent.delete()
