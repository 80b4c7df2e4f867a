"""Tasks: what segmentation and classification do differently within the one training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from RenalAILib.labels import Label, MassClass
from RenalAILib.resampling import window

from .augmentation import Placement, change_intensities, draw_placement, jitter_mask
from .recipe import Recipe
from .samples import Sample

CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)
Predict = Callable[[Tensor], Tensor]


class Task(Protocol):
    """Examples to learn from, and what a validation is worth."""

    outputs: int

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """An augmented input ``(channels, D, H, W)`` and its target."""
        ...

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        """The input exactly as at work, and its target."""
        ...

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Metrics; ``score`` is the one that the best weights maximise."""
        ...


def build_task(recipe: Recipe) -> Task:
    """The task of a recipe's stage."""
    return Classification(recipe) if recipe.classifies else Segmentation(recipe)


class Segmentation:
    """Locate: one channel, the kidney with its masses. Delineate: that, and the masses alone."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.lowest = [1] if recipe.data.stage == "locate" else [1, int(Label.AML)]
        self.outputs = len(self.lowest)

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        data = self.recipe.data
        shape = sample.image.shape
        centre = None
        if data.foreground and rng.random() < data.foreground:
            centre = _some_voxel(sample.label, rng)
        placement = draw_placement(rng, self.recipe.augmentation, shape, data.patch or shape, centre)
        # A coarse grid is padded with air at work; a kidney's box is not.
        outside = data.window.level - data.window.width if data.stage == "locate" else None
        image = placement.take(torch.from_numpy(np.asarray(sample.image)), outside, "bilinear")
        label = placement.take(torch.from_numpy(np.asarray(sample.label)), 0.0, "nearest")
        image = change_intensities(rng, self.recipe.augmentation, data.window, image)
        return image[None], self._target(label)

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(_windowed(sample, self.recipe))
        pads = [n for size in reversed(image.shape) for n in (0, -size % 16)]
        padded = F.pad(image, pads, value=-1.0)
        return padded[None], self._target(F.pad(torch.from_numpy(np.array(sample.label)), pads))

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Dice of each channel over the samples that have it, and false-positive voxels on those that have not.

        The score is the mean over all samples and channels; one without the structure counts 1 where nothing is found
        and `_quiet` where something is, so that a network that sees masses everywhere is not kept.
        """
        dice: list[list[float]] = [[] for _ in self.lowest]
        false: list[list[float]] = [[] for _ in self.lowest]
        quiet: list[list[float]] = [[] for _ in self.lowest]
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
                    quiet[channel].append(_quiet(false[channel][-1] / got.numel()))
        metrics = {"score": _mean_of_means([one + other for one, other in zip(dice, quiet, strict=True)])}
        for channel, name in enumerate(("kidney", "mass")[: self.outputs]):
            if dice[channel]:
                metrics[f"{name}_dice"] = float(np.mean(dice[channel]))
            if false[channel]:
                metrics[f"{name}_false_positive_voxels"] = float(np.mean(false[channel]))
        return metrics

    def _target(self, label: Tensor) -> Tensor:
        return torch.stack([(label >= lowest).float() for lowest in self.lowest])


class Classification:
    """Characterise: image and mask of one mass in, its class out."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.outputs = len(CLASSES)

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
        return torch.from_numpy(np.stack([_windowed(sample, self.recipe), mask])), _class_number(sample)

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
        balanced = _mean_of_means(hits)
        score = _mean_of_means(likelihood)
        return {"score": score, "balanced_accuracy": balanced} | metrics


def _quiet(share: float) -> float:
    """What a sample without the structure is worth when ``share`` of its voxels are called it: half for a thousandth.

    KiTS' rule, 0 for a single voxel, would make the best weights a matter of luck.
    """
    return 1 / (1 + share / 0.001)


def _mean_of_means(groups: list[list[float]]) -> float:
    """Every group that has values counts alike; 0 where none has."""
    means = [sum(values) / len(values) for values in groups if values]
    return sum(means) / len(means) if means else 0.0


def _windowed(sample: Sample, recipe: Recipe) -> np.ndarray:
    return window(sample.image.astype(np.float32), recipe.data.window.width, recipe.data.window.level)


def _class_number(sample: Sample) -> Tensor:
    if sample.record.mass_class is None:
        raise ValueError(f"sample {sample.record.id} has no class")
    return torch.tensor(CLASSES.index(sample.record.mass_class))


def _some_voxel(label: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
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
