"""A plan on trial: fewer samples, shorter trainings, to see the whole way through before days are spent on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from RenalAILib.errors import InputError

from ..recipes.recipe import Recipe
from ..stages import Stage
from .bundle_plan import LoadedPlan

FEWEST_SAMPLES: Mapping[Stage, int] = {"characterise": 40}
"""Every tenth draw validates; of most stages a draw gives one sample, of this one up to four."""
FEWEST_OF_ANY = 20
FEWEST_VALIDATIONS = 2


def scaled(loaded: LoadedPlan, scale: float) -> LoadedPlan:
    """The plan with ``scale`` of its synthesised samples and of the length of its trainings.

    Networks, patches, batches and learning rates stay. Its bundle is called ``NAME-at-SCALE``, and its texts say what
    it is, so that nobody takes a trial for the real one.

    Args:
        loaded: from `bundle_plan.load`.
        scale: above 0, below 1.

    Raises:
        InputError: another scale.

    Example:
        >>> from .bundle_plan import load
        >>> trial = scaled(load("zhao2023-demo-fast"), 0.02)
        >>> [recipe.schedule.steps for recipe in trial.recipes], [item.count for item in trial.plan.synthesise]
        ([100, 120, 120, 60], [20, 22, 40])
    """
    if not 0 < scale < 1:
        raise InputError(f"a plan is scaled by more than 0 and less than 1, got {scale:g}")
    plan, told = loaded.plan, loaded.description
    synthesise = tuple(
        replace(item, count=min(item.count, max(_fewest(item.stage), math.ceil(scale * item.count))))
        for item in plan.synthesise
    )
    networks = tuple(
        network if network.minutes is None else replace(network, minutes=scale * network.minutes)
        for network in plan.networks
    )
    description = replace(
        told,
        name=f"{told.name}-at-{scale:g}",
        title=f"{told.title}: a trial",
        training_domain=f"A trial of the plan {loaded.name}: {scale:g} of its samples and of its training, good to see"
        f" that every step works and for nothing else. The whole plan: {told.training_domain}",
    )
    return replace(
        loaded,
        plan=replace(plan, synthesise=synthesise, networks=networks),
        recipes=tuple(_shorter(recipe, scale) for recipe in loaded.recipes),
        description=description,
    )


def _fewest(stage: Stage) -> int:
    return FEWEST_SAMPLES.get(stage, FEWEST_OF_ANY)


def _shorter(recipe: Recipe, scale: float) -> Recipe:
    schedule = recipe.schedule
    steps = None if schedule.steps is None else math.ceil(scale * schedule.steps)
    epochs = None if schedule.epochs is None else math.ceil(scale * schedule.epochs)
    every = schedule.validate_every
    if steps is not None and every is not None:
        every = min(every, math.ceil(steps / FEWEST_VALIDATIONS))
    return replace(recipe, schedule=replace(schedule, steps=steps, epochs=epochs, validate_every=every))
