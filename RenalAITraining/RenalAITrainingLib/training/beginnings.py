"""What a run says before its first step: where its weights come from, and what it draws equally often."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from ..recipes.recipe import Recipe
from .metrics_log import MetricsLog, NoLog


def tell_beginning(
    recipe: Recipe,
    network: nn.Module,
    drawn: Mapping[str, int],
    step: int,
    log: MetricsLog | NoLog,
    report: Callable[[str], None],
) -> None:
    """Report it, and log how often each group is there; nothing where a run goes on.

    Args:
        network: those with an ``origin`` say what their weights are.
        drawn: training samples of each group that is drawn from equally often.
        step: that the run goes on from.
    """
    if step > 0:
        return
    origin = getattr(network, "origin", None)
    if origin is not None:
        report(f"{recipe.network.name} begins with {origin}")
    if recipe.data.balance != "none":
        log.write("balance", 0, by=recipe.data.balance, training_samples=dict(drawn))
        told = ", ".join(f"{count} {name}" for name, count in drawn.items())
        report(f"drawn equally often in training, validated as they are: {told}")
