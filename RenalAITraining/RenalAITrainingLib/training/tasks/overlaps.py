"""Overlaps: how well structures were segmented over the samples of a validation, and the score that follows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from .task import mean_of_means


class Overlaps:
    """Dice of each structure over the samples that have it.

    The score is the mean over all samples, every structure alike; a sample without the structure counts 1 where nothing
    is found and `quiet` where something is, so that a network that sees masses everywhere is not kept.

    Attributes:
        false_voxels: by structure, how many were found in each sample that has none of it.

    Example:
        >>> import torch
        >>> half, none = torch.tensor([True, False, False, True]), torch.zeros(4, dtype=torch.bool)
        >>> overlaps = Overlaps(["kidney"])
        >>> overlaps.add("kidney", half, torch.tensor([True, True, False, False]))
        >>> overlaps.add("kidney", none, none)
        >>> overlaps.metrics()
        {'score': 0.75, 'kidney_dice': 0.5}
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._dice: dict[str, list[float]] = {name: [] for name in names}
        self._worth: dict[str, list[float]] = {name: [] for name in self._dice}
        self.false_voxels: dict[str, list[float]] = {name: [] for name in self._dice}

    def add(self, name: str, wanted: Tensor, got: Tensor) -> None:
        """One sample: where the structure is and where it was found, bool of one shape."""
        if bool(wanted.any()):
            dice = 2 * float((wanted & got).sum()) / float(wanted.sum() + got.sum())
            self._dice[name].append(dice)
            self._worth[name].append(dice)
        else:
            self.false_voxels[name].append(float(got.sum()))
            self._worth[name].append(quiet(float(got.sum()) / got.numel()))

    def metrics(self) -> dict[str, float]:
        """``score``, and the Dice of the structures that any sample has."""
        told = {f"{name}_dice": float(np.mean(values)) for name, values in self._dice.items() if values}
        return {"score": mean_of_means(list(self._worth.values())), **told}


def quiet(share: float) -> float:
    """What a sample without the structure is worth when ``share`` of its voxels are called it: half for a thousandth.

    KiTS' rule, 0 for a single voxel, would make the best weights a matter of luck.
    """
    return 1 / (1 + share / 0.001)
