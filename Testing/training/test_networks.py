"""Networks: shapes, MedicalNet's weights, and what cannot be built."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from RenalAILib.errors import InputError
from RenalAITrainingLib import networks
from RenalAITrainingLib.networks.resnet import ClassifierResNet


def test_shapes() -> None:
    with torch.inference_mode():
        assert networks.build("unet", outputs=2)(torch.zeros(2, 1, 32, 16, 48)).shape == (2, 2, 32, 16, 48)
        for activation in ("prelu", "leaky_relu"):
            wide = networks.build("unet", outputs=2, features=6, residual_units=0, activation=activation)
            assert wide(torch.zeros(1, 1, 32, 16, 16)).shape == (1, 2, 32, 16, 16)
        classifier = networks.build("resnet10", filters=[8, 8, 16, 24])
        assert isinstance(classifier, ClassifierResNet)
        assert classifier.features(torch.zeros(2, 2, 64, 64, 64)).shape == (2, 24, 8, 8, 8)
        assert classifier.hidden.out_features == 128 and classifier.dropout.p == 0.1
        assert classifier(torch.zeros(2, 2, 64, 64, 64)).shape == (2, 3)


def test_leaky_relu_has_no_weights_of_its_own() -> None:
    names = [name for name, _ in networks.build("unet", activation="leaky_relu").named_parameters()]
    assert not [name for name in names if name.endswith("adn.A.weight")]
    with pytest.raises(InputError, match="does not take these options: 'gelu'"):
        networks.build("unet", activation="gelu")


def test_a_field_of_view_does_not_change_what_is_far_inside() -> None:
    """BatchNorm at work is a constant: zeros around the image change only what sees them."""
    torch.manual_seed(0)
    network = networks.build("unet", filters=[4, 8], residual_units=1).eval()
    image = torch.rand(1, 1, 32, 32, 32)
    with torch.inference_mode():
        alone, padded = network(image), network(torch.nn.functional.pad(image, [0, 32] * 3))
    torch.testing.assert_close(alone[..., :16, :16, :16], padded[..., :16, :16, :16])


def _medicalnet(filters: list[int]) -> dict[str, dict[str, torch.Tensor]]:
    """What MedicalNet's file holds: one input channel, names with the prefix of DataParallel."""
    torch.manual_seed(1)
    trunk = ClassifierResNet(channels=1, filters=filters).trunk
    return {"state_dict": {f"module.{name}": value for name, value in trunk.state_dict().items()}}


def test_medicalnet_weights_are_taken_over(tmp_path: Path) -> None:
    content = _medicalnet([8, 16, 16, 24])
    torch.save(content, tmp_path / "resnet_10.pth")
    classifier = networks.build("resnet10", filters=[8, 16, 16, 24], weights=tmp_path / "resnet_10.pth")
    assert isinstance(classifier, ClassifierResNet)
    given, own = content["state_dict"], classifier.trunk.state_dict()
    assert torch.equal(own["layer4.0.conv2.weight"], given["module.layer4.0.conv2.weight"])
    assert torch.equal(own["conv1.weight"][:, :1], given["module.conv1.weight"])
    assert float(own["conv1.weight"][:, 1:].abs().max()) == 0


def test_weights_that_do_not_fit_are_told(tmp_path: Path) -> None:
    path = tmp_path / "resnet_10.pth"
    with pytest.raises(InputError, match="cannot be read as a MedicalNet checkpoint"):
        networks.build("resnet10", weights=path)
    torch.save(_medicalnet([8, 16, 16, 24]), path)
    with pytest.raises(InputError, match="does not fit ResNet-10 of this width"):
        networks.build("resnet10", filters=[8, 16, 16, 32], weights=path)
    torch.save({"state_dict": {"fc.weight": torch.zeros(3)}}, path)
    with pytest.raises(InputError, match=r"does not fit .* missing"):
        networks.build("resnet10", filters=[8, 16, 16, 24], weights=path)


def test_medicalnet_is_downloaded_by_monai_or_training_begins_with_random_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"filters": [8, 16, 16, 24], "weights": "medicalnet"}
    content = _medicalnet([8, 16, 16, 24])["state_dict"]
    monkeypatch.setattr("monai.networks.nets.resnet.get_pretrained_resnet_medicalnet", lambda depth: content)
    network = networks.build("resnet10", **options)
    assert torch.equal(network.trunk.layer1[0].conv1.weight, content["module.layer1.0.conv1.weight"])
    assert "MedicalNet-Resnet10" in network.origin

    def offline(depth: int) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("monai.networks.nets.resnet.get_pretrained_resnet_medicalnet", offline)
    random = networks.build("resnet10", **options)
    assert random.origin == "random weights: those of MedicalNet could not be downloaded (no route to host)"
