"""Losses by the name a recipe gives them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..recipes.recipe import Loss
from .ranks import total_of_ranks

LossFunction = Callable[[Tensor, Tensor], Tensor]

PARTS = {"dice": (1.0, 0.0), "bce": (0.0, 1.0), "dice_bce": (1.0, 1.0)}
"""How much of Dice and of binary cross-entropy is in the losses of yes-or-no channels."""


def build_loss(recipe: Loss) -> LossFunction:
    """A function of (logits, target).

    ``dice``, ``bce``, ``dice_bce``: logits and targets (0 or 1) of one shape ``(N, C, ...)``, every channel its own yes
    or no; of a classifier ``(N, C)``. ``cross_entropy_minus_dice``: logits ``(N, C, ...)``, exactly one of the channels
    of the target is 1 (softmax; the Dice of all but the first). ``cross_entropy``: logits ``(N, classes)``, target
    class numbers ``(N,)``.

    Raises:
        ValueError: a task's own loss (a detector's), which is not made here.
    """
    if recipe.name == "cross_entropy":
        return lambda logits, target: F.cross_entropy(logits, target, label_smoothing=recipe.smoothing)
    if recipe.name == "cross_entropy_minus_dice":
        return cross_entropy_minus_dice
    if recipe.name not in PARTS:
        raise ValueError(f"the loss {recipe.name} belongs to a task of its own")
    dice, entropy = PARTS[recipe.name]
    weights = recipe.channel_weights

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        channels = torch.tensor(weights if weights is not None else [1.0] * logits.shape[1], device=logits.device)
        if channels.numel() != logits.shape[1]:
            raise ValueError(f"{channels.numel()} channel weights for {logits.shape[1]} channels")
        total = logits.new_zeros(logits.shape[1])
        if dice:
            total = total + dice * dice_loss(logits, target)
        if entropy:
            each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
            total = total + entropy * each.mean(dim=_all_but_channels(logits))
        return (total * channels / channels.sum()).sum()

    return loss


def cross_entropy_minus_dice(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of a softmax less the mean soft Dice of its structures (Allaoui and Zetout 2020).

    Args:
        logits: ``(N, C, ...)``, the background first.
        target: the same shape, 1 in exactly one channel.
    """
    probability = torch.softmax(logits, dim=1)
    entropy = -(torch.log_softmax(logits, dim=1) * target).sum(dim=1).mean()
    return entropy - soft_dice(probability, target)[1:].mean()


def dice_loss(logits: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """One minus the soft Dice of each channel ``(C,)``, summed over the whole batch.

    Over the batch, not per sample: a patch without any mass then does not swing between 0 and 1 by one voxel.
    """
    return 1 - soft_dice(torch.sigmoid(logits), target, smooth)


def soft_dice(probability: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """The soft Dice of each channel ``(C,)`` over the whole batch ``(N, C, ...)``, of which each rank has a part."""
    axes = _all_but_channels(probability)
    sums = [(probability * target).sum(axes), probability.sum(axes), target.sum(axes)]
    both, found, wanted = total_of_ranks(torch.stack(sums))
    dice: Tensor = (2 * both + smooth) / (found + wanted + smooth)
    return dice


def _all_but_channels(values: Tensor) -> tuple[int, ...]:
    return (0, *range(2, values.ndim))
