"""Filling a store of samples: which are missing, what each is drawn from, and how it is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from RenalAILib.errors import InputError

from ..samples import SampleStore, Split
from ..stages import Stage
from .made import MadeSample
from .scans import Scans
from .sources import ShapeLibrary
from .stages import STAGES

_EVERY_NTH_VALIDATES = 10
_MOST_DRAWS = 4  # for each sample wanted: some draws give none
_PHANTOMS_PER_SEED = 100_000


def synthesise(
    data: Path,
    stage: Stage,
    count: int,
    seed: int,
    output: Path,
    phantom_share: float = 0.35,
    cases: Mapping[Split, Sequence[str]] | None = None,
) -> int:
    """At least ``count`` samples of ``seed`` for ``stage`` in ``output``, those missing now; how many were written.

    What draw ``n`` gives depends on seed, stage, ``n``, ``phantom_share`` and ``cases`` (see `Scans`) alone, never on
    the others or on the run: a store that was left half filled is filled as if nothing had happened.

    Raises:
        InputError: a number is out of range or the data folder lacks something.
    """
    if count < 1 or not 0 <= phantom_share <= 1:
        raise InputError(f"--count must be at least 1 and --phantoms between 0 and 1, got {count} and {phantom_share}")
    store = SampleStore(output)
    there: Counter[int] = Counter()
    wanted: dict[int, int] = {}
    for record in store.records:
        if record.seed == seed and record.stage == stage:
            there[record.extra.get("draw", -1)] += 1
            wanted[record.extra.get("draw", -1)] = record.extra.get("of", 1)
    scans, shapes = Scans(data, cases), ShapeLibrary(data)
    written, held = 0, sum(there.values())
    for draw in range(_MOST_DRAWS * count):
        if held + written >= count:
            return written
        if draw in wanted and there[draw] == wanted[draw]:
            continue
        for part, sample in enumerate(made := _made(scans, shapes, stage, seed, draw, phantom_share)):
            if part < there[draw]:
                continue
            scene = sample.scene
            store.append(
                sample.image, sample.label, split=scene.split, stage=stage, kind=scene.kind,
                sources=tuple(dict.fromkeys(scene.sources)), seed=seed, mass_class=sample.mass_class,
                draw=draw, part=part, of=len(made), **sample.facts,
            )  # fmt: skip
            written += 1
    raise RuntimeError(f"{_MOST_DRAWS * count} draws of seed {seed} gave only {held + written} {stage} samples")


def _made(
    scans: Scans, shapes: ShapeLibrary, stage: Stage, seed: int, draw: int, phantom_share: float
) -> list[MadeSample]:
    """The samples of one draw; none where its scan had no kidney in view."""
    rng = np.random.default_rng([seed, list(STAGES).index(stage), draw])
    split: Split = "validation" if draw % _EVERY_NTH_VALIDATES == _EVERY_NTH_VALIDATES - 1 else "train"
    scene = scans.draw(rng, split, stage, phantom_share, _PHANTOMS_PER_SEED * (seed % 10) + draw)
    return STAGES[stage](rng, scene, shapes)
