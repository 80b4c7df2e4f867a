"""The moving average of a network's weights: smoother than the weights themselves, and validated instead."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn


class AveragedNetwork:
    """A copy of ``network`` that follows it.

    Args:
        network: the one that learns.
        decay: share of the average that each step keeps; early steps keep less (Tarvainen and Valpola 2017).
            0 makes the copy equal to the network after every step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """Take in the weights, and the statistics of BatchNorm, after step ``step`` (from 1)."""
        decay = min(self.decay, step / (step + 9))
        for mine, new in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(new, 1 - decay)
            else:
                mine.copy_(new)

    def state_dict(self) -> dict[str, Any]:
        """Weights and statistics."""
        return self.network.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.network.load_state_dict(state)
