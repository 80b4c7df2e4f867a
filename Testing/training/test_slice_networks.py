"""Slice classifiers: what the papers count, shapes, ImageNet weights with and without a network, ONNX as at work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from RenalAILib.errors import InputError
from RenalAITrainingLib.networks import imagenet
from RenalAITrainingLib.networks.slice_blocks import convolutions
from RenalAITrainingLib.networks.slice_resnet import SliceResNet, resnet50v2, resnet101, resnet152

SMALL = {"width": 0.125}


def test_counts_are_those_of_the_papers() -> None:
    """104 convolutions in ResNet101 (Bolocan 2023). Keras' ResNet50V2 without its top counts 23 564 800 weights: its
    convolutions have biases where ours have none."""
    one, two, three = resnet50v2(), resnet101(), resnet152()
    assert [convolutions(network) for network in (one, two, three)] == [53, 104, 155]
    counts = [sum(weight.numel() for weight in network.parameters()) for network in (one, two, three)]
    assert counts == [23_496_257, 42_495_937, 58_139_585]
    assert abs(counts[0] / (23_564_800 + 2049) - 1) < 0.005


def test_v2_activates_before_it_convolves() -> None:
    """The identity path of a unit carries what came in, unnormed: with its last convolution silent, it is a copy."""
    network = resnet50v2(**SMALL).eval()
    assert isinstance(network, SliceResNet)
    unit = network.trunk.stage1.unit2
    nn.init.zeros_(unit.body.conv3.conv.weight)
    values = torch.randn(1, unit.body.conv3.conv.out_channels, 6, 6)
    assert torch.equal(unit(values), values) and float(values.min()) < 0
    assert unit.body.conv2.conv.kernel_size == (3, 3)
    assert network.trunk.stage2.unit1.body.conv2.conv.stride == (2, 2)


@pytest.mark.parametrize("build", [resnet50v2, resnet101, resnet152])
def test_shapes(build: type[nn.Module]) -> None:
    network = build(outputs=1, **SMALL).eval()
    assert isinstance(network, SliceResNet) and network.origin == "random weights"
    with torch.inference_mode():
        assert network(torch.zeros(2, 1, 224, 224)).shape == (2, 1)
        assert network.features(torch.zeros(1, 1, 224, 224)).shape[2:] == (7, 7)
        assert network(torch.zeros(1, 1, 64, 96)).shape == (1, 1)


@pytest.mark.parametrize("build", [resnet50v2, resnet101])
def test_onnx_computes_the_same_for_any_number_of_slices(build: type[nn.Module], tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(outputs=1, **SMALL).eval()
    path = tmp_path / "vote.onnx"
    torch.onnx.export(
        network, (torch.zeros(1, 1, 64, 64),), str(path), dynamo=False, opset_version=17,
        input_names=["image"], output_names=["logits"], dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
    )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(1).uniform(-1, 1, (5, 1, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(session.run(["logits"], {"image": images})[0], expected, rtol=1e-4, atol=1e-4)


def _zoo_file(path: Path, seed: int = 1) -> dict[str, torch.Tensor]:
    """What pytorchcv's file of a small ResNet50V2 for colour pictures would hold."""
    torch.manual_seed(seed)
    trunk = resnet50v2(channels=3, outputs=1000, **SMALL).trunk
    state = {f"features.{name}": value for name, value in trunk.state_dict().items()}
    torch.save(state | {"output.weight": torch.zeros(3)}, path)
    return state


def test_weights_of_a_file_are_taken_over_for_grey_slices(tmp_path: Path) -> None:
    path = tmp_path / "preresnet50b.pth"
    given = _zoo_file(path)
    colour = resnet50v2(channels=3, weights=path, **SMALL).eval()
    grey = resnet50v2(channels=1, weights=path, **SMALL).eval()
    assert isinstance(grey, SliceResNet) and isinstance(colour, SliceResNet) and str(path) in grey.origin
    name = "stage4.unit3.body.conv2.conv.weight"
    assert torch.equal(grey.trunk.state_dict()[name], given[f"features.{name}"])
    image = torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        expected = colour.features(image.expand(1, 3, 64, 64))
        torch.testing.assert_close(grey.features(image), expected, rtol=1e-3, atol=1e-3)


def test_weights_that_do_not_fit_are_told(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with pytest.raises(InputError, match=r"weights\.pth cannot be read as weights"):
        resnet50v2(weights=path, **SMALL)
    torch.save({"step": 3}, path)
    with pytest.raises(InputError, match="holds no weights by name"):
        resnet50v2(weights=path, **SMALL)
    _zoo_file(path)
    with pytest.raises(InputError, match=r"weights\.pth do not fit this network: \d+ missing"):
        resnet101(weights=path, **SMALL)
    with pytest.raises(InputError, match=r"0 missing, \d+ of other shape"):
        resnet50v2(weights=path, width=0.25)


def test_without_a_network_weights_are_random_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(name: str) -> Path:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(imagenet, "_downloaded", unreachable)
    network = resnet50v2(weights="imagenet", **SMALL)
    assert isinstance(network, SliceResNet)
    assert network.origin.startswith("random weights: ImageNet weights of preresnet50b could not be downloaded")
    assert "Network is unreachable" in network.origin


def test_with_a_network_weights_are_the_librarys_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def reachable(name: str) -> Path:
        asked.append(name)
        _zoo_file(tmp_path / f"{name}-0633.pth")
        return tmp_path / f"{name}-0633.pth"

    monkeypatch.setattr(imagenet, "_downloaded", reachable)
    network = resnet50v2(weights="imagenet", **SMALL)
    assert isinstance(network, SliceResNet)
    assert asked == ["preresnet50b"] and network.origin == "ImageNet weights of preresnet50b (preresnet50b-0633.pth)"
