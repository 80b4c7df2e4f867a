"""What a run will take is said before it starts: memory from the CT's size, time from earlier runs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import slicer

from RenalAIWidgets import estimate
from RenalAIWidgets.parameters import Device, Mode


@pytest.fixture
def parameters():
    volume = slicer.util.addVolumeFromArray(np.zeros((64, 512, 512), np.int16), name="CT")
    return SimpleNamespace(inputVolume=volume, mode=Mode.FAST, device=Device.CPU)


def test_memory_grows_with_the_ct(parameters):
    small = slicer.util.addVolumeFromArray(np.zeros((8, 8, 8), np.int16))
    assert estimate.needed_gb(small) == pytest.approx(estimate.ENGINE_GB, abs=1e-3)
    assert estimate.needed_gb(parameters.inputVolume) == pytest.approx(estimate.ENGINE_GB + 64 * 512**2 * 4 / 2**30)


def test_time_is_that_of_the_last_run_of_this_kind(parameters):
    assert estimate.in_words(parameters) == "A run takes about 1.3 GB of memory."
    estimate.remember(parameters, 7.4)
    assert estimate.in_words(parameters) == "A run takes about 1.3 GB of memory and, as last time, 7 s."
    parameters.mode = Mode.ACCURATE
    assert "last time" not in estimate.in_words(parameters)
    parameters.inputVolume = None
    assert estimate.in_words(parameters) == ""


@pytest.mark.parametrize(("free", "told"), [(0.9, True), (64.0, False), (None, False)])
def test_too_little_memory_is_told_with_what_helps(parameters, monkeypatch, free, told):
    monkeypatch.setattr(estimate, "memory_gb", lambda: free)
    words = estimate.shortage(parameters)
    assert (words is not None) is told
    if words is not None:
        assert "0.9 GB" in words and "crop the CT" in words
