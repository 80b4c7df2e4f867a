"""The segmentation of axial slices: kidneys, masses, of both sides or of one, from one slice alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from RenalAILib.errors import InputError
from RenalAILib.labels import Label, Side
from RenalAILib.resampling import window
from RenalAILib.structures import STRUCTURES, Structure

from ...recipes.recipe import Recipe
from ...samples import Sample
from ..losses import build_loss
from ..slice_augmentation import augment_slice
from .overlaps import Overlaps
from .task import Activation, Predict

Labels = npt.NDArray[np.uint8]


class SliceSegmentation:
    """Channels for ``data.structures``: each yes or no, or one softmax with the background first.

    Structures of one side follow ``midline`` in the sample's record. A mirrored picture has its sides exchanged: what
    shows on its right-hand side is left, as in any patient.

    Raises:
        InputError: a structure that does not exist, or none.
    """

    def __init__(self, recipe: Recipe) -> None:
        names = recipe.data.structures
        unknown = [name for name in names if name not in STRUCTURES]
        if unknown or not names:
            raise InputError(
                f"{recipe.name} needs data.structures out of {', '.join(STRUCTURES)}, got {', '.join(names) or 'none'}"
            )
        self.recipe, self.names = recipe, names
        self.structures = [STRUCTURES[name] for name in names]
        self.activation: Activation = "softmax" if recipe.loss.name == "cross_entropy_minus_dice" else "sigmoid"
        self.outputs = len(names) + (self.activation == "softmax")
        self.loss = build_loss(recipe.loss)
        self._unmirrored = replace(recipe.slices, mirror=0.0)

    def example(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        image, label = sample.image[0].astype(np.float32), np.asarray(sample.label[0])
        midline = _midline(sample)
        if rng.random() < self.recipe.slices.mirror:
            image, label, midline = image[:, ::-1], _mirrored(label), image.shape[1] - 1 - midline
        grey = torch.from_numpy(self._windowed(image))
        changed, masks = augment_slice(rng, self._unmirrored, grey, self._channels(label, midline))
        assert masks is not None, "masks were given"
        return changed[None], self._target(masks)

    def whole(self, sample: Sample) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(self._windowed(sample.image[0].astype(np.float32)))
        return image[None], self._target(self._channels(np.asarray(sample.label[0]), _midline(sample)))

    def validate(self, predict: Predict, samples: Iterable[Sample]) -> dict[str, float]:
        """Score and Dice of each structure over the slices, as of `Overlaps`."""
        overlaps = Overlaps(self.names)
        first = self.outputs - len(self.names)
        for sample in samples:
            image, target = self.whole(sample)
            found = self.decided(predict(image[None])[0]).cpu()
            for name, wanted, got in zip(self.names, target[first:] > 0.5, found, strict=True):
                overlaps.add(name, wanted, got)
        return overlaps.metrics()

    def decided(self, logits: Tensor) -> Tensor:
        """Of logits ``(outputs, ...)`` what is called each structure: bool ``(structures, ...)``."""
        if self.activation == "sigmoid":
            return logits > 0
        best = logits.argmax(dim=0)
        return torch.stack([best == n + 1 for n in range(len(self.names))])

    def _windowed(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        data = self.recipe.data
        return window(np.ascontiguousarray(image), data.window.width, data.window.level)

    def _channels(self, label: Labels, midline: float) -> Tensor:
        return torch.from_numpy(np.stack([drawn(structure, label, midline) for structure in self.structures]))

    def _target(self, masks: Tensor) -> Tensor:
        """Yes or no of each structure; before a softmax a mass goes before the kidney that it lies in."""
        wanted = masks.float()
        if self.activation == "sigmoid":
            return wanted
        taken = torch.zeros_like(wanted[0])
        channels = [taken] * len(self.names)
        for n in sorted(range(len(self.names)), key=lambda n: not self.structures[n].is_mass):
            channels[n] = wanted[n] * (1 - taken)
            taken = torch.maximum(taken, wanted[n])
        return torch.stack([1 - taken, *channels])


def drawn(structure: Structure, label: Labels, midline: float) -> npt.NDArray[np.bool_]:
    """Where a structure is in a slice of label values ``[j, i]``; masses have the side of ``midline`` they lie on."""
    mask = np.isin(label, structure.labels)
    if structure.side is not None:
        columns = np.arange(label.shape[1])
        own = columns < midline if structure.side is Side.RIGHT else columns >= midline
        mask &= own[None, :] | (label < Label.AML)
    return mask


def _mirrored(label: Labels) -> Labels:
    """Left and right exchanged, in the picture and in the values."""
    exchange = np.arange(len(Label), dtype=np.uint8)
    exchange[[Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT]] = Label.KIDNEY_LEFT, Label.KIDNEY_RIGHT
    return np.ascontiguousarray(exchange[label][:, ::-1])


def _midline(sample: Sample) -> float:
    return float(sample.record.extra.get("midline", (sample.image.shape[2] - 1) / 2))
