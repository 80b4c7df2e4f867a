"""The licence of the weights: named in the panel, approved once where it forbids something, logged without a window."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
import qt

from RenalAIWidgets import licences
from RenalAIWidgets.bundles import described
from RenalAIWidgets.licences import NotApprovedError

ROOT = Path(__file__).resolve().parents[2]
TEXT = "You may share and adapt them for non-commercial purposes."


@pytest.fixture
def make_bundle(double, tmp_path, monkeypatch):
    """A folder that describes itself as a model, found by its name; nothing of it is ever run."""
    monkeypatch.setenv("RENALAI_BUNDLES", str(tmp_path / "bundles"))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))

    def make(name="mine", licence="CC-BY-NC-SA-4.0", version="1.0.0", text=TEXT):
        folder = tmp_path / "bundles" / name
        (folder / "configs").mkdir(parents=True, exist_ok=True)
        metadata = {"name": name, "version": version, "title": f"Model {name}", "license": licence}
        (folder / "configs" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
        if text:
            (folder / "LICENSE").write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.mark.parametrize(
    "licence",
    ["Apache-2.0", "MIT", "BSD-3-Clause", "0BSD", "ISC", "CC0-1.0", "CC-BY-4.0", "Public domain", "CC BY 4.0"],
)
def test_a_permissive_licence_asks_nothing(make_bundle, double, licence):
    make_bundle(licence=licence)
    licences.ensure("mine")
    assert double.dialogs == [] and licences.permissive(licence)


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        ("CC-BY-NC-SA-4.0", ["Commercial use is not allowed", "same licence", "name their sources"]),
        ("CC-BY-ND-4.0", ["Changed versions must not be passed on"]),
        ("GPL-3.0", ["read it before you use the model"]),
        ("MITigated", ["read it before you use the model"]),
        ("", ["none is named"]),
    ],
)
def test_what_is_forbidden_is_said_with_the_text_at_hand(make_bundle, double, licence, words):
    folder = make_bundle(licence=licence)
    licences.ensure("mine")
    (question,) = double.answers.of("yes-no")
    for word in (*words, "Model mine 1.0.0", licence, str(folder / "LICENSE"), "once for this model and version"):
        assert word in question.text
    assert question.detail == TEXT


def test_approved_once_for_each_model_and_version(make_bundle, double):
    make_bundle()
    licences.ensure("mine")
    licences.ensure("mine")
    assert len(double.dialogs) == 1
    make_bundle(version="1.1.0")
    licences.ensure("mine")
    make_bundle("other")
    licences.ensure("other")
    assert len(double.dialogs) == 3
    make_bundle("other", licence="CC-BY-NC-ND-4.0")  # the same version under another licence
    licences.ensure("other")
    assert len(double.dialogs) == 4


def test_declined_says_what_to_do_and_asks_again(make_bundle, double):
    make_bundle(text="")
    double.answers.queue(False)
    with pytest.raises(NotApprovedError, match=r"Model mine was not approved.*Choose another model"):
        licences.ensure("mine")
    assert not [key for key in qt.QSettings().allKeys() if "approved" in key]
    asked = []
    licences.ensure("mine", lambda text, details: asked.append(details) or True)
    assert asked == ["The model comes without the text of its licence."]
    licences.ensure("mine", lambda text, details: pytest.fail("asked twice"))


def test_without_a_window_it_is_logged_and_not_asked(make_bundle, double, caplog):
    make_bundle()
    double.window = False
    with caplog.at_level(logging.WARNING):
        licences.ensure("mine")
    assert double.dialogs == []
    assert "CC-BY-NC-SA-4.0" in caplog.text and "Commercial use is not allowed" in caplog.text
    double.window = True
    licences.ensure("mine")
    assert len(double.dialogs) == 1, "a log entry is no approval"


def test_a_model_that_is_not_there_is_the_engines_business(double, monkeypatch, tmp_path):
    monkeypatch.setenv("RENALAI_BUNDLES", str(tmp_path))
    licences.ensure("nothing")
    assert double.dialogs == []


def test_the_shipped_model_is_asked_about(double, monkeypatch):
    monkeypatch.setenv("RENALAI_BUNDLES", str(ROOT / "Resources" / "Bundles"))
    assert described("").metadata["name"] == "zhao2023-demo"
    licences.ensure("")
    (question,) = double.answers.of("yes-no")
    assert "CC-BY-NC-SA-4.0" in question.text and "creativecommons.org" in question.detail


def test_measuring_a_model_asks_but_for_one_that_was_trained_here(make_bundle, double, monkeypatch, tmp_path):
    from RenalAITrainingLib.jobs.evaluating import EvaluateJob
    from RenalAITrainingWidgets import packages

    folder = make_bundle()
    monkeypatch.setattr(packages, "missing", lambda requirements: [])
    monkeypatch.setattr(packages.dependencies, "missing", list)
    packages.ensure_for(EvaluateJob(tmp_path, "test", str(folder), tmp_path / "report"))
    assert double.dialogs == []
    double.answers.queue(False)
    with pytest.raises(NotApprovedError):
        packages.ensure_for(EvaluateJob(tmp_path, "test", "mine", tmp_path / "report"))


def test_the_panel_names_the_licence_and_declining_starts_nothing(double, make_bundle, tmp_path, monkeypatch):
    import sys

    sys.path.insert(0, str(ROOT / "Testing" / "engine"))
    import toybundle

    from RenalAIScene.volumes import add_volume

    make_bundle()
    places = [os.environ["RENALAI_BUNDLES"], str(toybundle.installed_as_default(tmp_path / "toys"))]
    monkeypatch.setenv("RENALAI_BUNDLES", os.pathsep.join(places))
    for name in ("CT", "other CT"):
        add_volume(toybundle.painted(*toybundle.axial((3.0, 2.5, 2.5)), noise_hu=3.0), name)
    widget = double.openModule("RenalAI", ROOT / "RenalAI")
    double.enter(widget)
    try:
        assert "Licence of the weights: Apache-2.0." in widget.ui.modelLine.text
        widget._parameterNode.bundle = "mine"
        assert "Licence of the weights: CC-BY-NC-SA-4.0." in widget.ui.modelLine.text
        double.answers.queue(False)
        widget.ui.segmentButton.click()
        assert widget.ui.segmentButton.text == "Segment" and "not approved" in widget.ui.stageLine.text
        double.answers.queue(False)
        widget.panel.run.queueAll()
        assert len(double.answers.of("yes-no")) == 2, "one question, not one for each CT"
    finally:
        widget.cleanup()
        widget.parent.delete()
        double.app.processEvents()
