"""Task: what the kinds of networks do differently within the one training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from RenalAILib.labels import Label
from RenalAILib.resampling import window

from ...recipes.recipe import Recipe
from ...samples import Sample
from ..losses import LossFunction

Predict = Callable[[Tensor], Tensor]
Activation = Literal["sigmoid", "softmax", "boxes"]


class Task(Protocol):
    """Examples to learn from, their loss, and what a validation is worth.

    Attributes:
        outputs: channels or classes of the network's logits.
        activation: ``sigmoid``: every channel says yes or no; ``softmax``: one channel of all;
            ``boxes``: a detector's output, see `SingleShotDetector`.
        loss: of logits and a batch of targets (targets of one batch have one shape).
    """

    outputs: int
    activation: Activation
    loss: LossFunction

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """An augmented input ``(channels, D, H, W)``, of a slice ``(channels, H, W)``, and its target."""
        ...

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        """The input exactly as at work, and its target."""
        ...

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Metrics; ``score`` is the one that the best weights maximise."""
        ...


def windowed(sample: Sample, recipe: Recipe) -> npt.NDArray[np.float32]:
    """The image ``[k, j, i]`` in -1 ... 1, as at work."""
    return window(sample.image.astype(np.float32), recipe.data.window.width, recipe.data.window.level)


def mean_of_means(groups: list[list[float]]) -> float:
    """Every group that has values counts alike; 0 where none has."""
    means = [sum(values) / len(values) for values in groups if values]
    return sum(means) / len(means) if means else 0.0


def some_voxel(label: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.int64] | None:
    """A random labelled voxel (of every other one per axis, which is faster); None where there is none.

    Where there is a mass, every other one lies in it: masses are a small part of what is labelled.
    """
    thin = label[::2, ::2, ::2]
    found = np.flatnonzero(thin >= Label.AML) if rng.random() < 0.5 else np.empty(0, np.int64)
    if found.size == 0:
        found = np.flatnonzero(thin)
    if found.size == 0:
        return None
    return np.array(np.unravel_index(int(found[rng.integers(found.size)]), thin.shape)) * 2
