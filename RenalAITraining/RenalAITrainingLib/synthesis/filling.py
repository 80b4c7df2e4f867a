"""Filling a store of samples: which are missing, what each is drawn from, and how it is recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from RenalAILib.errors import InputError

from ..samples import SampleStore, Split, Stage
from ..sources import ShapeLibrary
from .scans import Scans
from .stages import STAGES, make_sample

_EVERY_NTH_VALIDATES = 10
_ATTEMPTS = 8
_PHANTOMS_PER_SEED = 100_000


def synthesise(data: Path, stage: Stage, count: int, seed: int, output: Path, phantom_share: float = 0.35) -> int:
    """Samples 0 to ``count`` of ``seed`` for ``stage``, those missing in ``output``; how many were written.

    Sample ``n`` depends on seed, stage, ``n`` and ``phantom_share`` alone, never on the others or on the run.

    Raises:
        InputError: a number is out of range or the data folder lacks something.
    """
    if count < 1 or not 0 <= phantom_share <= 1:
        raise InputError(f"--count must be at least 1 and --phantoms between 0 and 1, got {count} and {phantom_share}")
    store = SampleStore(output)
    there = {record.extra.get("draw") for record in store.records if record.seed == seed and record.stage == stage}
    scans = Scans(data)
    shapes = ShapeLibrary(data)
    written = 0
    for draw in range(count):
        if draw in there:
            continue
        split: Split = "validation" if draw % _EVERY_NTH_VALIDATES == _EVERY_NTH_VALIDATES - 1 else "train"
        for attempt in range(_ATTEMPTS):
            rng = np.random.default_rng([seed, list(STAGES).index(stage), draw, attempt])
            scene = scans.draw(rng, split, stage, phantom_share, _PHANTOMS_PER_SEED * (seed % 10) + draw)
            made = make_sample(stage, rng, scene, shapes)
            if made is not None:
                break
        else:
            raise RuntimeError(f"draw {draw} of seed {seed} gave no {stage} sample in {_ATTEMPTS} attempts")
        sources = tuple(dict.fromkeys(made.scene.sources))
        store.append(
            made.image, made.label, split=split, stage=stage, kind=made.scene.kind, sources=sources, seed=seed,
            mass_class=made.mass_class, draw=draw, **made.facts,
        )  # fmt: skip
        written += 1
    return written
