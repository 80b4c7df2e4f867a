"""Slicer without a main window, without a parent widget, in its own tests: nothing asks, nothing is lost."""

from __future__ import annotations

import importlib
import unittest
from pathlib import Path

import pytest
import slicer

from RenalAITrainingWidgets import packages
from RenalAIWidgets import dependencies
from RenalAIWidgets.dependencies import NotInstalledError

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("RenalAI", "RenalAITraining")


@pytest.fixture
def nothing_installed(double, monkeypatch):
    monkeypatch.setattr(dependencies, "_met", lambda requirement: False)
    monkeypatch.setattr(packages, "_met", lambda requirement: False)
    return double


def test_nobody_is_asked_to_install_without_a_window(nothing_installed):
    nothing_installed.window = False
    with pytest.raises(NotInstalledError, match=r"slicer\.util\.pip_install\('\"onnxruntime"):
        dependencies.ensure()
    for requirements in (packages.DATASET, packages.TRAINING):
        with pytest.raises(NotInstalledError, match="Nobody can be asked"):
            packages.ensure(requirements)
    assert nothing_installed.dialogs == [] and nothing_installed.installations.calls == []


@pytest.mark.parametrize("name", MODULES)
def test_slicers_own_tests_install_nothing(nothing_installed, name):
    double = nothing_installed
    double.openModule(name, ROOT / name).cleanup()
    module = importlib.import_module(name)
    suite = unittest.TestLoader().loadTestsFromTestCase(getattr(module, f"{name}Test"))
    result = unittest.TestResult()
    suite.run(result)
    assert [reason for _test, reason in result.skipped] and "not installed" in result.skipped[0][1]
    assert not result.errors and not result.failures and double.installations.calls == []


@pytest.mark.parametrize("name", MODULES)
def test_a_panel_without_a_parent_hears_of_the_scene(double, name, monkeypatch, tmp_path):
    """``RenalAIWidget()``, as the console and Slicer's generic test make it: the base class itself calls setup()."""
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path))
    double.openModule(name, ROOT / name).cleanup()
    widget = getattr(importlib.import_module(name), f"{name}Widget")()
    try:
        heard = {event for observed, event, *_rest in widget.Observations if observed is slicer.mrmlScene}
        scene = slicer.mrmlScene
        assert {scene.StartCloseEvent, scene.EndCloseEvent, scene.EndImportEvent} <= heard
    finally:
        widget.cleanup()
        widget.parent.delete()
        double.app.processEvents()
