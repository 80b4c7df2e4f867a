"""The classification of the cascade: image and mask of one mass in, its class out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from RenalAILib.labels import MassClass

from ...recipes.recipe import Recipe
from ...samples import Sample
from ..augmentation import Placement, change_intensities, draw_placement, jitter_mask
from ..losses import build_loss
from .task import Activation, Predict, mean_of_means, windowed

CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)


class Classification:
    """Characterise: image and mask of one mass in, its class out."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.outputs = len(CLASSES)
        self.activation: Activation = "softmax"
        self.loss = build_loss(recipe.loss)

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        augmentation, data = self.recipe.augmentation, self.recipe.data
        shape = sample.image.shape
        placement: Placement = draw_placement(rng, augmentation, shape, data.patch or shape)
        image = placement.take(torch.from_numpy(np.asarray(sample.image)), None, "bilinear")
        mask = (placement.take(torch.from_numpy((sample.label > 0).astype(np.float32)), 0.0, "bilinear") > 0.5).float()
        if rng.random() < augmentation.mask_jitter:
            mask = jitter_mask(rng, mask)
        image = change_intensities(rng, augmentation, data.window, image)
        return torch.stack([image, mask]), _class_number(sample)

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        mask = (sample.label > 0).astype(np.float32)
        return torch.from_numpy(np.stack([windowed(sample, self.recipe), mask])), _class_number(sample)

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Balanced accuracy, recall of each class, and the mean log-likelihood of the right class.

        The score is the log-likelihood: on few samples accuracy moves in leaps, and calibration matters here.
        """
        hits: list[list[float]] = [[] for _ in CLASSES]
        likelihood: list[list[float]] = [[] for _ in CLASSES]
        for sample in samples:
            image, target = self.whole(sample)
            logits = predict(image[None])[0].float().cpu()
            right = int(target)
            hits[right].append(float(int(logits.argmax()) == right))
            likelihood[right].append(float(F.log_softmax(logits, 0)[right]))
        present = [number for number, values in enumerate(hits) if values]
        metrics = {f"recall_{CLASSES[number].value}": float(np.mean(hits[number])) for number in present}
        balanced = mean_of_means(hits)
        score = mean_of_means(likelihood)
        return {"score": score, "balanced_accuracy": balanced} | metrics


def _class_number(sample: Sample) -> Tensor:
    if sample.record.mass_class is None:
        raise ValueError(f"sample {sample.record.id} has no class")
    return torch.tensor(CLASSES.index(sample.record.mass_class))
