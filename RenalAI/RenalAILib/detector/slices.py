"""Slices: which slices of a CT a detector looks at, what it sees of them, and where its boxes lie in the CT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..axial_slices import fitted, slice_on_grid
from ..boxes import Box
from ..bundles.stages.detector import SliceDetectStage
from ..default_boxes import Boxes
from ..engines.networks import Networks
from ..resampling import window
from ..volume import Volume
from .candidates import Candidate
from .coding import SliceBoxes, read_output

AIR_HU = -1000.0
BATCH = 8  # slices a run: always as many, since an engine may compile anew for each number


def looked_at(view: Volume, step_mm: float) -> range:
    """Canonical numbers of slices about ``step_mm`` apart, all of them where they are further apart.

    Example:
        >>> looked_at(Volume(np.zeros((7, 4, 4)), np.eye(4)), 2.0)
        range(0, 7, 2)
    """
    return range(0, view.shape[0], max(1, round(step_mm / float(view.spacing_mm[0]))))


def network_slices(view: Volume, k: int, step: int, neighbours: int, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """HU ``(2 * neighbours + 1, rows, columns)`` of slice ``k`` and those ``step`` below and above it, feet first.

    At the ends of the CT the last slice stands for the missing one. Beyond the CT in its plane is air.
    """
    return np.stack([slice_on_grid(view, n, shape, AIR_HU) for n in _with_neighbours(view, k, step, neighbours)])


def _with_neighbours(view: Volume, k: int, step: int, neighbours: int) -> list[int]:
    return [min(max(k + step * n, 0), view.shape[0] - 1) for n in range(-neighbours, neighbours + 1)]


@dataclass(frozen=True)
class SliceGrid:
    """Where shares of the network's grid lie in the slices of one CT, and the other way round.

    Attributes:
        rows, columns: of the CT's slices.
        start, size: of the slice on the grid, as shares of it, (j, i); the rest of the grid is outside the CT.
    """

    rows: int
    columns: int
    start: tuple[float, float]
    size: tuple[float, float]

    @classmethod
    def of(cls, view: Volume, shape: tuple[int, int]) -> SliceGrid:
        """The grid that `slice_on_grid` makes."""
        inner = fitted(view, shape)
        start = [((whole - part) // 2) / whole for whole, part in zip(shape, inner, strict=True)]
        size = [part / whole for whole, part in zip(shape, inner, strict=True)]
        return cls(view.shape[1], view.shape[2], (start[0], start[1]), (size[0], size[1]))

    def to_pixels(self, boxes: Boxes) -> Boxes:
        """Shares of the grid to pixel edges of the CT's slice: 0 is the outer edge of its first pixel."""
        return np.asarray((boxes - np.tile(self.start, 2)) / np.tile(self.size, 2) * self._pixels)

    def to_shares(self, pixels: Boxes) -> Boxes:
        """The inverse of :meth:`to_pixels`."""
        return np.asarray(pixels / self._pixels * np.tile(self.size, 2) + np.tile(self.start, 2))

    @property
    def _pixels(self) -> npt.NDArray[np.float64]:
        return np.tile(np.array([self.rows, self.columns], dtype=np.float64), 2)


def find_boxes(
    view: Volume,
    slices: range,
    stage: SliceDetectStage,
    networks: Networks,
    models: Sequence[str],
    before: Callable[[int], None],
) -> list[SliceBoxes]:
    """The boxes in each of ``slices``, shares of the network's grid.

    Args:
        view: canonical.
        models: whose outputs are averaged.
        before: called with the number of slices done, before each batch.
    """
    found: list[SliceBoxes] = []
    shape = stage.defaults.shape
    at = lru_cache(stage.channels + 1)(lambda n: slice_on_grid(view, n, shape, AIR_HU))  # each is a neighbor of others
    for first in range(0, len(slices), BATCH):
        before(first)
        part = slices[first : first + BATCH]
        images = np.full((BATCH, stage.channels, *shape), -1.0, dtype=np.float32)
        for place, k in enumerate(part):
            hu = np.stack([at(n) for n in _with_neighbours(view, k, slices.step, stage.neighbours)])
            images[place] = window(hu, stage.window.width_hu, stage.window.level_hu)
        outputs = np.mean([networks.run(model, images)["logits"][: len(part)] for model in models], axis=0)
        found += [
            read_output(output, stage.defaults.boxes, stage.score_above, stage.suppress_above) for output in outputs
        ]
    return found


def box_of(candidate: Candidate, slices: range, grid: SliceGrid, view: Volume) -> Box | None:
    """Where a candidate lies in the canonical CT, whole voxels; None where it lies outside the CT.

    Each slice that was looked at stands for the ones about it that were not.
    """
    top, left, bottom, right = grid.to_pixels(np.array([[*candidate.start[1:], *candidate.stop[1:]]]))[0]
    first = slices[candidate.slices[0]] - slices.step // 2
    stop = slices[candidate.slices[-1]] - slices.step // 2 + slices.step
    upper = (first, int(np.floor(top + 1e-6)), int(np.floor(left + 1e-6)))
    lower = (stop, int(np.ceil(bottom - 1e-6)), int(np.ceil(right - 1e-6)))
    if lower[1] <= upper[1] or lower[2] <= upper[2]:
        return None
    return Box(upper, lower).overlap(Box.whole(view.shape))
