"""The panel of RenalAI over a toy bundle, opened as its tests use it.

A test module takes the fixtures it needs by name: ``toy, widget = toypanel.toy, toypanel.widget``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "engine"))
import toybundle  # noqa: E402


@pytest.fixture(autouse=True)
def toy(monkeypatch, tmp_path):
    """The toy bundle as the one that is installed, and no other."""
    default = toybundle.installed_as_default(tmp_path / "bundles")
    monkeypatch.setenv("RENALAI_BUNDLES", os.pathsep.join([str(default), str(toybundle.toy_bundle().folder)]))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def widget(double, toy):
    """The panel, shown and entered, closed as Slicer closes it."""
    made = double.openModule("RenalAI", ROOT / "RenalAI")
    made.parent.resize(420, 1200)
    made.parent.show()
    double.enter(made)
    yield made
    made.cleanup()
    made.parent.delete()
    double.app.processEvents()
