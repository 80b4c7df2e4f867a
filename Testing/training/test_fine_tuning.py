"""Training goes on from what was published: the same function to begin with, and BatchNorm that can learn."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from RenalAILib.errors import InputError
from RenalAITrainingLib import commands, networks
from RenalAITrainingLib.onnx_files.exporting import export_onnx
from RenalAITrainingLib.onnx_files.importing import load_folded
from RenalAITrainingLib.recipes.recipe import Recipe
from RenalAITrainingLib.recipes.recipe import load as load_recipe
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training import checkpoint
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.starting_weights import load_starting_weights
from RenalAITrainingLib.training.trainer import Trainer

SHIPPED = Path(__file__).parents[2] / "Resources" / "Bundles" / "zhao2023-demo"
NETWORKS: dict[str, dict[str, Any]] = {
    "unet": {"outputs": 2, "filters": [8, 16, 32], "residual_units": 1},
    "plain unet": {"outputs": 2, "filters": [8, 16], "residual_units": 0, "activation": "leaky_relu", "features": 6},
    "resnet10": {"outputs": 3, "filters": [8, 16, 16, 24], "stem": 5, "dropout": 0.0},
}


def _lived_in(name: str) -> nn.Module:
    torch.manual_seed(3)
    network = networks.build(name.split()[-1], **NETWORKS[name])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.05, 0.4)
    with torch.no_grad():
        for image in _inputs(name, 30):
            network.train()(image)  # statistics of these inputs
    return network.eval()


def _inputs(name: str, count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(count)
    channels = 2 if name == "resnet10" else 1
    return [torch.rand(2, channels, 32, 32, 32, generator=generator) for _ in range(count)]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_way_back_gives_the_same_function_and_the_statistics_of_the_data(name: str, tmp_path: Path) -> None:
    published, ours = _lived_in(name), networks.build(name.split()[-1], **NETWORKS[name])
    export_onnx(published, (2 if name == "resnet10" else 1, 32, 32, 32), tmp_path / "network.onnx")
    inputs = _inputs(name, 8)
    load_folded(ours, tmp_path / "network.onnx", inputs)
    with torch.no_grad():
        for image in _inputs(name, 2):
            torch.testing.assert_close(ours(image), published(image), atol=0.02, rtol=0.02)
        # At learning, BatchNorm takes the batch's own statistics: near the measured ones, the function stays near.
        torch.testing.assert_close(ours.train()(inputs[0]), published(inputs[0]), atol=0.6, rtol=0.1)
    norms = [module for module in ours.modules() if isinstance(module, nn.BatchNorm3d)]
    assert norms and all(float((norm.running_var - 1).abs().max()) > 1e-3 for norm in norms)  # type: ignore[operator]


def test_training_goes_on_from_a_published_network(
    toy_samples: SampleStore, toy_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = toy_recipe("locate", schedule={"steps": 30})
    first = Trainer(recipe, toy_samples, tmp_path / "first", Options(threads=1), report=lambda _: None).run()
    trained = networks.build("unet", outputs=1, **recipe.network.options)
    trained.load_state_dict(checkpoint.load(tmp_path / "first" / "best.pt")["network"])
    export_onnx(trained, (1, 32, 32, 32), tmp_path / "network.onnx")

    told: list[str] = []
    short = toy_recipe("locate", schedule={"steps": 2}, optimiser={"learning_rate": 1e-6})
    options = Options(start_from=tmp_path / "network.onnx")
    again = Trainer(short, toy_samples, tmp_path / "again", options, report=told.append).run()
    assert again.best_score == pytest.approx(first.best_score, abs=0.03)
    assert re.match(r"starting from the published network .* decide alike on (99\.9|100)", told[0])


def test_what_does_not_fit_is_told(toy_samples: SampleStore, toy_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    export_onnx(_lived_in("unet"), (1, 32, 32, 32), path)
    inputs = _inputs("unet", 1)

    def start(given: Path = path, **options: Any) -> None:
        recipe = toy_recipe("delineate", network={"options": options})
        network = networks.build("unet", outputs=2, **options)
        load_starting_weights(network, given, recipe, inputs)

    same = {"filters": [8, 16, 32], "residual_units": 1}
    start(**same)
    for options, told in (
        ({"filters": [8, 16], "residual_units": 1}, r"has \d+ layers of the kind Conv, the recipe's has \d+"),
        ({"filters": [8, 16, 24], "residual_units": 1}, "has weights of shape"),
        ({**same, "activation": "leaky_relu"}, "layers of the kind PRelu, the recipe's has 0"),
    ):
        with pytest.raises(InputError, match=f"network.onnx is not the recipe's network: .*{told}"):
            start(**options)
    (tmp_path / "broken.onnx").write_bytes(b"no protobuf")
    with pytest.raises(InputError, match=r"broken\.onnx cannot be read as an ONNX network"):
        start(tmp_path / "broken.onnx", **same)
    with pytest.raises(InputError, match=r"none\.onnx does not exist"):
        start(tmp_path / "none.onnx", **same)
    with pytest.raises(InputError, match="has no SHA256SUMS"):
        start(tmp_path, **same)


@pytest.mark.parametrize("stage", ["locate", "delineate", "characterise"])
def test_the_shipped_bundle_can_be_trained_further(stage: str) -> None:
    if not SHIPPED.is_dir():
        pytest.skip("no shipped bundle in this tree")
    recipe = load_recipe(f"demo-{stage}")
    outputs = {"locate": 1, "delineate": 2, "characterise": 3}[stage]
    network = networks.build(recipe.network.name, outputs=outputs, **recipe.network.options)
    shape = (2, 64, 64, 64) if stage == "characterise" else (1, 64, 64, 64)
    inputs = [torch.rand(1, *shape, generator=torch.Generator().manual_seed(n)) * 2 - 1 for n in range(2)]
    assert "decide alike on" in load_starting_weights(network, SHIPPED, recipe, inputs)


def test_the_command_says_in_one_sentence_what_does_not_fit(
    toy_samples: SampleStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_onnx(_lived_in("unet"), (1, 32, 32, 32), tmp_path / "network.onnx")
    words = ["train", "demo-delineate", "--samples", str(toy_samples.folder), "-o", str(tmp_path / "run")]
    assert commands.main([*words, "--start-from", str(tmp_path / "network.onnx")]) == 2
    told = capsys.readouterr().err
    assert "is not the recipe's network" in told and told.count("\n") == 1
    assert not (tmp_path / "run").exists()
