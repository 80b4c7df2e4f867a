"""Bench: what a segmentation costs here, stage by stage, with a warm engine and the volume in memory."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .boxes import Box
from .bundle import Bundle
from .cascade.pipeline import segment
from .engines.networks import SESSIONS, SessionCache
from .engines.selection import choose
from .engines.threads import available_cores
from .findings import Findings
from .resampling import resample
from .timing import Stopwatch
from .volume import Volume

if TYPE_CHECKING:
    from rich.table import Table

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
    before = _peak_mb(reset=True)
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
    after = _peak_mb(reset=False)
    extra = None if before is None or after is None else max(after - before, 0.0)
    rows = tuple(_row(stage, watches) for stage in STAGES)
    return Measured(rows, extra, name, place, available_cores(), len(watches), findings)


def bench_volume(shape: tuple[int, int, int] = (300, 512, 512), seed: int = 0) -> Volume:
    """A crude contrast CT of 400 x 400 mm and 1 mm a slice: body, spine, liver, spleen, two kidneys, three masses.

    Made on a coarse grid and resampled, with noise, so that it costs little and edges are soft as in a scan.
    """
    coarse = tuple(max(size // 3, 1) for size in shape)
    extent = np.array([float(shape[0]), 400.0, 400.0])
    k, j, i = ((np.arange(n, dtype=np.float32) + 0.5) / n - 0.5 for n in coarse)
    grid = (k[:, None, None] * extent[0], j[None, :, None] * extent[1], i[None, None, :] * extent[2])

    hu = np.full(coarse, -1000.0, dtype=np.float32)
    # HU, centre and radii in mm along head, back and left; later ones over earlier ones.
    parts = (
        (-100.0, (0, 0, 0), (1e5, 115, 175)),
        (45.0, (0, 0, 0), (1e5, 95, 155)),
        (-95.0, (0, 15, 0), (1e5, 70, 125)),
        (110.0, (60, -15, -70), (75, 65, 70)),
        (120.0, (60, 15, 95), (45, 40, 28)),
        (250.0, (0, 50, 0), (1e5, 22, 24)),
        (180.0, (0, 18, 6), (1e5, 10, 10)),
        (175.0, (-5, 40, -62), (54, 27, 30)),
        (-80.0, (-5, 36, -48), (24, 9, 10)),
        (175.0, (8, 40, 62), (55, 27, 30)),
        (-80.0, (8, 36, 48), (24, 9, 10)),
        (85.0, (15, 48, -86), (16, 16, 16)),
        (8.0, (-40, 42, -64), (14, 14, 14)),
        (-55.0, (28, 50, 82), (13, 13, 13)),
    )
    for value, centre, radii in parts:
        squared = sum(((grid[n] - np.float32(centre[n])) / np.float32(radii[n])) ** 2 for n in range(3))
        hu[squared <= 1] = value
    smooth = resample(hu, Box.whole((coarse[0], coarse[1], coarse[2])), shape)
    noise = np.random.default_rng(seed).standard_normal((1, *shape[1:]), dtype=np.float32) * 12
    for n, plane in enumerate(smooth):  # one noise image, shifted: fresh noise for 79 million voxels takes a second
        plane += np.roll(noise[0], 17 * n)
    spacing = extent / shape
    affine = np.diag([-spacing[2], -spacing[1], spacing[0], 1.0])
    return Volume(smooth.round().astype(np.int16), affine, "bench phantom")


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


def _peak_mb(reset: bool) -> float | None:
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
