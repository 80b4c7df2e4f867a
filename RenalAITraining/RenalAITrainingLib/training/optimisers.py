"""Optimisers by the name a recipe gives them."""

from __future__ import annotations

import torch
from torch import nn

from ..recipes.recipe import Optimiser


def build_optimiser(recipe: Optimiser, network: nn.Module) -> torch.optim.Optimizer:
    """Weight decay acts on convolution and matrix weights only, not on biases and normalisation."""
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    vectors = [weight for weight in network.parameters() if weight.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if recipe.name == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=True)
    if recipe.name == "rmsprop":
        return torch.optim.RMSprop(groups, lr=recipe.learning_rate, alpha=0.9, eps=1e-7)  # Keras' settings
    kind = torch.optim.Adam if recipe.name == "adam" else torch.optim.AdamW
    return kind(groups, lr=recipe.learning_rate)
