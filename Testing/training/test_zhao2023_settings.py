"""The recipes of Zhao 2023 hold what the paper states, and their samples can be cut as it cuts them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from labelledcases import NAMES, ct_of, labels

from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAITrainingLib import networks
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.real_samples import fill
from RenalAITrainingLib.networks.resnet import ClassifierResNet
from RenalAITrainingLib.plans import bundle_plan
from RenalAITrainingLib.recipes.recipe import load
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.tasks import build_task

SEGMENTING = ("zhao2023-kidney", "zhao2023-mass", "zhao2023-one-stage")


@pytest.mark.parametrize("name", [*SEGMENTING, "zhao2023-classifier"])
def test_settings_of_the_paper(name: str) -> None:
    recipe = load(name)
    augmentation, schedule = recipe.augmentation, recipe.schedule
    assert (augmentation.rotation_deg, augmentation.shift) == (10, 0.1)
    assert augmentation.noise > 0 and augmentation.noise_probability == 1
    assert (schedule.batch, schedule.epochs, recipe.optimiser.learning_rate) == (4, 400, 1e-4)
    assert "Front Oncol 13, 1169922" in recipe.citation
    if name in SEGMENTING:
        assert recipe.network.name == "unet" and recipe.network.options["filters"][0] == 16
    else:
        network = networks.build(recipe.network.name, outputs=3, **recipe.network.options)
        assert isinstance(network, ClassifierResNet)
        assert (network.hidden.out_features, network.dropout.p) == (128, 0.1)


def test_the_plan_is_the_papers_cascade_with_an_ensemble() -> None:
    plan = bundle_plan.load("zhao2023")
    assert [recipe.data.stage for recipe in plan.recipes] == ["locate", *["delineate"] * 3, "characterise"]
    assert len({network.seed for network in plan.plan.networks if network.recipe == "zhao2023-mass"}) == 3
    assert plan.plan.edge == 128


def test_patches_of_128_by_the_manual_mask(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "set", "set")
    for number in range(2):
        truth = labels((Label.SOLID, "right", 12.0), seed=number)
        dataset.add_case(NAMES.case(f"patient {number}", ""), ct_of(truth, number), truth)
    first, second = (case.name for case in dataset)
    dataset.set_split({"training": (first,), "validation": (second,)}, {}, {})
    assert fill(dataset, "characterise", tmp_path / "samples", edge=128) == 2
    store = SampleStore(tmp_path / "samples")
    assert {sample.image.shape for sample in store} == {(128, 128, 128)}
    image, target = build_task(load("zhao2023-classifier")).whole(store[0])
    assert image.shape == (2, 128, 128, 128) and int(target) == 2
    assert 0.01 < float((image[1] > 0).float().mean()) < 0.6 and torch.unique(image[1]).numel() == 2
    with pytest.raises(InputError, match=r"holds patches of 128 voxels .*; those of 64 need another folder"):
        fill(dataset, "characterise", tmp_path / "samples")
    with pytest.raises(InputError, match="must be a multiple of 16, got 100"):
        fill(dataset, "characterise", tmp_path / "other", edge=100)
