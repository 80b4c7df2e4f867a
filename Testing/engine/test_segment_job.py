"""The segment job refuses what is no CT before a network is asked: a Slicer scene holds MR as readily as CT."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from RenalAILib.errors import InputError
from RenalAILib.volume import Volume
from RenalAILib.worker.segmenting import SegmentJob

SHAPE = (24, 48, 48)


def ct() -> np.ndarray:
    """Air around a body of 40 HU, with noise."""
    hu = np.full(SHAPE, -1000, np.int16)
    hu[:, 8:40, 8:40] = 40
    return hu + np.random.default_rng(0).integers(-20, 20, SHAPE, dtype=np.int16)


def volume(voxels: np.ndarray, name: str) -> Volume:
    return Volume(voxels, np.diag([-4.0, -4.0, 5.0, 1.0]), name)


KINDS: dict[str, tuple[Callable[[], np.ndarray], str]] = {
    "MR": (lambda: np.random.default_rng(1).integers(0, 900, SHAPE).astype(np.int16), "is it MR or PET"),
    "normalized": (lambda: (ct().astype(np.float32) + 1000) / 1500, "as after normalization"),
    "shifted": (lambda: (ct() + 1024).astype(np.uint16), "1024 added"),
    "labels": (lambda: (ct() > 0).astype(np.uint8), "label map"),
    "holes": (lambda: np.where(ct() > 0, np.nan, ct()).astype(np.float32), "not a number"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("second", [False, True])
def test_what_is_no_ct_is_refused_in_one_sentence(tmp_path, monkeypatch, kind, second):
    def unreachable(*_arguments: object, **_more: object) -> None:
        raise AssertionError("a network was asked")

    monkeypatch.setattr("RenalAILib.pipelines.running.segment", unreachable)
    make, words = KINDS[kind]
    bad, good = volume(make(), kind), volume(ct(), "CT")
    job = SegmentJob(good, bad) if second else SegmentJob(bad)
    with pytest.raises(InputError, match=words) as refused:
        job.run(tmp_path, lambda stage, fraction, message="": None)
    assert kind in str(refused.value) and "\n" not in str(refused.value) and not list(tmp_path.iterdir())
