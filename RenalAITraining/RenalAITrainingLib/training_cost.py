"""The cost of a training before it starts: weights, arithmetic, memory, and hours on two kinds of GPU, estimated.

Arithmetic and memory are counted on tensors without content, at the recipe's own batch and patch, so that no GPU and
little time is needed. Hours follow from the arithmetic by a stated share of a GPU's peak, and are estimates.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from . import networks
from .evaluation.table import Cell, Table
from .recipes.recipe import Recipe
from .stages import STAGES
from .synthesis.characterise_samples import SHAPE as MASS_SHAPE
from .synthesis.delineate_samples import SHAPE as KIDNEY_SHAPE
from .training.tasks import build_task

SUSTAINED = 0.075
"""Share of a GPU's dense half-precision peak that training 3-D networks reaches, by assumption: they wait for memory
more than for arithmetic."""

GPUS_TFLOPS = {"H100 (80 GB)": 989.0, "RTX 4090 (24 GB)": 165.0}
"""Dense half-precision peaks with sums in single precision, from their makers' data sheets."""

_STATE_BYTES = 20  # a weight: itself, its gradient, Adam's two moments, the moving average; in single precision
_WORKSPACE_GB = 1.5
_MEASURED_TFLOP = 0.05
_SMALLEST_EDGE = 48  # halved four times it still has more than one voxel, without which there is nothing to normalise
_WHOLE = {"delineate": KIDNEY_SHAPE, "characterise": MASS_SHAPE}


@dataclass(frozen=True)
class StepCost:
    """One step of the optimiser.

    Attributes:
        weights: of the network.
        flop: floating-point operations of a step, forward and backward.
        saved_bytes: kept between forward and backward of one batch, in single precision.
    """

    weights: int
    flop: float
    saved_bytes: int

    @property
    def gpu_gb(self) -> float:
        """Memory of a GPU in mixed precision: half of what is saved, the optimiser's state, and room to work in."""
        return (self.saved_bytes / 2 + _STATE_BYTES * self.weights) / 1e9 + _WORKSPACE_GB


def step_cost(recipe: Recipe) -> StepCost:
    """The cost of a step of a recipe of a 3-D stage with a patch, or with samples of one shape.

    Raises:
        ValueError: the shape of the recipe's input follows from its samples alone.
    """
    with torch.device("meta"):
        network, images = _network(recipe), _images(recipe, 1.0)
    saved: dict[int, int] = {}

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        saved[storage._cdata] = storage.nbytes()
        return value

    with FlopCounterMode(display=False) as counter, saved_tensors_hooks(keep, lambda value: value):
        _backward(network, images)
    weights = sum(weight.numel() for weight in network.parameters())
    flop = counter.get_total_flops() * recipe.schedule.accumulate
    return StepCost(weights, float(flop), sum(saved.values()) - 4 * weights)


def measured_cpu_s(recipe: Recipe, cost: StepCost) -> float:
    """CPU seconds a step here, by the second of two steps on a patch that is small enough to be measured in seconds."""
    share = min(1.0, (_MEASURED_TFLOP * 1e12 / cost.flop) ** (1 / 3))
    network, images = _network(recipe), _images(recipe, share, batch=1)
    small = cost.flop * (images.numel() / _images(recipe, 1.0).numel()) / recipe.schedule.accumulate
    _backward(network, images)
    begin = time.process_time()
    _backward(network, images)
    return (time.process_time() - begin) * cost.flop / small


def cost_table(recipes: Iterable[tuple[str, Recipe]], measure: bool = True) -> Table:
    """Every network of a plan.

    Args:
        recipes: by the network's name.
        measure: also time a small step on this machine.
    """
    rows: list[tuple[Cell, ...]] = []
    hours_of = dict.fromkeys(GPUS_TFLOPS, 0.0)
    for name, recipe in recipes:
        try:
            cost = step_cost(recipe)
        except ValueError:
            rows.append((name, recipe.name, *[None] * (5 + len(GPUS_TFLOPS))))
            continue
        steps = recipe.schedule.steps
        hours: list[Cell] = []
        for gpu, peak in GPUS_TFLOPS.items():
            needed = None if steps is None else steps * cost.flop / (SUSTAINED * peak * 1e12) / 3600
            hours_of[gpu] += needed or 0.0
            hours.append(needed)
        seconds = measured_cpu_s(recipe, cost) if measure else None
        told = (cost.weights / 1e6, cost.flop / 1e12, cost.gpu_gb)
        rows.append((name, recipe.name, steps, *told, seconds, *hours))
    rows.append(("all", "", None, None, None, None, None, *hours_of.values()))
    columns = (
        "network", "recipe", "steps", "weights, millions", "TFLOP a step", "GPU memory, GB (estimate)",
        "CPU s a step (measured small)", *(f"hours, {gpu} (estimate)" for gpu in GPUS_TFLOPS),
    )  # fmt: skip
    peaks = ", ".join(f"{gpu} {peak:.0f} TFLOP/s" for gpu, peak in GPUS_TFLOPS.items())
    notes = (
        f"Hours by assumption: {100 * SUSTAINED:.1f} % of the dense half-precision peak ({peaks}), batches made by"
        " other threads meanwhile (--workers). The first steps of a run tell the true time. Recipes counted in epochs"
        " have no hours here: their steps follow from the samples.",
    )
    digits = dict.fromkeys(columns, 2) | dict.fromkeys(columns[7:], 1)
    return Table("cost", "What the training will need", columns, tuple(rows), notes, digits)


def _network(recipe: Recipe) -> nn.Module:
    options = {name: value for name, value in recipe.network.options.items() if name != "weights"}
    return networks.build(recipe.network.name, outputs=build_task(recipe).outputs, **options).train()


def _images(recipe: Recipe, edge_share: float, batch: int | None = None) -> Tensor:
    shape = recipe.data.patch or _WHOLE.get(recipe.data.stage)
    if STAGES[recipe.data.stage].dimensions != 3 or shape is None:
        raise ValueError(f"the shape of the inputs of {recipe.name} follows from its samples")
    channels = 2 if recipe.data.stage == "characterise" else 1
    edges = [min(edge, max(_SMALLEST_EDGE, round(edge * edge_share / 16) * 16)) for edge in shape]
    return torch.zeros(batch or recipe.schedule.batch, channels, *edges)


def _backward(network: nn.Module, images: Tensor) -> None:
    logits = network(images)
    parts = [logits] if isinstance(logits, Tensor) else list(logits)
    torch.stack([part.sum() for part in parts]).sum().backward()  # type: ignore[no-untyped-call]
