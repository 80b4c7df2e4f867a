"""Deep supervision: a network that gives logits at several resolutions learns from all of them.

Weights halve from level to level and sum to one, as in nnU-Net (Isensee et al., Nat Methods 18, 203, 2021).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from .losses import LossFunction


def supervised_loss(loss: LossFunction, logits: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
    """The loss of logits, or the weighted mean of those of several, against the target at their resolutions.

    Args:
        loss: of logits and a target of one shape.
        logits: ``(N, C, D, H, W)``, or several, the finest first; in any precision.
        target: at the resolution of the finest.

    Example:
        >>> import torch
        >>> def gap(logits, target):
        ...     return (logits - target).mean()
        >>> fine, coarse = torch.full((1, 1, 4, 4, 4), 3.0), torch.full((1, 1, 2, 2, 2), 6.0)
        >>> round(float(supervised_loss(gap, [fine, coarse], torch.zeros(1, 1, 4, 4, 4))), 6)
        4.0
    """
    if isinstance(logits, Tensor):
        return loss(logits.float(), target)
    weights = [0.5**level for level in range(len(logits))]
    parts = [
        weight / sum(weights) * loss(level.float(), _as_fine_as(target, level))
        for weight, level in zip(weights, logits, strict=True)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _as_fine_as(target: Tensor, logits: Tensor) -> Tensor:
    return target if target.shape[2:] == logits.shape[2:] else F.interpolate(target, size=logits.shape[2:])
