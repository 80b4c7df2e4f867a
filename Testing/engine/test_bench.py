"""Bench: rows that add up, a volume of the right kind, and the bars that do not depend on trained networks."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from toybundle import axial, painted, toy_bundle

from RenalAILib.bench import STAGES, bench, bench_volume, table
from RenalAILib.engines.networks import SessionCache
from RenalAILib.volume import Volume


def test_rows_and_table() -> None:
    told: list[int] = []
    measured = bench(toy_bundle(), painted(*axial((4.0, 3.0, 3.0))), device="cpu", engine="onnxruntime", runs=2,
                     sessions=SessionCache(), progress=told.append)  # fmt: skip
    rows = {row.stage: row for row in measured.rows}
    assert tuple(rows) == STAGES and told == [1, 2] and measured.runs == 2
    for row in measured.rows:
        assert 0 <= row.wall_min_s <= row.wall_median_s and 0 <= row.cpu_min_s <= row.cpu_median_s
    assert rows["networks"].wall_min_s + rows["outside networks"].wall_min_s <= rows["total"].wall_median_s * 1.001
    text = io.StringIO()
    Console(file=text, width=120).print(table(measured))
    for words in (*STAGES, "toy on onnxruntime", "2 kidneys, 3 masses", "2 runs"):
        assert words in text.getvalue()


def test_volume_is_the_phantom_on_the_asked_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a phantom whose grey values are 3 HU a mm towards the head: they must still be, on the finer grid."""
    affine = np.array([[-1.0, 0, 0, 190], [0, -1, 0, 150], [0, 0, 3, -140], [0, 0, 0, 1]])
    heights = np.arange(100, dtype=np.float32)[:, None, None] * 9 - 420
    ramp = Volume(np.broadcast_to(heights, (100, 320, 384)), affine)
    monkeypatch.setattr("RenalAILib.bench.make_phantom", lambda seed, **grid: SimpleNamespace(volume=ramp))
    volume = bench_volume((60, 96, 96))
    assert volume.shape == (60, 96, 96) and volume.voxels.dtype == np.int16
    assert volume.spacing_mm.tolist() == pytest.approx([5.0, 320 / 96, 4.0])
    np.testing.assert_allclose(volume.ras([-0.5] * 3), ramp.ras([-0.5] * 3))  # the same corner
    expected = 3 * volume.ras([(k, 10, 20) for k in range(2, 58)])[:, 2]
    np.testing.assert_allclose(volume.voxels[2:58, 10, 20], expected, atol=0.51)


def test_cost_outside_the_networks(measured: Callable[[str, float, str, float], None]) -> None:
    """The bars of a full CT: 0.4 s outside the networks and 1.2 GB, with twice the time allowed to a slow machine."""
    affine, _ = axial((1.0, 0.78, 0.78))
    shape = (300, 512, 512)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    found = bench(toy_bundle(), painted(affine, shape), device="cpu", engine="onnxruntime", runs=3)
    assert (len(found.findings.kidneys), len(found.findings.masses)) == (2, 3)
    outside = next(row for row in found.rows if row.stage == "outside networks")
    measured("512x512x300: outside the networks, CPU", 1000 * outside.cpu_min_s, "ms", 800)
    if sys.platform == "linux" and found.extra_mb is not None:
        measured("512x512x300: memory beside the CT", found.extra_mb, "MB", 1200)
