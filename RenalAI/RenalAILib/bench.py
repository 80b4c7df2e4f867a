"""Bench: what a segmentation costs here, stage by stage, with a warm engine and the volume in memory."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .boxes import Box, Triple
from .bundles.bundle import Bundle
from .engines.networks import SESSIONS, SessionCache
from .engines.selection import choose
from .engines.threads import available_cores
from .findings import Findings
from .phantom import Phantom, make_phantom
from .pipelines.running import segment
from .resampling import resample
from .timing import Stopwatch
from .volume import Volume

if TYPE_CHECKING:
    from rich.table import Table

_MADE: Triple = (100, 320, 384)
STAGES = ("locate", "delineate", "characterise", "total", "networks", "outside networks")


@dataclass(frozen=True)
class Row:
    """Seconds of one stage over all runs; CPU seconds add up all cores: compare these on a busy machine."""

    stage: str
    wall_min_s: float
    wall_median_s: float
    cpu_min_s: float
    cpu_median_s: float


@dataclass(frozen=True)
class Measured:
    """A finished benchmark.

    Attributes:
        extra_mb: highest memory of the process above what it held before the measured runs; None where the system
            does not tell (only Linux does).
        findings: of the last run: a benchmark that finds nothing measures nothing.
    """

    rows: tuple[Row, ...]
    extra_mb: float | None
    engine: str
    device: str
    threads: int
    runs: int
    findings: Findings


def bench(
    bundle: Bundle,
    volume: Volume,
    *,
    device: str = "auto",
    engine: str | None = None,
    fast: bool = False,
    runs: int = 5,
    sessions: SessionCache = SESSIONS,
    progress: Callable[[int], None] | None = None,
) -> Measured:
    """Segment ``volume`` once to warm up and ``runs`` times to measure.

    Args:
        progress: called with the number of runs done.

    Raises:
        InputError: no engine can run the bundle on ``device``.
    """
    name, place = choose(device, engine)
    segment(volume, bundle, device=place, engine=name, fast=fast, sessions=sessions)
    before = peak_mb(reset=True)
    watches: list[Stopwatch] = []
    for n in range(max(runs, 1)):
        watch = Stopwatch()
        with watch("total"):
            findings = segment(
                volume, bundle, device=place, engine=name, fast=fast, sessions=sessions, stopwatch=watch
            ).findings
        for seconds in (watch.wall_s, watch.cpu_s):
            seconds["outside networks"] = seconds["total"] - seconds.get("networks", 0.0)
        watches.append(watch)
        if progress is not None:
            progress(n + 1)
    after = peak_mb(reset=False)
    extra = None if before is None or after is None else max(after - before, 0.0)
    rows = tuple(_row(stage, watches) for stage in STAGES)
    return Measured(rows, extra, name, place, available_cores(), len(watches), findings)


def bench_volume(shape: Triple = (300, 512, 512), seed: int = 0) -> Volume:
    """The demonstration's phantom over 300 x 320 x 384 mm (head, back, left) on a grid of ``shape``.

    It is made at a coarser resolution and resampled: what is timed starts with the finished array.
    """
    phantom = _phantom(seed).volume
    voxels = resample(phantom.voxels, Box.whole(_MADE), shape).round().astype(np.int16)
    step = np.divide(_MADE, shape)[::-1]  # phantom voxels per voxel, (i, j, k)
    finer = np.diag([*step, 1.0])
    finer[:3, 3] = step / 2 - 0.5
    return Volume(voxels, phantom.ijk_to_ras @ finer, "bench phantom")


def bench_truth(shape: Triple = (300, 512, 512), seed: int = 0) -> npt.NDArray[np.uint8]:
    """1 where `bench_volume` shows kidney, masses among it."""
    kidney = (_phantom(seed).labels > 0).astype(np.float32)
    return np.asarray(resample(kidney, Box.whole(_MADE), shape) > 0.5, np.uint8)


def _phantom(seed: int) -> Phantom:
    return make_phantom(seed, shape=_MADE, spacing_mm=(3.0, 1.0, 1.0))


def table(measured: Measured) -> Table:
    """The rows for a terminal."""
    from rich.table import Table

    found = f"{len(measured.findings.kidneys)} kidneys, {len(measured.findings.masses)} masses"
    shape = " x ".join(str(size) for size in reversed(measured.findings.volume["shape"]))
    memory = "not measured here" if measured.extra_mb is None else f"{measured.extra_mb:.0f} MB"
    result = Table(
        title=f"{measured.findings.bundle.name} on {measured.engine} ({measured.device}, {measured.threads} threads)",
        caption=f"{shape} voxels, {measured.runs} runs, engine warm; {found}; peak memory above the volume: {memory}",
    )
    result.add_column("stage")
    for heading in ("wall min s", "wall median s", "CPU min s", "CPU median s"):
        result.add_column(heading, justify="right")
    for row in measured.rows:
        seconds = (row.wall_min_s, row.wall_median_s, row.cpu_min_s, row.cpu_median_s)
        result.add_row(row.stage, *(f"{value:.3f}" for value in seconds), end_section=row.stage == "total")
    return result


def _row(stage: str, watches: Sequence[Stopwatch]) -> Row:
    wall = [watch.wall_s.get(stage, 0.0) for watch in watches]
    cpu = [watch.cpu_s.get(stage, 0.0) for watch in watches]
    return Row(stage, min(wall), statistics.median(wall), min(cpu), statistics.median(cpu))


def peak_mb(reset: bool) -> float | None:
    """Peak resident memory since the last reset, MB; with ``reset`` the peak becomes what is held now."""
    if sys.platform != "linux":
        return None
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:  # some containers forbid the reset
        return None
    return None
