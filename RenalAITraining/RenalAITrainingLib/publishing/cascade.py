"""Publishing of a ``cascade`` bundle: kidney networks, mass networks, classifiers with their heads for Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from RenalAILib.errors import InputError

from ..networks.resnet import ClassifierResNet
from ..samples import Sample
from ..training.tasks.classification import CLASSES
from ..training.trained import TrainedNetwork
from .calibration import fit_temperature
from .export import Export


@dataclass(frozen=True)
class LocateSettings:
    """The coarse grid that the samples were made on."""

    spacing_mm: float


@dataclass(frozen=True)
class DelineateSettings:
    """The margin of the boxes that the samples were made from."""

    margin_mm: float


@dataclass(frozen=True)
class CharacteriseSettings:
    """The cubes that the samples were made from.

    Args:
        scale, minimum_mm: of `Box.cube`.
        unknown_below: the class is unknown where its probability is lower.
        temperature: of the softmax; None fits it to the validation samples, for all classifiers together.
    """

    scale: float
    minimum_mm: float
    unknown_below: float = 0.6
    temperature: float | None = None


@dataclass(frozen=True)
class Settings:
    """What a description of a cascade says beside its texts."""

    locate: LocateSettings
    delineate: DelineateSettings
    characterise: CharacteriseSettings


def export_stages(export: Export, settings: Settings) -> dict[str, Any]:
    """Write the networks; the ``stages`` of the metadata."""
    locate, _ = export.stage("locate", dynamic=True)
    delineate, _ = export.stage("delineate")
    characterise, classifiers = export.stage("characterise")
    heads = [model.removesuffix(".onnx") + "-head.npz" for model in characterise["models"]]
    for head, classifier in zip(heads, classifiers, strict=True):
        save_head(classifier.network, export.folder / head)
    wanted = settings.characterise
    characterise |= {
        "heads": heads,
        "scale": wanted.scale,
        "minimum_mm": wanted.minimum_mm,
        "channels": ["image", "mask"],
        "classes": [item.value for item in CLASSES],
        "temperature": wanted.temperature or fitted_temperature(classifiers, export.validation("characterise")),
        "unknown_below": wanted.unknown_below,
    }
    return {
        "locate": locate | {"spacing_mm": settings.locate.spacing_mm},
        "delineate": delineate | {"margin_mm": settings.delineate.margin_mm},
        "characterise": characterise,
    }


def save_head(classifier: torch.nn.Module, path: Path) -> None:
    """The fully connected head as plain arrays, for Grad-CAM without torch."""
    if not isinstance(classifier, ClassifierResNet):
        raise InputError(f"a {type(classifier).__name__} has no head that Grad-CAM could use; train resnet10")

    def plain(weight: torch.Tensor) -> npt.NDArray[np.float32]:
        return np.asarray(weight.detach().cpu().numpy(), dtype=np.float32)

    np.savez(
        path,
        hidden_weight=plain(classifier.hidden.weight),
        hidden_bias=plain(classifier.hidden.bias),
        output_weight=plain(classifier.output.weight),
        output_bias=plain(classifier.output.bias),
    )


def fitted_temperature(ensemble: Sequence[TrainedNetwork], samples: Sequence[Sample]) -> float:
    """The temperature that calibrates classifiers averaged, on ``samples``, which must have trained none of them."""
    logits = np.zeros((len(ensemble), len(samples), len(CLASSES)), np.float32)
    right = np.zeros(len(samples), np.int64)
    for n, sample in enumerate(samples):
        for m, trained in enumerate(ensemble):
            image, target = trained.task.whole(sample)
            with torch.inference_mode():
                logits[m, n] = trained.network(image[None])[0].numpy()
            right[n] = int(target)
    return fit_temperature(logits, right)
