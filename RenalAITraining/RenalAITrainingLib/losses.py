"""Losses by the name a recipe gives them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .recipe import Loss

LossFunction = Callable[[Tensor, Tensor], Tensor]


def build_loss(recipe: Loss) -> LossFunction:
    """A function of (logits, target).

    Segmentation: logits and targets (0 or 1) of one shape ``(N, C, D, H, W)``, every channel its own yes or no.
    Classification: logits ``(N, classes)``, target class numbers ``(N,)``.
    """
    if recipe.name == "cross_entropy":
        return lambda logits, target: F.cross_entropy(logits, target, label_smoothing=recipe.smoothing)
    parts = {"dice": (1.0, 0.0), "bce": (0.0, 1.0), "dice_bce": (1.0, 1.0)}[recipe.name]
    weights = recipe.channel_weights

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        channels = torch.tensor(weights if weights is not None else [1.0] * logits.shape[1], device=logits.device)
        if channels.numel() != logits.shape[1]:
            raise ValueError(f"{channels.numel()} channel weights for {logits.shape[1]} channels")
        total = logits.new_zeros(logits.shape[1])
        if parts[0]:
            total = total + parts[0] * dice_loss(logits, target)
        if parts[1]:
            entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
            total = total + parts[1] * entropy.mean(dim=(0, 2, 3, 4))
        return (total * channels / channels.sum()).sum()

    return loss


def dice_loss(logits: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """One minus the soft Dice of each channel ``(C,)``, summed over the whole batch.

    Over the batch, not per sample: a patch without any mass then does not swing between 0 and 1 by one voxel.
    """
    probability = torch.sigmoid(logits)
    axes = (0, 2, 3, 4)
    both = (probability * target).sum(axes)
    return 1 - (2 * both + smooth) / (probability.sum(axes) + target.sum(axes) + smooth)
