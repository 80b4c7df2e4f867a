"""Scans: the scenes that samples are drawn from, real training cases loaded once and phantoms made on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from ..samples import Split
from ..stages import Stage
from .fields import Noise, Rng
from .phantoms import phantom_scene
from .scene import Scene
from .sources import HELD_OUT_CASES, ORGANS, TRAINING_CASES, VALIDATION_CASES, RealCase, load_case

_FAR_FROM_EDGE_VOXELS = 3
_SOFT_HU = (25.0, 90.0)  # liver, spleen and muscle, with contrast or without
_DRAWS_PER_PHANTOM: dict[Stage, int] = {
    "locate": 1, "delineate": 5, "characterise": 20, "one-stage": 1, "slice-detect": 2,
}  # fmt: skip


def real_scene(case: RealCase, split: Split) -> Scene:
    """A real case as a scene; its noise is measured in the liver, or in soft tissue where no liver was labelled.

    Not in the kidneys: in an arterial scan cortex and medulla would be taken for noise of 50 HU.
    """
    region = case.organs == ORGANS["liver"]
    if not region.any():
        smooth = ndimage.uniform_filter(case.hu.astype(np.float32), (1, 5, 5))
        region = (smooth > _SOFT_HU[0]) & (smooth < _SOFT_HU[1]) & (case.labels == 0)
    core = ndimage.binary_erosion(region, np.ones((1, 3, 3)), iterations=_FAR_FROM_EDGE_VOXELS)
    noise = Noise.of(case.hu, core)
    return Scene(
        case.hu.astype(np.float32),
        case.labels,
        case.parenchyma,
        case.organs,
        case.spacing_mm,
        noise,
        "real",
        split,
        (case.id,),
    )


class Scans:
    """All real cases of training and validation, each loaded once, and phantoms of any seed.

    Args:
        data: the data folder.
        cases: ids by split, in place of those that the shipped weights are made of; all others are held out.
    """

    def __init__(self, data: Path, cases: Mapping[Split, Sequence[str]] | None = None) -> None:
        self._data = data
        self._cases = {"train": TRAINING_CASES, "validation": VALIDATION_CASES} if cases is None else cases
        self._held_out = HELD_OUT_CASES if cases is None else ()
        self._loaded: dict[str, Scene] = {}
        self._phantom: tuple[tuple[int, Split, Stage], Scene] | None = None

    def draw(self, rng: Rng, split: Split, stage: Stage, phantom_share: float, number: int) -> Scene:
        """A random scan of a split: a phantom with the probability given, else a real case.

        Sample numbers in a row share a phantom (`_DRAWS_PER_PHANTOM`), as making one takes seconds.
        """
        if rng.random() < phantom_share:
            wanted = (number // _DRAWS_PER_PHANTOM[stage], split, stage)
            if self._phantom is None or self._phantom[0] != wanted:
                self._phantom = wanted, phantom_scene(*wanted)
            return self._phantom[1]
        cases = self._cases[split]
        return self.scene(cases[int(rng.integers(len(cases)))], split)

    def scene(self, case_id: str, split: Split) -> Scene:
        """One case of a split by id."""
        if case_id not in self._loaded:
            self._loaded[case_id] = real_scene(load_case(self._data, case_id, self._held_out), split)
        return self._loaded[case_id]
