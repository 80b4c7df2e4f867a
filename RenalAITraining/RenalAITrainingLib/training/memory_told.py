"""What to change when memory is not enough, in place of torch's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from RenalAILib.errors import InputError

from ..recipes.recipe import Recipe

_OF_THE_CPU = ("can't allocate memory", "not enough memory", "bad alloc")


@contextmanager
def memory_told(recipe: Recipe, device: str) -> Iterator[None]:
    """Turn an end of memory within into InputError.

    Args:
        recipe: what is trained; the advice follows from it.
        device: ``cpu`` or ``cuda``.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        of_the_gpu = isinstance(error, torch.OutOfMemoryError)
        of_the_cpu = isinstance(error, MemoryError) or any(words in str(error) for words in _OF_THE_CPU)
        if not of_the_gpu and not of_the_cpu:
            raise
        where = "the GPU" if device == "cuda" else "this machine"
        raise InputError(f"{where} has too little memory for {recipe.name}: {advice(recipe)}") from error


def advice(recipe: Recipe) -> str:
    """The change of the recipe that halves the memory and changes the result least."""
    schedule, patch = recipe.schedule, recipe.data.patch
    if schedule.batch > 1:
        return (
            f"set schedule.batch to {max(schedule.batch // 2, 1)} and schedule.accumulate to"
            f" {schedule.accumulate * 2} in the recipe, and start again"
        )
    if patch is None:
        return "give data.patch in the recipe, such as [96, 96, 96], so that it learns from a part at a time"
    smaller = [max(edge // 32 * 16, 16) for edge in patch]
    return f"set data.patch to {smaller} in the recipe, and start again"
