"""Recipes of one stage side by side: trained on the same samples, as long, and measured on the same ones.

Every recipe trains as it stands, validates itself by its own rules, and keeps its own best weights. Then all best
weights are measured alike, on every validation sample, so that nobody is judged on samples of his own choice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from RenalAILib.errors import InputError
from RenalAILib.writing.whole import write_text

from .evaluation.bootstrap import Ratio, Resamples
from .evaluation.table import Cell, Table
from .recipes import recipe as recipes
from .recipes.recipe import Recipe
from .samples import Sample, SampleRecord, SampleStore
from .stages import STAGES
from .training.options import Options
from .training.trained import TrainedNetwork, load_trained
from .training.trainer import Trainer

FILES = ("comparison.csv", "comparison.json")
"""What a comparison leaves in its folder, beside one folder a recipe."""


@dataclass(frozen=True, eq=False)
class Rival:
    """One recipe after its training.

    Attributes:
        name: of the recipe.
        steps, best_step: made in all, and at which the kept weights were best.
        minutes: of training, with the recipe's own validations.
        seen: samples drawn, each as often as it was drawn.
        weights: of the network.
        values: by measure, (patient, value) of each sample that has it; one entry without a patient where a measure is
            no mean over samples.
    """

    name: str
    steps: int
    best_step: int
    minutes: float
    seen: int
    weights: int
    values: Mapping[str, Sequence[tuple[str, float]]]


def compare_recipes(
    names: Sequence[str], samples: Path, output: Path, options: Options, report: Callable[[str], None] = print
) -> Table:
    """Train what is not trained yet, measure all, and write `FILES`.

    Args:
        names: two or more recipes of one stage: shipped names or .yaml files. The others are set against the first.
        samples: a folder of cached samples.
        output: gets a run's folder for each recipe. One that is there goes on where it was, so that a killed
            comparison is taken up by the same words, and rivals may be trained by themselves before.
        options: of all trainings alike; ``minutes`` makes their length equal, None leaves each recipe its own.

    Raises:
        InputError: fewer than two recipes, two of one name or of different stages, or a training fails.
    """
    chosen = [recipes.load(name) for name in names]
    if len({one.name for one in chosen}) < max(2, len(chosen)):
        raise InputError(f"a comparison needs two or more different recipes, got {', '.join(names) or 'none'}")
    stages = {one.name: one.data.stage for one in chosen}
    if len(set(stages.values())) > 1:
        told = ", ".join(f"{name} trains {stage}" for name, stage in stages.items())
        raise InputError(f"only recipes of one stage can be compared: {told}")
    store = SampleStore(samples)
    rivals = [_trained(one, store, output / one.name, options, report) for one in chosen]
    table = side_by_side(rivals, len(store.stage(chosen[0].data.stage).split("validation")))
    write_text(output / FILES[0], table.csv_text())
    content = {"schema": "renalai.recipe-comparison/1", "stage": chosen[0].data.stage} | table.to_json()
    write_text(output / FILES[1], json.dumps(content, indent=1, allow_nan=False) + "\n")
    return table


def _trained(one: Recipe, store: SampleStore, folder: Path, options: Options, report: Callable[[str], None]) -> Rival:
    resume = (folder / "last.pt").exists()
    report(f"{one.name}: {one.title}{', going on' if resume else ''}")
    trainer = Trainer(one, store, folder, replace(options, resume=resume), report)
    result = trainer.run()
    report(f"{one.name}: {result.steps} steps; measuring its best weights, of step {result.best_step}")
    network = load_trained(trainer.best, one.data.stage)
    schedule = one.schedule
    return Rival(
        one.name,
        result.steps,
        result.best_step,
        trainer.elapsed_s / 60,
        result.steps * schedule.batch * schedule.accumulate,
        sum(weight.numel() for weight in network.network.parameters()),
        measured(network, store.stage(one.data.stage).split("validation"), trainer.device),
    )


def measured(
    trained: TrainedNetwork, samples: Iterable[Sample], device: torch.device
) -> dict[str, list[tuple[str, float]]]:
    """The task's measures of the best weights; of a 3-D segmentation sample by sample, as all of them are means there.

    Args:
        samples: all that are to be measured.
        device: on which the network runs.
    """
    network = trained.network.to(device)

    @torch.inference_mode()
    def predict(images: Tensor) -> Tensor:
        logits: Tensor = network(images.to(device))
        return logits

    facts = STAGES[trained.recipe.data.stage]
    if facts.purpose != "segment" or facts.dimensions != 3:
        return {name: [("", value)] for name, value in trained.task.validate(predict, samples).items()}
    values: dict[str, list[tuple[str, float]]] = {}
    for sample in samples:
        for name, value in trained.task.validate(predict, [sample]).items():
            values.setdefault(name, []).append((patient_of(sample.record), value))
    return values


def patient_of(record: SampleRecord) -> str:
    """Whose scan a sample was cut from or put into; a phantom is a patient of its own."""
    return record.sources[0] if record.sources else f"sample {record.id}"


def side_by_side(rivals: Sequence[Rival], samples: int) -> Table:
    """What each did and what its best weights are worth; every later one less the first, paired by patient.

    Args:
        samples: that all were measured on.
    """
    first, *others = rivals
    facts: dict[str, Callable[[Rival], Cell]] = {
        "minutes of training": lambda one: one.minutes,
        "steps": lambda one: one.steps,
        "samples drawn": lambda one: one.seen,
        "step of the best weights": lambda one: one.best_step,
        "weights, millions": lambda one: one.weights / 1e6,
    }
    rows: list[tuple[Cell, ...]] = [
        (name, value(first), *(cell for one in others for cell in (value(one), None))) for name, value in facts.items()
    ]
    names = list(dict.fromkeys(name for rival in rivals for name in rival.values))
    resamples = Resamples(patient for rival in rivals for values in rival.values.values() for patient, _ in values)
    for name in names:
        ratios = [Ratio.mean(rival.values.get(name, ())) for rival in rivals]
        cells: list[Cell] = [resamples.estimate(ratios[0])]
        for ratio in ratios[1:]:
            cells += [resamples.estimate(ratio), resamples.difference(ratios[0], ratio)]
        rows.append((name.replace("_", " "), *cells))
    columns = ["measure", first.name]
    for one in others:
        columns += [one.name, f"{one.name} less {first.name}"]
    notes = (
        f"Best weights of each, on the same {samples} validation samples; intervals of 95 % by bootstrap over patients."
        " The best weights were chosen on these samples too, so that the values are a little too good for all.",
    )
    return Table("comparison", "Recipes side by side", tuple(columns), tuple(rows), notes)
