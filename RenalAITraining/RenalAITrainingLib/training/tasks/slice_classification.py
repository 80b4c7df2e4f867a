"""The classification of slices (Pedersen 2020, Bolocan 2023): one axial slice in, a class out; patients by vote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from RenalAILib.pipelines.voting import class_probabilities

from ...metrics.slices import JudgedSlice, image_metrics, patients_of
from ...recipes.recipe import Recipe
from ...samples import Sample
from ..losses import build_loss
from ..slice_augmentation import augment_slice
from .task import Activation, Predict, windowed

BATCH = 16  # slices that are validated at once


class SliceClassification:
    """Slice in, class out; binary cross-entropy has one output (of the second class), cross-entropy one a class.

    Raises:
        ValueError: binary cross-entropy for more than two classes, or a vote for a class that there is not.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.classes = recipe.data.classes
        binary = recipe.loss.name == "bce"
        if binary and len(self.classes) != 2:
            raise ValueError(f"{recipe.name}: binary cross-entropy needs two classes, got {', '.join(self.classes)}")
        if recipe.vote.decisive and recipe.vote.decisive not in self.classes:
            raise ValueError(f"{recipe.name}: vote.decisive is none of {', '.join(self.classes)}")
        self.outputs = 1 if binary else len(self.classes)
        self.activation: Activation = "sigmoid" if binary else "softmax"
        self.loss = build_loss(recipe.loss)

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(windowed(sample, self.recipe)[0])
        changed, _ = augment_slice(rng, self.recipe.slices, image)
        return changed[None], self._target(sample)

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(windowed(sample, self.recipe)), self._target(sample)

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Per image AUC, accuracy, sensitivity, specificity; per patient accuracy by vote.

        The score is the mean recall of the classes (accuracy, where they are equally frequent); of equal scores the
        earliest is kept.
        """
        slices = self.judged(predict, samples)
        metrics = image_metrics(slices, self.classes)
        recalls = [
            float(np.mean([one.vote == name for one in slices if one.truth == name]))
            for name in self.classes
            if any(one.truth == name for one in slices)
        ]
        rule = self.recipe.vote
        patients = patients_of(slices, self.classes, rule.decisive, rule.threshold)
        metrics["patient_accuracy"] = float(np.mean([one.label == one.truth for one in patients]))
        return {"score": float(np.mean(recalls))} | metrics

    def judged(self, predict: Predict, samples: Iterable[Sample]) -> list[JudgedSlice]:
        """Every sample with the probabilities that the network gives it."""
        result = []
        for _, part in groupby(enumerate(samples), key=lambda pair: pair[0] // BATCH):
            some = [sample for _, sample in part]
            logits = predict(torch.stack([self.whole(sample)[0] for sample in some])).float().cpu().numpy()
            for sample, values in zip(some, class_probabilities(logits, len(self.classes)), strict=True):
                named = dict(zip(self.classes, values.tolist(), strict=True))
                result.append(JudgedSlice(patient_of(sample.record.sources), str(sample.record.category), named))
        return result

    def _target(self, sample: Sample) -> Tensor:
        if sample.record.category not in self.classes:
            raise ValueError(
                f"sample {sample.record.id} is called {sample.record.category!r}, which is none of the classes"
                f" {', '.join(self.classes)} of {self.recipe.name}"
            )
        number = self.classes.index(sample.record.category)
        return torch.tensor([float(number)]) if self.outputs == 1 else torch.tensor(number)


def patient_of(sources: Sequence[str]) -> str:
    """The patient of a sample: its case's name up to the hyphen, as in a dataset."""
    return sources[0].partition("-")[0] if sources else ""
