"""The way of a radiologist through the training module: clicks, the real worker, real trainings of tiny networks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import qt
import slicer
import yaml
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


def wait_for_job(widget, double, seconds=120):
    double.waitFor(lambda: widget.panel.jobs.busy is None, seconds)
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


def test_a_segmentation_becomes_a_case_as_it_was_corrected(widget, double, add_case_nodes, home):
    ui = widget.ui
    ct, segmentation = add_case_nodes()
    ui.volumeSelector.setCurrentNode(ct)
    ui.segmentationSelector.setCurrentNode(segmentation)
    shown = [ui.matchTable.cellWidget(row, 1).currentText for row in range(ui.matchTable.rowCount)]
    assert shown == ["Right kidney", "Left kidney", "AML", "Cystic mass", "Solid mass"]
    assert "No patient is named" in ui.annotateLine.text and "Right kidney → Left kidney" in ui.overlapLine.text
    aml = ui.matchTable.cellWidget(2, 1)
    aml.setCurrentIndex(aml.findText("Mass, any class"))
    aml.activated.emit(aml.currentIndex)
    click(ui.massesButton)
    sides = [ui.massTable.item(row, 0).text().split(",")[0] for row in range(3)]
    classes = [ui.massTable.cellWidget(row, 1).currentText for row in range(3)]
    assert (sides[0], classes[0]) == ("Left", "Solid") and sorted(classes[1:]) == ["Cystic", "Unknown"]
    aml = ui.massTable.cellWidget(classes.index("Unknown"), 1)
    aml.setCurrentIndex(aml.findText("AML"))
    ui.massTable.cellWidget(0, 2).setCurrentIndex(ui.massTable.cellWidget(0, 2).findText("Papillary RCC"))
    ui.phaseSelector.setCurrentIndex(ui.phaseSelector.findText("Nephrographic (portal venous)"))
    ui.patientEdit.text = "Doe, Jane 4711-19700101"
    assert "under a pseudonym" in ui.annotateLine.text
    click(ui.addCaseButton)
    wait_for_job(widget, double)
    assert "is in the dataset, with 3 masses" in ui.addLine.text and ui.patientEdit.text == ""
    (case,) = dataset_of(widget)
    assert str(case.masses[0]).endswith("papillary_rcc")
    assert sorted(mass.mass_class.value for mass in case.masses) == ["aml", "cystic", "solid"]
    assert case.facts.phase.value == "nephrographic" and len(case.times) == 1
    stored = dataset_of(widget).labels(case).voxels
    assert np.array_equal(stored, labels(*MASSES).voxels)  # the AML is one again
    # Another reader of the same CT, under the same pseudonym; the same reader twice is refused.
    ui.readerEdit.text = "reader-2"
    add_case(widget, double, ct, segmentation, "Doe, Jane 4711-19700101")
    assert "2 readers" in ui.addLine.text and len(dataset_of(widget)) == 1
    click(ui.addCaseButton)
    double.waitFor(lambda: widget.panel.jobs.busy is None, 30)
    assert len(dataset_of(widget)) == 2  # without a patient's name it is another patient
    # Nothing that names her is in any file, in the scene, or in what is left of temporary files.
    assert slicer.util.saveScene(str(home / "scene.mrml"))
    written = [path for path in home.rglob("*") if path.is_file() and path.name not in ("pseudonyms.key",)]
    for path in written:
        content = path.read_bytes()
        assert b"4711" not in content and b"19700101" not in content, path
        if path.is_relative_to(home / "data"):
            assert b"DOE" not in content and b"JANE" not in content, path


def test_two_scans_of_one_dicom_patient_share_a_pseudonym(double, add_case_nodes, home):
    from RenalAITrainingWidgets.exporting import case_name, patient_of

    scans = [add_case_nodes(number)[0] for number in range(3)]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "DOE^JANE")
    hierarchy.SetItemAttribute(patient, "DICOM.PatientID", "4711")
    for scan in scans[:2]:
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(scan), patient)
    assert [patient_of(scan) for scan in scans] == ["4711", "4711", ""]
    names = [case_name(scan, home / "data") for scan in scans]
    one, two, other = (name.partition("-")[0] for name in names)
    assert one == two != other and len(set(names)) == 3
    assert case_name(scans[2], home / "data", " 4711 ").startswith(one)  # typed where DICOM does not say it
    assert names == [case_name(scan, home / "data") for scan in scans]


def test_outlining_starts_with_the_right_segments(widget, double, add_case_nodes):
    from RenalAIScene.matching import guess_matching, matches

    ui, opened = widget.ui, []
    widget.panel.annotate._open_module = opened.append
    ct, by_hand = add_case_nodes()
    slicer.mrmlScene.RemoveNode(by_hand)
    ui.volumeSelector.setCurrentNode(ct)
    assert "Outline kidneys" in ui.annotateLine.text
    click(ui.outlineButton)
    made = widget._parameterNode.segmentation
    assert opened == ["SegmentEditor"] and list(matches(made).values()) == [Label(value) for value in range(1, 7)]
    assert guess_matching(made) == matches(made)  # also without what was said: by codes and names
    shown = [ui.matchTable.cellWidget(row, 1).currentText for row in range(ui.matchTable.rowCount)]
    assert shown[0] == "Right kidney" and shown[-1] == "Mass, any class"
    click(ui.addCaseButton)
    assert "has nothing within" in ui.addLine.text  # nothing is drawn yet
    click(ui.outlineButton)
    assert widget._parameterNode.segmentation is made  # the same goes on


@pytest.mark.timeout(1200)
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
        double.waitFor(lambda run=run: not run.status().state.active, 300)
        assert run.status().state.value == "finished", run.log()
        double.waitFor(lambda: ui.runTable.item(0, 1).text() == "Finished", 10)
    click_tab(widget, 3)
    assert "tiny-delineate-1" in ui.networksLine.text
    click(ui.evaluateButton)
    double.waitFor(lambda: ui.pageButton.enabled and widget.panel.jobs.busy is None, 300)
    assert not double.answers.of("error"), double.dialogs
    assert (home / "training" / "evaluations" / "candidate" / "evaluation.html").is_file() and ui.resultTable.rowCount
    click_tab(widget, 4)
    ui.modelNameEdit.text = "clinic"
    assert "tells what was measured" in ui.publishLine.text
    click(ui.publishButton)
    wait_for_job(widget, double, 300)
    assert "clinic 0.1.0 is there" in ui.publishedLine.text
    assert "already" in ui.publishLine.text and not ui.publishButton.enabled
    from RenalAILib.bundle_store import load_bundle

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
    told |= {"optimiser": {"name": "adamw", "learning_rate": 0.01}, "schedule": SHORT | {"steps": 100_000}}
    path = home / "tiny.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    click_tab(widget, 2)
    widget.ui.recipeEdit.text = str(path)
    click(widget.ui.startButton)


@pytest.mark.timeout(900)
def test_a_training_goes_on_when_slicer_is_closed_and_is_found_again(double, home):
    first = open_module(double, home)
    long_run(first, home)
    run = first.panel.train.found[0]
    double.waitFor(lambda: run.status().step > 10, 240)
    double.waitFor(lambda: "left on this computer" in first.ui.runLine.text, 10)
    number = holder(run.folder)
    first.cleanup()  # Slicer quits
    first.parent.delete()
    slicer.mrmlScene.Clear()
    at = run.status().step
    double.waitFor(lambda: run.status().step > at, 90)
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
    double.waitFor(lambda: table.GetNumberOfRows() > rows, 90)  # the curve is live
    click(second.ui.stopButton)
    double.waitFor(lambda: second.ui.runTable.item(0, 1).text() == "Stopped", 120)
    assert holder(run.folder) is None and second.ui.resumeButton.enabled
    stopped = run.status().step
    click(second.ui.resumeButton)
    double.waitFor(lambda: run.status().step > stopped, 240)
    click(second.ui.stopButton)
    double.waitFor(lambda: not run.status().state.active, 60)
    second.cleanup()
    second.parent.delete()


def test_the_button_of_renalai_hands_its_corrected_result_over(double, home, add_case_nodes):
    sys.path.insert(0, str(ROOT / "Testing" / "scene"))
    from handmade import painted_outcome

    from RenalAILib.report.readings import Reading, Verdict
    from RenalAIScene.results import add_result, set_reading
    from RenalAIScene.volumes import add_volume
    from RenalAITraining import RenalAITrainingLogic

    training = open_module(double, home)
    outcome = painted_outcome()
    ct = add_volume(outcome.volume, "CT")
    segmentation, _table = add_result(outcome, ct)
    rejected = outcome.findings.masses[0]
    set_reading(segmentation, rejected.segment_id, Reading(rejected.segment_id, Verdict.REJECTED))
    widget = double.openModule("RenalAI", ROOT / "RenalAI")
    widget.parent.show()
    double.enter(widget)
    widget._parameterNode.result = segmentation
    widget.ui.exportButton.collapsed = False
    click(widget.ui.trainingButton)
    (case,) = dataset_of(training)
    assert widget.ui.exportLine.text == f"{case.name} is in the training dataset, one of 1."
    assert len(case.masses) == len(outcome.findings.masses) - 1  # the rejected one is kidney
    double.exit(widget)
    widget.cleanup()
    widget.parent.delete()
    answer = RenalAITrainingLogic().addCase(ct, segmentation, reader="reader-2")
    assert not answer["new"] and answer["readers"] == ["reader-1", "reader-2"]
    training.cleanup()
    training.parent.delete()


def test_the_state_survives_saving_and_loading_the_scene(widget, double, add_case_nodes, home):
    ct, segmentation = add_case_nodes()
    ui = widget.ui
    ui.volumeSelector.setCurrentNode(ct)
    ui.segmentationSelector.setCurrentNode(segmentation)
    ui.patientEdit.text = "Doe, Jane 4711"
    ui.readerEdit.text, ui.recipeEdit.text, ui.hoursBox.value = "reader-7", "zhao2023-mass", 3.5
    path = str(home / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear()
    double.app.processEvents()
    assert ui.matchTable.rowCount == 0 and not ui.addCaseButton.enabled and ui.readerEdit.text == "reader-1"
    slicer.util.loadScene(path)
    double.app.processEvents()
    assert ui.volumeSelector.currentNode().GetName() == "DOE^JANE 0" and ui.matchTable.rowCount == 5
    assert (ui.readerEdit.text, ui.recipeEdit.text, ui.hoursBox.value) == ("reader-7", "zhao2023-mass", 3.5)


def observers(thing) -> int:
    """VTK does not count them, but lists them."""
    return str(thing).count("vtkObserver (")


def test_closing_the_scene_and_leaving_the_module_leave_no_observer_and_no_node(widget, double, add_case_nodes):
    scene = slicer.mrmlScene
    metrics = [{"event": "train", "step": 10, "loss": 1.0}]

    def work_and_close():
        ct, segmentation = add_case_nodes()
        widget.ui.volumeSelector.setCurrentNode(ct)
        widget.ui.segmentationSelector.setCurrentNode(segmentation)
        for index in range(5):
            click_tab(widget, index)
        widget.panel.train.curves.show("a training", metrics)
        scene.Clear()
        double.app.processEvents()

    work_and_close()
    with double.counted() as changed:
        watched = observers(scene)
        for _ in range(3):
            work_and_close()
        assert changed() == {} and observers(scene) == watched
    node = widget._parameterNode.parameterNode  # of which VTK lists no observers
    assert node.HasObserver("ModifiedEvent")
    double.exit(widget)
    assert not node.HasObserver("ModifiedEvent")


def test_the_lines_of_the_documentation_work_as_written(double, add_case_nodes, home):
    text = (ROOT / "Resources" / "Docs" / "training.md").read_text(encoding="utf-8")
    ct, segmentation = add_case_nodes()
    names = {"ctNode": ct, "segmentationNode": segmentation, "folder": home / "data"}
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(block, names)
    assert names["answer"]["new"] and len(names["answer"]["masses"]) == 3
    folders = [ROOT / "RenalAITraining" / part for part in ("RenalAITrainingWidgets", "RenalAITrainingLib")]
    sources = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    for message in re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE):
        assert message in sources, message


def test_opening_the_module_changes_nothing_the_user_sees(widget, double, home):
    assert double.layers == [] and not double.dialogs
    assert not (home / "home").exists() and not (home / "data").exists() and not (home / "training").exists()


def test_the_self_test_passes(double, monkeypatch, home):
    import RenalAITraining

    monkeypatch.setattr(tempfile, "tempdir", str(home))
    RenalAITraining.RenalAITrainingTest().runTest()


@pytest.mark.alone
def test_the_module_imports_quickly_and_nothing_heavy_comes_with_the_panel():
    """In a fresh interpreter with Slicer's own modules imported already, as in Slicer."""
    code = f"""
import sys, json, time
sys.path[:0] = [{str(ROOT / "Testing")!r}, {str(ROOT / "RenalAI")!r}, {str(ROOT / "RenalAITraining")!r}]
import slicerdouble; double = slicerdouble.install()
import numpy, qt, slicer, vtk, slicer.ScriptedLoadableModule, slicer.parameterNodeWrapper, slicer.i18n
import subprocess, tempfile, queue, threading
before = set(sys.modules)
wall, cpu = time.perf_counter(), time.process_time()
import RenalAITraining
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
loaded = sorted(set(sys.modules) - before)
widget = double.openModule("RenalAITraining")
double.enter(widget)
for index in range(5):
    widget.ui.tabs.currentIndex = index
print(json.dumps([wall, cpu, loaded, sorted(set(sys.modules) - before)]))
"""
    best = None
    for _ in range(3):
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            env=environment,
        )
        wall, cpu, imported, opened = json.loads(done.stdout.splitlines()[-1])
        best = min(best or (cpu, wall), (cpu, wall))
    print(f"import RenalAITraining: {1000 * best[1]:.0f} ms wall, {1000 * best[0]:.0f} ms CPU, {len(imported)} modules")
    heavy = {"torch", "monai", "onnx", "onnxruntime", "openvino", "matplotlib", "highdicom", "pydicom"}
    assert not heavy & {name.split(".")[0] for name in opened}
    assert best[0] < 0.05
