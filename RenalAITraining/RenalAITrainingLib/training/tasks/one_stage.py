"""The one-stage segmentation: every voxel of the whole CT is background, kidney or a mass of some class."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from RenalAILib.bundles.stages.one_stage import check_structures
from RenalAILib.labels import Label
from RenalAILib.structures import STRUCTURES

from ...recipes.recipe import Recipe
from ...samples import Sample
from ..augmentation import change_intensities, draw_placement
from ..losses import build_loss
from .overlaps import Overlaps
from .task import Activation, Predict, some_voxel, windowed


class OneStage:
    """One softmax over the background and ``data.structures``; a mass of unknown class teaches nothing about its class.

    Raises:
        InputError: the structures overlap or hold no parenchyma.
    """

    def __init__(self, recipe: Recipe) -> None:
        check_structures(recipe.data.structures)
        self.recipe = recipe
        self.structures = recipe.data.structures
        self.outputs = 1 + len(self.structures)
        self.activation: Activation = "softmax"
        self.loss = build_loss(recipe.loss)

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        data = self.recipe.data
        shape = sample.image.shape
        centre = some_voxel(sample.label, rng) if data.foreground and rng.random() < data.foreground else None
        placement = draw_placement(rng, self.recipe.augmentation, shape, data.patch or shape, centre)
        outside = data.window.level - data.window.width  # the grid is padded with air at work
        image = placement.take(torch.from_numpy(np.asarray(sample.image)), outside, "bilinear")
        label = placement.take(torch.from_numpy(np.asarray(sample.label)), 0.0, "nearest")
        image = change_intensities(rng, self.recipe.augmentation, data.window, image)
        return image[None], self._target(label)

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(windowed(sample, self.recipe))
        if self.recipe.data.fixed:
            assert self.recipe.data.patch is not None, "Data refuses fixed without a patch"
            label = torch.from_numpy(np.array(sample.label))
            image, label = (_middle(values, self.recipe.data.patch, air) for values, air in ((image, -1.0), (label, 0)))
            return image[None], self._target(label)
        pads = [n for size in reversed(image.shape) for n in (0, -size % 16)]
        label = F.pad(torch.from_numpy(np.array(sample.label)), pads)
        return F.pad(image, pads, value=-1.0)[None], self._target(label)

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Dice of each structure over the samples that have it, of kidney with masses, and of masses of any class.

        The score of `Overlaps` is over these two and the structures.
        """
        groups: dict[str, list[int]] = {name: [n + 1] for n, name in enumerate(self.structures)}
        groups["kidney_and_mass"] = list(range(1, self.outputs))
        masses = [n + 1 for n, name in enumerate(self.structures) if STRUCTURES[name].is_mass]
        if len(masses) > 1:
            groups["any_mass"] = masses
        overlaps = Overlaps(groups)
        for sample in samples:
            image, target = self.whole(sample)
            found = predict(image[None])[0].argmax(dim=0).cpu()
            for name, channels in groups.items():
                wanted = target[channels].sum(dim=0) > 0.5
                overlaps.add(name, wanted, torch.isin(found, torch.tensor(channels)))
        return overlaps.metrics()

    def _target(self, label: Tensor) -> Tensor:
        """``(1 + structures, D, H, W)``, 1 in one channel; in none where a mass has another class than is drawn."""
        channels = [label == Label.BACKGROUND]
        for name in self.structures:
            values = torch.tensor([int(value) for value in STRUCTURES[name].labels], device=label.device)
            channels.append(torch.isin(label.to(torch.int64), values))
        return torch.stack(channels).float()


def _middle(values: Tensor, shape: tuple[int, int, int], outside: float) -> Tensor:
    """The middle of an array ``[k, j, i]``, or the whole of a smaller one with ``outside`` around it."""
    pads = [part for size, wanted in zip(values.shape, shape, strict=True) for part in _both_ends(wanted - size)]
    k0, k1, j0, j1, i0, i1 = pads
    return F.pad(values, (i0, i1, j0, j1, k0, k1), value=outside)  # negative ones crop


def _both_ends(count: int) -> tuple[int, int]:
    return count // 2, count - count // 2
