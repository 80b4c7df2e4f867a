"""A bundle with a network for each contrast phase, in the panel: two volumes chosen, run, and shown as one result."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import onnx
import pytest
import qt
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "engine"))
import toybundle  # noqa: E402

PLAIN, LATE = "plain", "nephrographic"
PLAIN_KIDNEY = PLAIN_MASS = 35.0  # as dense: seen on the other phase alone
NOWHERE = [(400.0, 401.0)]


def make_phases_bundle(folder: Path) -> None:
    """Plain kidneys are seen by one network, enhanced ones and their masses by the other."""
    for part in ("configs", "models", "docs"):
        (folder / part).mkdir(parents=True)
    bands = {
        PLAIN: [[(-300.0, 0.0)], [(0.0, 300.0)], NOWHERE],
        LATE: [[(-300.0, 0.0)], [(115.0, 300.0)], [(60.0, 115.0)]],
    }
    members = []
    for phase, outputs in bands.items():
        onnx.save(toybundle.band_network(outputs, kernel=3, shape=None), folder / f"models/{phase}.onnx")
        segment = {
            "models": [f"models/{phase}.onnx"], "spacing_mm": 3.0, "structures": ["parenchyma", "solid"],
            "unknown_below": 0.5, "window": {"width": toybundle.WIDTH, "level": toybundle.LEVEL},
        }  # fmt: skip
        members.append({"phase": phase, "stages": {"segment": segment}})
    dice = {(PLAIN,): (0.9, 0.1), (LATE,): (0.9, 0.9), (PLAIN, LATE): (0.9, 0.5)}
    rows = [{"phases": list(k), "dice": {"kidney": a, "mass": b, "solid": b}} for k, (a, b) in dice.items()]
    metadata = {
        "schema": toybundle.BUNDLE_SCHEMA, "name": "toy-phases", "version": "0.0.1", "pipeline": "phase-fusion",
        "title": "Toy phases", "license": "Apache-2.0", "demonstration": True, "training_domain": "painted phantoms",
        "intended_use": "tests of the program", "citation": "none",
        "stages": {
            "drawn_by": "one-stage", "members": members, "fuse": {"combinations": rows, "patients": 1},
        },
    }  # fmt: skip
    (folder / "configs/metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    (folder / "docs/README.md").write_text("# Toy phases\n", encoding="utf-8")
    (folder / "LICENSE").write_text("Apache-2.0\n", encoding="utf-8")
    toybundle.write_checksums(folder)


@pytest.fixture
def entered(toy, widget, double, mrmlScene, monkeypatch):
    """The panel with a plain and an enhanced CT of one patient, and the bundle among those to choose from."""
    from dataclasses import replace

    from RenalAIScene.volumes import add_volume

    make_phases_bundle(toy / "toy-phases")
    monkeypatch.setenv("RENALAI_BUNDLES", os.pathsep.join([os.environ["RENALAI_BUNDLES"], str(toy / "toy-phases")]))
    affine, shape = toybundle.axial((3.0, 2.5, 2.5))
    late = (toybundle.BODY, toybundle.RIGHT, toybundle.LEFT, toybundle.RIGHT_SOLID)
    plain = (late[0], *(replace(part, hu=PLAIN_KIDNEY) for part in late[1:3]), replace(late[3], hu=PLAIN_MASS))
    for name, parts in (("plain", plain), ("enhanced", late)):
        add_volume(toybundle.painted(affine, shape, parts, noise_hu=3.0), name)
    double.enter(widget)
    return widget


def segment(widget, double):
    qt.QApplication.processEvents()
    QTest.mouseClick(widget.ui.segmentButton, Qt.MouseButton.LeftButton)
    double.waitFor(lambda: widget.ui.segmentButton.text == "Segment")
    assert not double.answers.of("error"), double.dialogs


def choose_bundle(widget, name):
    """By its entry in the menu, as the user does."""
    menu = widget.ui.bundleMenuButton.menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text == name).trigger()


def test_two_phases_are_chosen_run_and_shown(entered, double):
    import slicer.util

    ui = entered.ui
    choose_bundle(entered, "toy-phases")
    assert entered._parameterNode.bundle == "toy-phases" and "demonstration" in ui.modelLine.text
    assert ui.inputSelector.currentNode().GetName() == "plain", "the first CT is preselected"
    segment(entered, double)
    assert ui.massTable.rowCount == 0 and "no mass" in ui.kidneysLine.text
    assert f"No scan was in the phase {LATE}" in ui.warningsLine.text and "expect less" in ui.warningsLine.text

    ui.secondPhaseSelector.setCurrentNode(slicer.util.getNode("enhanced"))
    double.app.processEvents()
    segment(entered, double)
    assert ui.massTable.rowCount == 1 and ui.massTable.item(0, 1).text().startswith("Solid")
    assert ui.massTable.item(0, 0).text() == "Right 1"
    assert "Drawn from" in ui.warningsLine.text and f"({LATE})" in ui.warningsLine.text
    from RenalAIScene.results import ct_of, findings

    result = entered._parameterNode.result
    assert ct_of(result).GetName() == "plain", "on the grid of the first volume"
    mass = findings(result).masses[0]
    assert mass.centroid_ras == pytest.approx(toybundle.RIGHT_SOLID.centre, abs=4.0)
    assert mass.mean_hu == pytest.approx(PLAIN_MASS, abs=8.0), "measured where it was outlined"
    ui.massTable.selectRow(0)
    node = slicer.util.getNodesByClass("vtkMRMLSliceNode")[0]
    assert [node.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)] == pytest.approx(mass.centroid_ras)
