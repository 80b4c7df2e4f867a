"""Slice classifiers: the ResNets of Pedersen 2020 and Bolocan 2023, their trunks as pytorchcv builds them.

ResNet50V2 is the residual network with activation before each convolution (He et al., ECCV 2016, arXiv 1603.05027),
its stride in the 3 x 3 convolution. ResNet101 and ResNet152 are those of He et al., CVPR 2016 (arXiv 1512.03385), of
104 and 155 convolutions. Pedersen's simplified head is taken as global average pooling and one linear layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from RenalAILib.errors import InputError

from .imagenet import ImageNetWeights, imagenet_weights

Architecture = Literal["resnet50v2", "resnet101", "resnet152"]


@dataclass(frozen=True)
class _Design:
    before: bool  # activation before each convolution
    blocks: int
    stride_in_first: bool
    zoo_name: str  # whose ImageNet weights fit


DESIGNS: dict[Architecture, _Design] = {
    "resnet50v2": _Design(True, 50, False, "preresnet50b"),
    "resnet101": _Design(False, 101, True, "resnet101"),
    "resnet152": _Design(False, 152, True, "resnet152"),
}


class SliceResNet(nn.Module):
    """A residual network from a slice ``(N, channels, H, W)`` to logits ``(N, outputs)``.

    Args:
        architecture: which one.
        outputs: logits; one for a yes or no.
        channels: of the input.
        width: factor of all channel counts; only 1 fits published weights.
        dropout: probability before the linear layer; neither paper names one.
        weights: a file of pytorchcv's ImageNet weights (``.pth``), ``imagenet`` to let pytorchcv download them, or
            None for random ones. Where the download fails, weights stay random and ``origin`` says so.

    Attributes:
        origin: where the weights came from, in words.

    Raises:
        InputError: a file that is missing or holds other weights; pytorchcv is not installed.
    """

    def __init__(
        self,
        architecture: Architecture,
        outputs: int = 1,
        channels: int = 1,
        width: float = 1.0,
        dropout: float = 0.0,
        weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        design = DESIGNS[architecture]
        whole = _built(design, width, channels)
        self.trunk: nn.Sequential = whole.features
        del self.trunk.final_pool  # a fixed 7 x 7 window; the mean in `forward` takes any grid
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(whole.output.in_features, outputs)
        found = imagenet_weights(weights, design.zoo_name)
        self.origin = found.origin
        if found.state is not None:
            _fill(self.trunk, found)

    def features(self, image: Tensor) -> Tensor:
        """The last feature maps ``(N, F, h, w)``; h is a thirty-second of H."""
        result: Tensor = self.trunk(image)
        return result

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.output(self.dropout(self.features(image).mean(dim=(2, 3))))
        return result


def resnet50v2(outputs: int = 1, **options: object) -> nn.Module:
    """Pedersen 2020's; see `SliceResNet`.

    Example:
        >>> sum(weight.numel() for weight in resnet50v2(channels=3, outputs=1000).parameters())
        25549480
    """
    return SliceResNet("resnet50v2", outputs, **options)  # type: ignore[arg-type]


def resnet101(outputs: int = 1, **options: object) -> nn.Module:
    """Bolocan 2023's smaller one; see `SliceResNet`."""
    return SliceResNet("resnet101", outputs, **options)  # type: ignore[arg-type]


def resnet152(outputs: int = 1, **options: object) -> nn.Module:
    """Bolocan 2023's larger one; see `SliceResNet`."""
    return SliceResNet("resnet152", outputs, **options)  # type: ignore[arg-type]


def _built(design: _Design, width: float, channels: int) -> Any:
    """The whole network of pytorchcv, which only these networks need."""
    try:
        from pytorchcv.models.preresnet import get_preresnet
        from pytorchcv.models.resnet import get_resnet
    except ImportError as problem:
        raise InputError("this network needs pytorchcv: pip install --no-deps pytorchcv") from problem
    build = get_preresnet if design.before else get_resnet
    return build(design.blocks, conv1_stride=design.stride_in_first, width_scale=width, in_channels=channels)


def _fill(trunk: nn.Sequential, found: ImageNetWeights) -> None:
    """Take over the trunk's weights. Grey slices stand for all three colours, so the first layer's are summed."""
    assert found.state is not None
    own = trunk.state_dict()
    given = {
        name.removeprefix("features."): value for name, value in found.state.items() if name.startswith("features.")
    }
    first = next(iter(own))
    if first in given and own[first].shape[1] == 1 and given[first].shape[1] == 3:
        given[first] = given[first].sum(dim=1, keepdim=True)
    missing = [name for name in own if name not in given and not name.endswith("num_batches_tracked")]
    other = [name for name in own if name in given and given[name].shape != own[name].shape]
    if missing or other:
        raise found.misfit(f"{len(missing)} missing, {len(other)} of other shape (first: {(missing + other)[0]})")
    with torch.no_grad():
        trunk.load_state_dict({name: given[name] for name in own if name in given}, strict=False)
