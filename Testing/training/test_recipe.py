"""Recipes: those shipped load, and every mistake in one is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from RenalAILib.errors import InputError
from RenalAITrainingLib import networks
from RenalAITrainingLib.recipes.recipe import from_mapping, load, shipped
from RenalAITrainingLib.recipes.slice_settings import SliceAugmentation
from RenalAITrainingLib.stages import STAGES
from RenalAITrainingLib.training.losses import build_loss
from RenalAITrainingLib.training.optimisers import build_optimiser
from RenalAITrainingLib.training.tasks import build_task

MINIMAL: dict[str, Any] = {
    "name": "mine",
    "title": "Mine",
    "citation": "none",
    "data": {"stage": "locate"},
    "network": {"name": "unet"},
    "loss": {"name": "dice"},
    "optimiser": {"name": "adam", "learning_rate": 0.001},
    "schedule": {"batch": 2, "epochs": 3},
}


def _changed(path: str, value: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(MINIMAL))
    *sections, key = path.split(".")
    place = content
    for section in sections:
        place = place[section]
    if value is None:
        del place[key]
    else:
        place[key] = value
    return content


@pytest.mark.parametrize("name", shipped())
def test_shipped_recipes_are_complete_and_make_a_step(name: str) -> None:
    recipe = load(name)
    assert recipe.name == name and recipe.citation and recipe.title
    assert from_mapping(json.loads(json.dumps(recipe.to_json())), "copy") == recipe
    task = build_task(recipe)
    options = {name: value for name, value in recipe.network.options.items() if name != "weights"}  # no download here
    network = networks.build(recipe.network.name, outputs=task.outputs, **options)
    build_optimiser(recipe.optimiser, network)
    slices = STAGES[recipe.data.stage].dimensions == 2
    edges = [64] * 2 if slices else [16] * 3
    if recipe.network.name == "segresnet":
        edges = [32] * 3  # its norm needs more than one voxel, also after four halvings
    if recipe.data.fixed and recipe.data.patch is not None:
        edges = [recipe.data.patch[0], 32, 32]
    shape = (2, 2 if recipe.data.stage == "characterise" else 1, *edges)
    if STAGES[recipe.data.stage].purpose == "detect":
        shape = (2, 3, *recipe.network.options["shape"])  # it takes no other
    with torch.inference_mode():
        logits = network.eval()(torch.zeros(shape))
    target = torch.zeros(2, dtype=torch.long) if recipe.data.stage == "characterise" else torch.zeros_like(logits)
    if STAGES[recipe.data.stage].purpose == "detect":
        assert torch.isfinite(task.loss(logits, torch.zeros((*logits.shape[:2], 5))))  # class and offsets of each box
        return
    assert torch.isfinite(build_loss(recipe.loss)(logits, target))


def test_zhao_2023_has_the_settings_of_the_paper() -> None:
    for name in ("zhao2023-kidney", "zhao2023-mass", "zhao2023-classifier"):
        recipe = load(name)
        assert (recipe.schedule.batch, recipe.schedule.epochs) == (4, 400)
        assert recipe.optimiser.learning_rate == 1e-4
        assert (recipe.augmentation.rotation_deg, recipe.augmentation.shift) == (10, 0.1)
        assert (recipe.data.window.width, recipe.data.window.level) == (300, 30)
    assert load("zhao2023-mass").network.options["filters"][0] == 16
    assert load("zhao2023-classifier").network.options["hidden"] == 128


def test_pedersen_2020_has_the_settings_of_the_paper() -> None:
    recipe = load("pedersen2020")
    assert (recipe.network.name, recipe.loss.name) == ("resnet50v2", "bce")
    assert (recipe.optimiser.name, recipe.optimiser.learning_rate, recipe.schedule.epochs) == ("rmsprop", 2e-5, 10)
    assert recipe.slices == SliceAugmentation() and recipe.data.balance == "class"
    assert recipe.vote.threshold == 0.51


@pytest.mark.parametrize("depth", [101, 152])
def test_bolocan_2023_has_the_settings_of_the_paper(depth: int) -> None:
    recipe = load(f"bolocan2023-resnet{depth}")
    assert (recipe.network.name, recipe.loss.name) == (f"resnet{depth}", "bce")
    assert (recipe.optimiser.name, recipe.optimiser.learning_rate) == ("adam", 1e-4)
    assert (recipe.schedule.epochs, recipe.schedule.batch) == (100, 20)
    drawn = recipe.slices
    assert min(drawn.mirror, drawn.rotation_deg, drawn.elastic_probability, drawn.grid_probability) > 0
    assert min(drawn.poisson[1], drawn.blur[1], drawn.dropout[1]) > 0 and drawn.gamma != (1, 1)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("learning", 1, "unknown key 'learning'"),
        ("data.patchh", [8, 8, 8], "r.yaml: data has the unknown key 'patchh'"),
        ("data.patch", [8, 8], "r.yaml: data.patch must be a list of 3"),
        ("data.patch", [96, 96, 100], "multiples of 16"),
        ("data.patch", "8", "list of 3"),
        ("data.stage", "detect", "locate, delineate, characterise"),
        ("data", None, "lacks the key 'data'"),
        ("data", [1], "r.yaml: data must be a mapping"),
        ("optimiser.learning_rate", "1e-4", r"type float, got '1e-4'; YAML needs a point"),
        ("optimiser.learning_rate", True, "type float"),
        ("optimiser.name", "lion", "adam, adamw, sgd"),
        ("schedule.batch", 2.5, "type int"),
        ("schedule.batch", 0, "batch must be at least 1"),
        ("schedule.steps", 5, "either epochs or steps"),
        ("schedule.average", 1.5, "average must lie in"),
        ("loss.name", "cross_entropy", "does not fit the stage locate"),
        ("network.options", 3, "type dict"),
        ("title", 3, "type str"),
    ],
)
def test_a_mistake_is_named(path: str, value: Any, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        from_mapping(_changed(path, value), "r.yaml")
    assert "r.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no recipe is called unett; there are .*demo-"):
        load("unett")
    with pytest.raises(InputError, match="does not exist"):
        load(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.yaml is not YAML"):
        load(broken)
    broken.write_text("!!python/object/apply:os.system ['true']", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.yaml is not YAML"):
        load(broken)
