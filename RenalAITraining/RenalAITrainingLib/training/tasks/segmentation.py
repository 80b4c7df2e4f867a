"""The segmentation of the cascade: kidney with its masses, and masses, each voxel of each channel yes or no."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from RenalAILib.labels import Label

from ...recipes.recipe import Recipe
from ...samples import Sample
from ..augmentation import change_intensities, draw_placement
from ..losses import build_loss
from .task import Activation, Predict, mean_of_means, quiet, some_voxel, windowed


class Segmentation:
    """Locate: one channel, the kidney with its masses. Delineate: that, and the masses alone."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.lowest = [1] if recipe.data.stage == "locate" else [1, int(Label.AML)]
        self.outputs = len(self.lowest)
        self.activation: Activation = "sigmoid"
        self.loss = build_loss(recipe.loss)

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        data = self.recipe.data
        shape = sample.image.shape
        centre = None
        if data.foreground and rng.random() < data.foreground:
            centre = some_voxel(sample.label, rng)
        placement = draw_placement(rng, self.recipe.augmentation, shape, data.patch or shape, centre)
        # A coarse grid is padded with air at work; a kidney's box is not.
        outside = data.window.level - data.window.width if data.stage == "locate" else None
        image = placement.take(torch.from_numpy(np.asarray(sample.image)), outside, "bilinear")
        label = placement.take(torch.from_numpy(np.asarray(sample.label)), 0.0, "nearest")
        image = change_intensities(rng, self.recipe.augmentation, data.window, image)
        return image[None], self._target(label)

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(windowed(sample, self.recipe))
        pads = [n for size in reversed(image.shape) for n in (0, -size % 16)]
        padded = F.pad(image, pads, value=-1.0)
        return padded[None], self._target(F.pad(torch.from_numpy(np.array(sample.label)), pads))

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Dice of each channel over the samples that have it, and false-positive voxels on those that have not.

        The score is the mean over all samples and channels; one without the structure counts 1 where nothing is found
        and `quiet` where something is, so that a network that sees masses everywhere is not kept.
        """
        dice: list[list[float]] = [[] for _ in self.lowest]
        false: list[list[float]] = [[] for _ in self.lowest]
        silent: list[list[float]] = [[] for _ in self.lowest]
        for sample in samples:
            image, target = self.whole(sample)
            found = predict(image[None])[0] > 0
            for channel in range(self.outputs):
                wanted, got = target[channel] > 0.5, found[channel].to(target.device)
                if bool(wanted.any()):
                    both = float((wanted & got).sum())
                    dice[channel].append(2 * both / float(wanted.sum() + got.sum()))
                else:
                    false[channel].append(float(got.sum()))
                    silent[channel].append(quiet(false[channel][-1] / got.numel()))
        metrics = {"score": mean_of_means([one + other for one, other in zip(dice, silent, strict=True)])}
        for channel, name in enumerate(("kidney", "mass")[: self.outputs]):
            if dice[channel]:
                metrics[f"{name}_dice"] = float(np.mean(dice[channel]))
            if false[channel]:
                metrics[f"{name}_false_positive_voxels"] = float(np.mean(false[channel]))
        return metrics

    def _target(self, label: Tensor) -> Tensor:
        return torch.stack([(label >= lowest).float() for lowest in self.lowest])
