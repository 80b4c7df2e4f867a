"""What the stages of other systems share: categories of samples, their losses, optimisers and the cuts of the rate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from RenalAILib.errors import InputError
from RenalAITrainingLib.publishing.bundle_description import BundleDescription
from RenalAITrainingLib.publishing.publish import Papers, publish
from RenalAITrainingLib.recipes.recipe import Loss, Optimiser, Recipe
from RenalAITrainingLib.samples import SampleRecord, SampleStore
from RenalAITrainingLib.training.losses import build_loss
from RenalAITrainingLib.training.metrics_log import read_metrics
from RenalAITrainingLib.training.optimisers import build_optimiser
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer


def test_a_category_belongs_to_slices_that_are_classified(tmp_path: Path) -> None:
    store = SampleStore(tmp_path)
    image, label = np.zeros((1, 4, 4), np.int16), np.zeros((1, 4, 4), np.uint8)
    store.append(image, label, split="train", stage="slice-classify", kind="phantom", category="healthy")
    record = SampleStore(tmp_path).records[0]
    assert (record.category, record.group, record.extra) == ("healthy", "healthy", {})
    for stage, category in (("slice-classify", None), ("slice-segment", "healthy")):
        with pytest.raises(ValueError, match="needs a category"):
            SampleRecord(1, "train", stage, "phantom", category=category)  # type: ignore[arg-type]


@pytest.mark.parametrize("axes", [2, 3])
def test_cross_entropy_minus_dice(axes: int) -> None:
    """Sure and right: no entropy and a Dice of one; undecided between three: log 3 and a Dice of a half or less."""
    loss = build_loss(Loss("cross_entropy_minus_dice"))
    number = torch.arange(4**axes).reshape([4] * axes) % 3
    target = nn.functional.one_hot(number, 3).movedim(-1, 0)[None].float()
    assert float(loss(40 * target, target)) == pytest.approx(-1, abs=1e-3)
    undecided = float(loss(torch.zeros_like(target), target))
    assert np.log(3) - 0.5 < undecided < np.log(3) - 0.3


def test_losses_of_slices_take_the_mean_over_the_picture() -> None:
    logits, target = torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4)
    assert float(build_loss(Loss("bce"))(logits, target)) == pytest.approx(np.log(2))
    assert float(build_loss(Loss("bce"))(logits[:, :, 0, 0], target[:, :, 0, 0])) == pytest.approx(np.log(2))
    with pytest.raises(ValueError, match="a task of its own"):
        build_loss(Loss("multibox"))


def test_rmsprop_has_the_settings_of_keras() -> None:
    optimiser = build_optimiser(Optimiser("rmsprop", 2e-5), nn.Linear(2, 1))
    assert isinstance(optimiser, torch.optim.RMSprop)
    assert (optimiser.defaults["lr"], optimiser.defaults["alpha"], optimiser.defaults["eps"]) == (2e-5, 0.9, 1e-7)


def test_the_rate_is_cut_where_nothing_gets_better(
    toy_samples: SampleStore, toy_recipe: Callable[..., Recipe], run_folder: Path
) -> None:
    recipe = toy_recipe(
        "locate",
        optimiser={"learning_rate": 0.01},
        schedule={"steps": 40, "validate_every": 5, "cut_after": 3, "shape": "constant"},
        network={"options": {"filters": [4, 8], "residual_units": 0}},
        data={"patch": [16, 16, 16]},
    )
    trainer = Trainer(recipe, toy_samples, run_folder, Options(threads=1), report=lambda _: None)
    trainer.task.validate = lambda predict, samples: {"score": 0.5}  # type: ignore[method-assign]
    trainer.run()
    # eight validations: the first is the best, the fourth and the seventh are the third and sixth in vain
    rates = [line["learning_rate"] for line in read_metrics(run_folder / "metrics.jsonl") if line["event"] == "train"]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.0001])
    assert Trainer(recipe, toy_samples, run_folder, Options(resume=True), report=lambda _: None).cuts == 2


def test_a_description_is_checked_by_its_own_pipeline(tmp_path: Path) -> None:
    texts = {"name": "toy", "version": "1", "title": "t", "license": "l", "demonstration": True}
    texts |= {"training_domain": "d", "intended_use": "i", "citation": "c"}
    with pytest.raises(ValueError, match="pipeline must be one of cascade"):
        BundleDescription(**texts, pipeline="vote")  # type: ignore[arg-type]
    description = BundleDescription(**texts, pipeline="one-stage", settings={"locate": {}})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the description of toy has the unknown key 'locate'"):
        publish(description, {}, [], Papers("", ""), tmp_path / "toy")
    assert not list(tmp_path.iterdir())
