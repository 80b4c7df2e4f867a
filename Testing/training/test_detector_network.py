"""The single-shot detectors: five backbones, (C + 4) K M N outputs, ONNX, weights, and their loss."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from RenalAILib.detector.coding import read_output, targets
from RenalAILib.errors import InputError
from RenalAITrainingLib.networks.ssd import SingleShotDetector
from RenalAITrainingLib.networks.ssd_backbones import DESIGNS, Backbone
from RenalAITrainingLib.training.multibox_loss import multibox_loss

# Convolutions of the trunks in their papers: 1 + 13 pairs; 1 + 17 bottlenecks (51 less one without expansion) + 1;
# 49 and 100 with the 4 of the shortcuts; Inception V2: 3 of the stem, 7 in each of 8 blocks, 5 in each of 2 reductions.
CONVOLUTIONS = {"mobilenet_v1": 27, "mobilenet_v2": 52, "inception_v2": 69, "resnet50": 53, "resnet101": 104}


@pytest.mark.parametrize("backbone", DESIGNS)
def test_each_backbone_gives_c_plus_4_times_k_m_n_numbers_a_map(backbone: str) -> None:
    shape = (75, 50)  # odd on the way down, as 430 x 418 is
    network = SingleShotDetector(backbone, outputs=3, shape=shape).eval()  # type: ignore[arg-type]
    assert sum(isinstance(part, nn.Conv2d) for part in network.backbone.modules()) == CONVOLUTIONS[backbone]
    image = torch.zeros(2, 3, *shape)
    with torch.inference_mode():
        maps, output = network.head_maps(image), network(image)
    per_cell = network.defaults.per_cell
    assert network.defaults.maps[:3] == ((10, 7), (5, 4), (3, 2))
    for (down, across), value in zip(network.defaults.maps, maps, strict=True):
        assert value.shape == (2, (3 + 4) * per_cell, down, across)
    assert output.shape == (2, len(network.defaults.boxes), 3 + 4)
    # The order of the boxes is that of the maps: cell (1, 2) of the first map, its box 4.
    cell = (1 * network.defaults.maps[0][1] + 2) * per_cell + 4
    assert torch.equal(output[0, cell], maps[0][0, 4 * 7 : 5 * 7, 1, 2])


@pytest.mark.parametrize("backbone", DESIGNS)
def test_each_backbone_runs_alike_as_onnx(backbone: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = SingleShotDetector(backbone, outputs=2, shape=(45, 61), maps=4).eval()  # type: ignore[arg-type]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 45, 61),),
            str(tmp_path / "ssd.onnx"),
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
        )
    session = onnxruntime.InferenceSession(str(tmp_path / "ssd.onnx"), providers=["CPUExecutionProvider"])
    images = torch.randn(3, 3, 45, 61)
    with torch.inference_mode():
        expected = network(images).numpy()
    got = session.run(None, {"image": images.numpy()})[0]
    assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()


def test_the_paper_size_gives_the_maps_of_its_strides() -> None:
    network = SingleShotDetector("mobilenet_v1", outputs=2, shape=(430, 418), width=0.25)
    assert network.defaults.maps == ((54, 53), (27, 27), (14, 14), (7, 7), (4, 4), (2, 2))
    from_16 = SingleShotDetector("mobilenet_v1", outputs=2, shape=(430, 418), width=0.25, first_stride=16)
    assert from_16.defaults.maps[0] == (27, 27)
    with torch.inference_mode():
        assert from_16.eval()(torch.zeros(1, 3, 430, 418)).shape == (1, len(from_16.defaults.boxes), 6)


def test_weights_come_from_a_file_or_are_random_and_said_to_be(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = Backbone("mobilenet_v1", width=0.25)
    assert source.origin == "random weights"
    path = tmp_path / "imagenet.pth"
    torch.save({f"features.{name}": value for name, value in source.trunk.state_dict().items()}, path)
    taken = Backbone("mobilenet_v1", width=0.25, weights=path)
    assert taken.origin == f"weights of {path}"
    for name, value in source.state_dict().items():
        assert torch.equal(value, taken.state_dict()[name])
    with pytest.raises(InputError, match="do not fit"):
        Backbone("mobilenet_v1", width=0.5, weights=path)
    with pytest.raises(InputError, match=r"absent\.pth"):
        Backbone("mobilenet_v1", weights=tmp_path / "absent.pth")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"backbone": "vgg16"}, "no backbone"),
        ({"first_stride": 4}, "first_stride"),
        ({"smallest": 0.7}, "do not fit"),
        ({"backbone": "inception_v2", "width": 0.5}, "width"),
    ],
)
def test_unfit_options_are_refused_in_a_sentence(options: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        SingleShotDetector(**{"backbone": "mobilenet_v1", "outputs": 2, "shape": (64, 64)} | options)  # type: ignore[arg-type]


def test_the_loss_by_hand() -> None:
    output, target = torch.zeros(1, 10, 6), torch.zeros(1, 10, 5)
    target[0, 0] = torch.tensor([1.0, 0.5, 0, 0, 2.0])
    output[0, 1:5, 1] = torch.tensor([9.0, 8.0, 7.0, -9.0])  # four false alarms, the last harmless
    got = float(multibox_loss(output, target, negatives=3, negatives_of_empty=0))
    entropy = np.log(2) + sum(np.log1p(np.exp(wrong)) for wrong in (9.0, 8.0, 7.0))
    assert got == pytest.approx(entropy + 0.5 * 0.5**2 + (2 - 0.5), rel=1e-4)


def test_an_empty_slice_still_teaches_its_hardest_background() -> None:
    output = torch.zeros(1, 50, 6, requires_grad=True)
    loss = multibox_loss(output, torch.zeros(1, 50, 5), negatives_of_empty=16)
    loss.backward()
    assert loss.item() == pytest.approx(16 * np.log(2), rel=1e-4)
    assert output.grad is not None
    assert int((output.grad[0, :, 1] > 0).sum()) == 16


def test_a_detector_learns_one_slice_by_heart() -> None:
    torch.manual_seed(0)
    network = SingleShotDetector("mobilenet_v1", outputs=2, shape=(64, 64), width=0.25, maps=3, smallest=0.15)
    truth = np.array([[0.2, 0.1, 0.45, 0.35], [0.55, 0.6, 0.7, 0.75]])
    image = torch.zeros(1, 3, 64, 64)
    for top, left, bottom, right in (truth * 64).round().astype(int):
        image[0, :, top:bottom, left:right] = 1.0
    target = torch.from_numpy(targets(truth, np.ones(2, int), network.defaults.boxes))[None]
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    begin = multibox_loss(network(image), target).item()
    for _ in range(60):
        optimiser.zero_grad()
        loss = multibox_loss(network(image), target)
        loss.backward()
        optimiser.step()
    assert loss.item() < begin / 10
    with torch.inference_mode():
        found = read_output(network(image)[0].numpy(), network.defaults.boxes, score_above=0.5)
    assert len(found.boxes) == 2
    assert np.abs(np.sort(found.boxes, axis=0) - np.sort(truth, axis=0)).max() < 0.05
