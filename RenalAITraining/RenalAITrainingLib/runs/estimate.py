"""Estimate: what a run will need of the disk, before it starts, and how long it will take, from runs before it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .run import TrainingRun

if TYPE_CHECKING:
    from ..recipes.recipe import Recipe

_BYTES_A_VOXEL = 3  # int16 image, uint8 label
_SAMPLE_VOXELS = {  # locate: 400 x 400 x 450 mm at 3 mm; the others: the shapes of the samples
    "locate": 133 * 133 * 150,
    "delineate": 128**3,
    "characterise": 64**3,
    "one-stage": 133 * 133 * 150,
    "slice-segment": 224 * 224,
    "slice-classify": 224 * 224,
    "slice-detect": 430 * 418,
}
_SLICES_A_CASE = 60
_COPIES = 10  # weights, average, two moments, best; each once more while it is written
_PARAMETERS_WHERE_UNKNOWN = 30_000_000
_KERNEL = 27
_CONVOLUTIONS = 4  # between two levels, residual and up-convolution included


def samples_bytes(stage: str, cases: int, masses: int, variants: int) -> int:
    """Disk that the samples of a dataset's cases take.

    Example:
        >>> samples_bytes("delineate", cases=10, masses=0, variants=2) / 1e6
        251.65824
    """
    count = {"delineate": 2 * cases * variants, "characterise": masses * variants}.get(stage, cases)
    if stage.startswith("slice-"):
        count *= _SLICES_A_CASE
    return count * _SAMPLE_VOXELS[stage] * _BYTES_A_VOXEL


def run_bytes(recipe: Recipe) -> int:
    """Disk that the checkpoints of a run take at most."""
    filters = recipe.network.options.get("filters")
    if filters:
        pairs = itertools.pairwise(filters)
        parameters = _KERNEL * _CONVOLUTIONS * sum(int(a) * int(b) for a, b in pairs)
    else:
        parameters = _PARAMETERS_WHERE_UNKNOWN
    return 4 * parameters * _COPIES


def free_bytes(folder: Path) -> int:
    """Free space where ``folder`` is or will be."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    return shutil.disk_usage(there).free


def known_hours(runs: Iterable[TrainingRun], recipe: str) -> float | None:
    """Hours that the whole of a recipe takes on this machine, by the newest run of it; None where none was measured."""
    for run in runs:
        status = run.status()
        if run.plan.recipe == recipe and run.plan.minutes is None and status.seconds_per_step and status.total_steps:
            return status.seconds_per_step * status.total_steps / 3600
    return None
