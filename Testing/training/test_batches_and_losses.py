"""Order, losses, schedule, moving average: small parts with exact answers."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from RenalAILib.labels import MassClass
from RenalAITrainingLib.recipes.recipe import Loss, Recipe, Schedule
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.averaging import AveragedNetwork
from RenalAITrainingLib.training.batches import Batches
from RenalAITrainingLib.training.losses import build_loss, dice_loss
from RenalAITrainingLib.training.schedule import learning_rate_factor, total_steps
from RenalAITrainingLib.training.tasks import build_task


def _batches(store: SampleStore, recipe: Recipe, balance: str = "none", seed: int = 0) -> Batches:
    part = store.stage(recipe.data.stage).split("train")
    return Batches(part, build_task(recipe), recipe.schedule.batch, seed, balance)


def test_an_epoch_draws_every_sample_once(toy_samples: SampleStore, toy_recipe: Callable[..., Recipe]) -> None:
    batches = _batches(toy_samples, toy_recipe("locate"))
    epochs = [[index for batch in range(4) for index in batches.chosen(4 * epoch + batch)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(8)) for epoch in epochs)
    assert epochs[0] != epochs[1] and epochs[1] != epochs[2]


def test_balance_draws_classes_evenly(
    toy_samples: SampleStore, toy_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    uneven = SampleStore(tmp_path)
    for mass_class in (MassClass.AML, *[MassClass.CYSTIC] * 5, *[MassClass.SOLID] * 3):
        sample = next(s for s in toy_samples if s.record.mass_class is mass_class)
        uneven.append(
            sample.image, sample.label, split="train", stage="characterise", kind="real", mass_class=mass_class
        )
    batches = _batches(uneven, toy_recipe("characterise"), balance="class")
    drawn = Counter(uneven.records[n].mass_class for batch in range(10) for n in batches.chosen(batch))
    assert set(drawn.values()) == {20}
    by_nature = _batches(uneven, toy_recipe("characterise"))
    drawn = Counter(uneven.records[n].mass_class for batch in range(3) for n in by_nature.chosen(batch))
    assert sorted(drawn.values()) == [2, 6, 10]


def test_a_mass_seen_where_there_is_none_costs_score(
    toy_samples: SampleStore, toy_recipe: Callable[..., Recipe]
) -> None:
    task = build_task(toy_recipe("delineate"))
    healthy = toy_samples.stage("locate").split("validation")  # the same balls without masses
    silent, seer = torch.full((1, 2, 32, 32, 32), -1.0), torch.full((1, 2, 32, 32, 32), -1.0)
    seer[:, 1, :4] = 1
    quiet, loud = (task.validate(lambda _, logits=logits: logits, healthy) for logits in (silent, seer))
    assert quiet["mass_false_positive_voxels"] == 0 and loud["mass_false_positive_voxels"] == 4 * 32 * 32
    assert quiet["score"] == pytest.approx(0.5)  # all healthy kidneys missed, no mass invented
    assert loud["score"] < 0.01


def test_a_batch_is_a_function_of_seed_and_number(toy_samples: SampleStore, toy_recipe: Callable[..., Recipe]) -> None:
    recipe = toy_recipe("delineate")
    one, two = _batches(toy_samples, recipe), _batches(toy_samples, recipe)
    ahead = one.since(3, workers=2)
    for number in (3, 4, 5):
        images, target = next(ahead)
        again, target_again = two[number]
        assert torch.equal(images, again) and torch.equal(target, target_again)
    other, _ = _batches(toy_samples, recipe, seed=1)[3]
    assert not torch.equal(two[3][0], other)
    assert target.shape == (2, 2, 32, 32, 32) and bool((target[:, 0] >= target[:, 1]).all())


def test_dice_loss() -> None:
    target = torch.zeros(2, 2, 4, 4, 4)
    target[:, 0, :2] = 1
    right, wrong = (2 * target - 1) * 50, (1 - 2 * target) * 50
    np.testing.assert_allclose(dice_loss(right, target), [0, 0], atol=1e-5)
    half = torch.zeros_like(target)  # probability 0.5 everywhere: Dice of channel 0 = 2*32/(64+64)
    assert float(dice_loss(half, target, smooth=0)[0]) == pytest.approx(0.5)
    assert float(dice_loss(wrong, target)[0]) > 0.95


def test_losses_by_name() -> None:
    logits, target = torch.zeros(1, 2, 2, 2, 2), torch.ones(1, 2, 2, 2, 2)
    assert float(build_loss(Loss("bce"))(logits, target)) == pytest.approx(math.log(2))
    both = float(build_loss(Loss("dice"))(logits, target)) + math.log(2)
    assert float(build_loss(Loss("dice_bce"))(logits, target)) == pytest.approx(both)
    target[:, 1] = 0
    logits[:, 0] = 50  # only the second channel costs anything
    light, heavy = (float(build_loss(Loss("bce", channel_weights=w))(logits, target)) for w in ((3.0, 1.0), (1.0, 3.0)))
    assert heavy == pytest.approx(3 * light)
    with pytest.raises(ValueError, match="3 channel weights for 2 channels"):
        build_loss(Loss("bce", channel_weights=(1.0, 1.0, 1.0)))(logits, target)


@pytest.mark.parametrize("shape", ["constant", "cosine", "one_cycle"])
def test_schedule(shape: str) -> None:
    schedule = Schedule(batch=4, epochs=3, accumulate=2, shape=shape, warmup=0.1)  # type: ignore[arg-type]
    assert total_steps(schedule, samples=17) == 9
    factors = [learning_rate_factor(schedule, p) for p in np.linspace(0, 1, 101)]
    assert factors[0] < 0.05 and factors[10] == pytest.approx(1)
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(factors[10:]))
    assert factors[-1] == pytest.approx(1 if shape == "constant" else 0)


def test_average_follows_weights_and_statistics() -> None:
    network = nn.Sequential(nn.Conv3d(1, 2, 1), nn.BatchNorm3d(2))
    average = AveragedNetwork(network, 0.9)
    before = average.state_dict()["0.weight"].clone()
    with torch.no_grad():
        network[0].weight.add_(1)  # type: ignore[operator]
    network(torch.randn(2, 1, 3, 3, 3))
    average.follow(network, step=1000)
    torch.testing.assert_close(average.state_dict()["0.weight"], before + 0.1)
    assert not torch.equal(average.state_dict()["1.running_mean"], torch.zeros(2))
    exact = AveragedNetwork(network, 0.0)
    with torch.no_grad():
        network[0].weight.mul_(3)  # type: ignore[operator]
    exact.follow(network, step=1)
    assert torch.equal(exact.state_dict()["0.weight"], network[0].weight)
