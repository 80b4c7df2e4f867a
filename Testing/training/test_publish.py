"""Publishing: what RenalAI runs is what was trained, and nothing half-made is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml
from torch import nn

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.saliency import Head, grad_cam
from RenalAITrainingLib import commands, networks
from RenalAITrainingLib.networks.resnet import ClassifierResNet
from RenalAITrainingLib.onnx_files.exporting import check_parity, export_onnx
from RenalAITrainingLib.publishing.calibration import fit_temperature
from RenalAITrainingLib.publishing.cascade import save_head
from RenalAITrainingLib.recipes.recipe import Recipe
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer

SMALL: dict[str, dict[str, Any]] = {
    "unet": {"outputs": 2, "filters": [8, 16, 32], "residual_units": 1},
    "resnet10": {"outputs": 3, "filters": [8, 16, 16, 24], "stem": 5},
}


def _lived_in(name: str, **options: Any) -> nn.Module:
    """A network with statistics, scales and shifts of BatchNorm that are not those of a new one."""
    torch.manual_seed(3)
    network = networks.build(name, **SMALL[name] | options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return network.eval()


@pytest.mark.parametrize(
    ("name", "options"),
    [("unet", {}), ("unet", {"features": 6, "residual_units": 0, "activation": "leaky_relu"}), ("resnet10", {})],
    ids=["unet", "unet with features", "resnet10"],
)
def test_onnx_agrees_with_torch_and_openvino(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    network = _lived_in(name, **options)
    path = tmp_path / "network.onnx"
    channels = 1 if name == "unet" else 2
    export_onnx(network, (channels, 32, 32, 32), path)
    graph = onnx.load(str(path)).graph
    assert "BatchNormalization" not in {node.op_type for node in graph.node}
    heavy = [item for item in graph.initializer if np.prod(item.dims) >= 256]
    assert heavy and {item.data_type for item in heavy} == {onnx.TensorProto.FLOAT16}
    inputs = [np.random.default_rng(n).uniform(-1, 1, (channels, 32, 32, 32)).astype(np.float32) for n in range(3)]
    parity = check_parity(network, path, inputs, "sigmoid" if name == "unet" else "softmax")
    assert parity.good and parity.largest_difference < 0.01

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    openvino = pytest.importorskip("openvino")
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = session.run(["logits"], {"image": inputs[0][None]})[0]
    np.testing.assert_allclose(compiled({"image": inputs[0][None]})["logits"], expected, atol=0.05)


@pytest.mark.parametrize("name", ["unet", "resnet10"])
def test_weights_that_the_exporter_shares_are_folded_too(name: str, tmp_path: Path) -> None:
    """A new network's statistics are all equal, so the exporter stores them once."""
    torch.manual_seed(0)
    network = networks.build(name, **SMALL[name]).eval()
    channels = 1 if name == "unet" else 2
    export_onnx(network, (channels, 16, 16, 16), tmp_path / "network.onnx")
    operators = {node.op_type for node in onnx.load(str(tmp_path / "network.onnx")).graph.node}
    assert not {"BatchNormalization", "Identity"} & operators
    inputs = [np.random.default_rng(0).uniform(-1, 1, (channels, 16, 16, 16)).astype(np.float32)]
    assert check_parity(network, tmp_path / "network.onnx", inputs, "sigmoid" if name == "unet" else "softmax").good


def test_a_wrong_export_is_noticed(tmp_path: Path) -> None:
    network = _lived_in("unet")
    export_onnx(network, (1, 16, 16, 16), tmp_path / "network.onnx")
    with torch.no_grad():
        next(network.parameters()).mul_(1.5)
    inputs = [np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 16)).astype(np.float32)]
    assert not check_parity(network, tmp_path / "network.onnx", inputs).good


def test_locate_takes_any_shape(tmp_path: Path) -> None:
    network = _lived_in("unet", outputs=1)
    export_onnx(network, (1, 16, 16, 16), tmp_path / "locate.onnx", dynamic=True)
    inputs = [np.random.default_rng(0).uniform(-1, 1, (1, 16, 48, 32)).astype(np.float32)]
    assert check_parity(network, tmp_path / "locate.onnx", inputs).good


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_numpy_grad_cam_equals_autograd(chosen: int, tmp_path: Path) -> None:
    classifier = _lived_in("resnet10")
    assert isinstance(classifier, ClassifierResNet)
    nn.init.uniform_(classifier.output.weight, -0.1, 0.4)  # something speaks for every class
    nn.init.uniform_(classifier.hidden.weight, -0.1, 0.4)
    image = torch.rand(1, 2, 32, 32, 32, generator=torch.Generator().manual_seed(chosen))
    features = classifier.features(image).detach().requires_grad_()
    classifier.head(features)[0, chosen].backward()  # type: ignore[no-untyped-call]
    assert features.grad is not None
    weights = features.grad.mean(dim=(2, 3, 4), keepdim=True)
    expected = torch.relu((weights * features).sum(1))[0].detach().numpy()

    save_head(classifier, tmp_path / "head.npz")
    export_onnx(classifier, (2, 32, 32, 32), tmp_path / "classifier.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "classifier.onnx"), providers=["CPUExecutionProvider"])
    logits, maps = session.run(["logits", "features"], {"image": image.numpy()})
    head = Head.load(tmp_path / "head.npz")
    np.testing.assert_allclose(head.logits(maps[0]), logits[0], atol=2e-3)
    own = features.detach().numpy()[0]
    np.testing.assert_allclose(head.gradient(own, chosen), features.grad[0, :, 0, 0, 0].numpy(), atol=1e-6)
    assert expected.max() > 0  # a map of zeros would prove nothing
    np.testing.assert_allclose(grad_cam(head, own, chosen), expected / expected.max(), atol=1e-4)
    np.testing.assert_allclose(grad_cam(head, maps[0], chosen), expected / expected.max(), atol=0.02)


def test_temperature_undoes_overconfidence_and_never_adds_any() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (4000, 3)).astype(np.float32)
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    right = np.array([rng.choice(3, p=p / p.sum()) for p in chances.astype(float)])
    assert fit_temperature(3 * logits, right) == pytest.approx(3, rel=0.1)
    assert fit_temperature(logits / 5, right) == pytest.approx(1, abs=0.01)


def test_the_temperature_of_an_ensemble_calibrates_its_mean() -> None:
    """Four classifiers that are right apart from noise of their own: each is too sure, their mean is less so."""
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 1, (3000, 3))
    right = (truth + rng.gumbel(0, 1, truth.shape)).argmax(axis=1)
    members = (2 * (truth + rng.normal(0, 1.5, (4, *truth.shape)))).astype(np.float32)
    together = fit_temperature(members, right)
    alone = [fit_temperature(member, right) for member in members]
    assert together < min(alone) - 0.5

    def surprise(temperature: float) -> float:
        powers = np.exp(members / temperature)
        mean = (powers / powers.sum(axis=2, keepdims=True)).mean(axis=0)
        counts = np.bincount(right)
        return float((-np.log(mean[np.arange(len(right)), right]) / counts[right]).sum())

    assert surprise(together) < min(surprise(together * 1.1), surprise(together / 1.1))
    assert fit_temperature(np.stack([members[0]] * 3), right) == pytest.approx(alone[0], abs=1e-3)


@pytest.fixture(scope="module")
def trained(
    toy_samples: SampleStore, toy_recipe: Callable[..., Recipe], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """``best.pt`` of a toy run of a few steps for each stage."""
    paths = {}
    for stage in ("locate", "delineate", "characterise"):
        folder = tmp_path_factory.mktemp(stage)
        recipe = toy_recipe(stage, schedule={"steps": 4})
        trainer = Trainer(recipe, toy_samples, folder, Options(threads=1), report=lambda _: None)
        trainer.run()
        paths[stage] = trainer.best
    return paths


@pytest.fixture
def words(trained: dict[str, Path], toy_samples: SampleStore, tmp_path: Path) -> Callable[..., list[str]]:
    """The words of ``publish`` for ensembles of two; ``words(locate=path)`` changes one."""
    description = {
        "name": "toy",
        "version": "1.0.0",
        "title": "Toy",
        "license": "CC0-1.0",
        "demonstration": True,
        "training_domain": "balls",
        "intended_use": "tests",
        "citation": "none",
        "locate": {"spacing_mm": 3.0},
        "delineate": {"margin_mm": 15.0},
        "characterise": {"scale": 1.4, "minimum_mm": 16.0},
    }
    (tmp_path / "bundle.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    (tmp_path / "card.md").write_text("# Toy\n", encoding="utf-8")

    def make(**changes: Path) -> list[str]:
        given = {stage: [path, path] for stage, path in trained.items()}
        papers = {"card": tmp_path / "card.md", "license-file": tmp_path / "card.md"}
        papers |= {"samples": toy_samples.folder, "output": tmp_path / "toy"}
        given |= {name: [path] for name, path in (papers | changes).items()}
        options = [word for name, paths in given.items() for word in (f"--{name}", *map(str, paths))]
        return ["publish", str(tmp_path / "bundle.yaml"), *options]

    return make


def test_a_bundle_is_published_that_the_engine_accepts(
    words: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(words()) == 0
    bundle = read_bundle(tmp_path / "toy")
    stages = bundle.stages
    for name in ("locate", "delineate", "characterise"):
        assert getattr(stages, name).models == (f"models/{name}-1.onnx", f"models/{name}-2.onnx")
    assert stages.characterise.heads == ("models/characterise-1-head.npz", "models/characterise-2-head.npz")
    assert stages.delineate.shape == (32, 32, 32) and stages.characterise.temperature >= 1
    assert bundle.model_card == "# Toy\n" and bundle.demonstration
    parities = json.loads((tmp_path / "toy" / "docs" / "parity.json").read_text(encoding="utf-8"))
    assert len(parities) == 6 and all(parity["agreement"] > 0.999 for parity in parities.values())
    assert {parity["weights"] for parity in parities.values()} == {"half"}
    assert "same decision" in capsys.readouterr().out
    assert commands.main(words()) == 2  # never over another bundle
    assert "exists already" in capsys.readouterr().err


def test_what_cannot_be_published_leaves_nothing(
    words: Callable[..., list[str]],
    trained: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    for changes, told in (
        ({"locate": trained["delineate"]}, "was trained for the stage delineate, not locate"),
        ({"locate": tmp_path / "none.pt"}, "does not exist"),
        ({"samples": tmp_path / "empty"}, "holds a validation sample of the stage locate"),
        ({"card": tmp_path / "none.md"}, "cannot be read"),
    ):
        assert commands.main(words(**changes)) == 2
        assert told in capsys.readouterr().err
        assert not (tmp_path / "toy").exists() and not (tmp_path / "toy.part").exists()
