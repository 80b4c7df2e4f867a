"""The modules are tested by clicking, in the double of the Slicer application."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [str(ROOT / part) for part in ("Testing", "Testing/engine", "Testing/scene", "RenalAI", "RenalAITraining")]
sys.path[:0] = [folder for folder in FOLDERS if folder not in sys.path]

from slicerdouble.fixtures import *  # noqa: E402, F403


@pytest.fixture(scope="session")
def toy_bundle():
    """Made once, before a test has temporary files of its own: it outlives each of those."""
    import toybundle

    return toybundle.toy_bundle()


@pytest.fixture
def desk(toy_bundle, tmp_path, monkeypatch):
    """Folders of this test alone; the worker's temporary files in one of them."""
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


@pytest.fixture
def toy(toy_bundle, desk, monkeypatch):
    """The toy bundle as the one that is installed, and no other."""
    import toybundle

    default = toybundle.installed_as_default(desk / "bundles")
    monkeypatch.setenv("RENALAI_BUNDLES", os.pathsep.join([str(default), str(toy_bundle.folder)]))
    return desk


@pytest.fixture
def widget(double, desk):
    """The panel of RenalAI, shown; closed as Slicer closes it, and nothing of it may stay."""
    made = double.openModule("RenalAI", ROOT / "RenalAI")
    made.parent.resize(420, 1200)
    made.parent.show()
    yield made
    made.cleanup()
    made.parent.delete()
    double.app.processEvents()
    assert list((desk / "temporary").iterdir()) == [], "files left behind"


@pytest.fixture
def painted_panel(widget, double):
    """The panel with the result of a painted body, entered."""
    from handmade import painted_outcome

    from RenalAIScene import results, volumes

    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    double.enter(widget)
    widget._parameterNode.result = results.add_result(outcome, ct)[0]
    double.app.processEvents()
    return widget


@pytest.fixture
def entered(widget, double):
    """The panel with its module entered."""
    double.enter(widget)
    return widget
