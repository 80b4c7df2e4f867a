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
from .overlaps import Overlaps
from .task import Activation, Predict, some_voxel, windowed


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
        """Score and Dice as of `Overlaps`, and false-positive voxels on the samples without the structure."""
        names = ("kidney", "mass")[: self.outputs]
        overlaps = Overlaps(names)
        for sample in samples:
            image, target = self.whole(sample)
            found = (predict(image[None])[0] > 0).to(target.device)
            for name, wanted, got in zip(names, target > 0.5, found, strict=True):
                overlaps.add(name, wanted, got)
        false = {name: counts for name, counts in overlaps.false_voxels.items() if counts}
        return overlaps.metrics() | {
            f"{name}_false_positive_voxels": float(np.mean(counts)) for name, counts in false.items()
        }

    def _target(self, label: Tensor) -> Tensor:
        return torch.stack([(label >= lowest).float() for lowest in self.lowest])
