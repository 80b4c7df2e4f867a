"""The way of a radiologist through the panel, with the real worker and a bundle of toy networks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import slicer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))
import toybundle


@pytest.fixture
def toy(monkeypatch):
    """The toy bundle as the one that is installed."""
    monkeypatch.setenv("RENALAI_BUNDLES", str(toybundle.toy_bundle().folder))
    monkeypatch.setenv("RENALAI_HOME", str(toybundle.toy_bundle().folder.parent / "home"))


def test_console_one_liner(double, toy):
    from RenalAI import RenalAILogic
    from RenalAIScene.volumes import add_volume

    affine, shape = toybundle.axial()
    volume = add_volume(toybundle.painted(affine, shape))
    seg, table = RenalAILogic().segment(volume, device="cpu")
    print(seg)
