"""The menu of models: the two that are shipped by their titles, one's own by name."""

from __future__ import annotations

import json
import shutil

import pytest
from toybundle import make_bundle

from RenalAILib.bundles.bundle import METADATA
from RenalAILib.bundles.store import DEFAULT_BUNDLE, SHIPPED

TITLES = {SHIPPED[0]: "Accurate model", SHIPPED[1]: "Fast model"}


@pytest.fixture
def toy(desk, monkeypatch):
    """The toy bundle in the places of both that are shipped, and as one's own."""
    made = make_bundle(desk / "toy").folder
    for name, title in {**TITLES, "clinic": "Ours"}.items():
        folder = shutil.copytree(made, desk / "bundles" / name)
        told = json.loads((folder / METADATA).read_text(encoding="utf-8")) | {"title": title, "name": name}
        (folder / METADATA).write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setattr("RenalAILib.bundles.store.bundle_places", lambda: (desk / "bundles",))
    return desk


@pytest.fixture
def widget(toy, widget, double):
    """The panel with these models, entered."""
    double.enter(widget)
    return widget


def entries(widget) -> dict:
    widget.panel.model._fill_menu()
    return {action.text: action for action in widget.panel.model._menu.actions() if action.text}


def test_both_shipped_models_stand_first_by_their_titles(toy, widget) -> None:
    assert list(entries(widget))[:3] == ["Accurate model", "Fast model", "clinic"]


def test_what_is_chosen_is_described(toy, widget) -> None:
    ui = widget.ui
    for text, name in (("Fast model", SHIPPED[1]), ("clinic", "clinic"), ("Accurate model", "")):
        entries(widget)[text].trigger()
        assert ui.bundleEdit.text == name  # the default has no name: scenes take that of the RenalAI that opens them
        assert ("Ours" if name == "clinic" else text) in ui.modelLine.text


def test_a_model_that_is_not_there_is_not_offered(toy, widget) -> None:
    shutil.rmtree(toy / "bundles" / SHIPPED[1])
    assert list(entries(widget))[:2] == ["Accurate model", "clinic"]
    shutil.rmtree(toy / "bundles" / DEFAULT_BUNDLE)
    assert list(entries(widget))[:2] == ["Ours", "clinic"]  # the only one that is left
    shutil.rmtree(toy / "bundles" / "clinic")
    assert next(iter(entries(widget))) == "Shipped model"
