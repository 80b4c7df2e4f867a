"""How far training is, and what the learning rate is there."""

from __future__ import annotations

import math

from ..recipes.recipe import Schedule


def learning_rate_factor(schedule: Schedule, progress: float) -> float:
    """What the recipe's learning rate is multiplied with at ``progress`` 0 ... 1 of the run.

    Example:
        >>> cosine = Schedule(batch=2, steps=10, shape="cosine")
        >>> [round(learning_rate_factor(cosine, p), 3) for p in (0.0, 0.5, 1.0)]
        [1.0, 0.5, 0.0]
    """
    if progress < schedule.warmup:
        return 0.02 + 0.98 * progress / schedule.warmup
    if schedule.shape == "constant":
        return 1.0
    rest = min((progress - schedule.warmup) / max(1 - schedule.warmup, 1e-9), 1.0)
    return 1 - rest if schedule.shape == "one_cycle" else 0.5 * (1 + math.cos(math.pi * rest))


def total_steps(schedule: Schedule, samples: int) -> int:
    """Steps of the whole run on ``samples`` training samples."""
    if schedule.steps is not None:
        return schedule.steps
    assert schedule.epochs is not None
    return schedule.epochs * steps_per_epoch(schedule, samples)


def steps_per_epoch(schedule: Schedule, samples: int) -> int:
    """Steps that draw ``samples`` samples, rounded up."""
    return math.ceil(samples / (schedule.batch * schedule.accumulate))
