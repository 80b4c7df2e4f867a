"""The mass classifier: ResNet-10 in 3-D as MedicalNet builds it, with a hidden layer and its last feature maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn

from RenalAILib.errors import InputError

MEDICALNET = "medicalnet"


class ClassifierResNet(nn.Module):
    """ResNet-10 (MONAI's blocks), two input channels, global average pooling, one hidden layer, class logits.

    As in MedicalNet (Chen et al. 2019, arXiv 1904.00625) the third and fourth stage keep the grid of the second and
    dilate instead, so the last feature maps have an eighth of the input's resolution: fine enough for Grad-CAM.

    Args:
        outputs: number of classes.
        channels: of the input (image, mask).
        filters: of the four stages; (64, 128, 256, 512) is ResNet-10's own width, which MedicalNet's weights need.
        stem: kernel of the first convolution, 7 in MedicalNet.
        hidden: units of the hidden layer (Zhao 2023: 128).
        dropout: probability before and after the hidden layer (Zhao 2023: 0.1).
        weights: a MedicalNet checkpoint (``resnet_10.pth``), or `MEDICALNET` to let MONAI download it where there is a
            network and the package huggingface_hub; its single input channel goes to the image channel. None for
            random weights, which those are too that could not be downloaded.

    Attributes:
        origin: where the weights came from, in words.
    """

    def __init__(
        self,
        outputs: int = 3,
        channels: int = 2,
        filters: Sequence[int] = (64, 128, 256, 512),
        stem: int = 7,
        hidden: int = 128,
        dropout: float = 0.1,
        weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.trunk = ResNet(
            block="basic",
            layers=[1, 1, 1, 1],
            block_inplanes=list(filters),
            n_input_channels=channels,
            conv1_t_size=stem,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        )
        _dilate(self.trunk.layer3, 2)
        _dilate(self.trunk.layer4, 4)
        self.hidden = nn.Linear(filters[-1], hidden)
        self.output = nn.Linear(hidden, outputs)
        self.dropout = nn.Dropout(dropout)
        self.origin = "random weights"
        if weights is not None and str(weights) != MEDICALNET:
            load_medicalnet(self.trunk, Path(weights))
            self.origin = f"weights of {weights}"
        elif weights is not None:
            state, self.origin = _downloaded()
            if state is not None:
                take_over(self.trunk, state, self.origin)

    def features(self, image: Tensor) -> Tensor:
        """The last feature maps ``(N, F, d, h, w)`` of ``(N, channels, D, H, W)``; d is an eighth of D."""
        trunk = self.trunk
        maps = trunk.maxpool(trunk.act(trunk.bn1(trunk.conv1(image))))
        result: Tensor = trunk.layer4(trunk.layer3(trunk.layer2(trunk.layer1(maps))))
        return result

    def head(self, features: Tensor) -> Tensor:
        """Logits ``(N, outputs)`` of feature maps: output(ReLU(hidden(mean)))."""
        mean = self.dropout(features.mean(dim=(2, 3, 4)))
        result: Tensor = self.output(self.dropout(torch.relu(self.hidden(mean))))
        return result

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image))


def load_medicalnet(trunk: ResNet, path: Path) -> None:
    """Fill the trunk from a MedicalNet checkpoint; the other input channels start at zero.

    Raises:
        InputError: the file is missing, is no checkpoint, or belongs to another architecture.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        given = dict(content.get("state_dict", content).items())
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        raise InputError(f"{path} cannot be read as a MedicalNet checkpoint ({error})") from error
    take_over(trunk, given, str(path))


def take_over(trunk: ResNet, state: Mapping[str, Tensor], where: str) -> None:
    """The same from tensors by MedicalNet's names. Raises InputError that names ``where`` they come from."""
    given = {name.removeprefix("module."): value for name, value in state.items()}
    own = trunk.state_dict()
    shared = {name: value for name, value in given.items() if name in own}
    image = shared.get("conv1.weight")
    if image is not None and image.shape[1] == 1:
        shared["conv1.weight"] = torch.zeros_like(own["conv1.weight"])
        shared["conv1.weight"][:, :1] = image
    missing = [name for name in own if name not in shared and not name.endswith("num_batches_tracked")]
    other = [name for name, value in shared.items() if value.shape != own[name].shape]
    if missing or other:
        raise InputError(
            f"{where} does not fit ResNet-10 of this width: {len(missing)} missing, {len(other)} of other shape"
            f" (first: {(missing + other)[0]})"
        )
    trunk.load_state_dict(shared, strict=False)


def _downloaded() -> tuple[Mapping[str, Tensor] | None, str]:
    """MedicalNet's ResNet-10 by MONAI's own call, and what it is in words; None where it cannot be had."""
    from monai.networks.nets.resnet import get_pretrained_resnet_medicalnet

    try:
        return get_pretrained_resnet_medicalnet(10), "MedicalNet's weights (TencentMedicalNet/MedicalNet-Resnet10)"
    except Exception as error:  # a network, or a package that is not there, fails in many ways
        why = " ".join(str(error).split()) or type(error).__name__
        return None, f"random weights: those of MedicalNet could not be downloaded ({why})"


def _dilate(stage: nn.Module, rate: int) -> None:
    """Turn a stage's stride into dilation; its weights keep their shapes."""
    for module in stage.modules():
        if isinstance(module, nn.Conv3d):
            module.stride = (1, 1, 1)
            if module.kernel_size == (3, 3, 3):
                module.dilation = module.padding = (rate, rate, rate)
