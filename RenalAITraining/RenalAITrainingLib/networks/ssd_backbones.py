"""Backbones of the single-shot detectors: pytorchcv's trunks, cut where their maps halve.

MobileNetV1 (Howard et al. 2017, arXiv 1704.04861), MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381), Inception V2
(the batch-normalised Inception of Ioffe and Szegedy 2015, arXiv 1502.03167), ResNet-50 and -101 (He et al. 2016, arXiv
1512.03385). Every stage makes ``ceil(n / 2)`` cells of ``n``, so that any size of slice fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch.nn.functional as F
from pytorchcv.models.bninception import bninception
from pytorchcv.models.mobilenet import get_mobilenet
from pytorchcv.models.mobilenetv2 import get_mobilenetv2
from pytorchcv.models.resnet import get_resnet
from torch import Tensor, nn

from RenalAILib.errors import InputError

from .imagenet import imagenet_weights

BackboneName = Literal["mobilenet_v1", "mobilenet_v2", "inception_v2", "resnet50", "resnet101"]
STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class _Design:
    build: Callable[[float, int], nn.Module]
    taps: tuple[str, str, str]  # the children whose outputs have the strides 8, 16, 32
    zoo_name: str  # whose ImageNet weights fit at width 1


def _inception(width: float, channels: int) -> nn.Module:
    if width != 1:
        raise InputError("Inception V2 is built at its own width only; leave out the option width")
    whole: nn.Module = bninception(in_channels=channels)
    return whole


DESIGNS: dict[BackboneName, _Design] = {
    "mobilenet_v1": _Design(
        lambda width, channels: get_mobilenet(width_scale=width, in_channels=channels),
        ("stage3", "stage4", "stage5"),
        "mobilenet_w1",
    ),
    "mobilenet_v2": _Design(
        lambda width, channels: get_mobilenetv2(width_scale=width, remove_exp_conv=True, in_channels=channels),
        ("stage3", "stage4", "final_block"),
        "mobilenetv2b_w1",
    ),
    "inception_v2": _Design(_inception, ("stage1", "stage2", "stage3"), "bninception"),
    "resnet50": _Design(
        lambda width, channels: get_resnet(50, width_scale=width, in_channels=channels),
        ("stage2", "stage3", "stage4"),
        "resnet50",
    ),
    "resnet101": _Design(
        lambda width, channels: get_resnet(101, width_scale=width, in_channels=channels),
        ("stage2", "stage3", "stage4"),
        "resnet101",
    ),
}


class Backbone(nn.Module):
    """Slices ``(N, channels, H, W)`` to the maps of strides 8, 16 and 32.

    Args:
        name: which one.
        channels: of the input; 3 for ImageNet weights.
        width: factor of all channel counts; only 1 fits published weights.
        weights: a file of pytorchcv's ImageNet weights (``.pth``), ``imagenet`` to let pytorchcv download them, or
            None for random ones. Where the download fails, weights stay random and ``origin`` says so.
        maps: how many of the three are wanted, finest first; the trunk ends at the last.

    Attributes:
        origin: where the weights came from, in words.

    Raises:
        InputError: an unknown name, or a weights file that is missing or holds other weights.
    """

    def __init__(
        self,
        name: BackboneName,
        channels: int = 3,
        width: float = 1.0,
        weights: str | Path | None = None,
        maps: int = 3,
    ) -> None:
        super().__init__()
        if name not in DESIGNS:
            raise InputError(f"no backbone is called {name!r}; there are {', '.join(DESIGNS)}")
        design = DESIGNS[name]
        trunk = design.build(width, channels).get_submodule("features")
        found = imagenet_weights(weights, design.zoo_name)
        self.origin = found.origin
        if found.state is not None:
            own = {key.removeprefix("features."): value for key, value in found.state.items()}
            fitting = {key: own.get(key) for key in trunk.state_dict()}
            wrong = [
                key for key, value in fitting.items() if value is None or value.shape != trunk.state_dict()[key].shape
            ]
            if wrong:
                raise found.misfit(f"{len(wrong)} tensors are missing or of other shape, first {wrong[0]}")
            trunk.load_state_dict({key: value for key, value in fitting.items() if value is not None})
        del trunk.final_pool  # a fixed 7 x 7 window, for classification
        _accept_any_size(trunk)
        self.trunk, self.taps = trunk, design.taps[:maps]
        stages = [stage for stage, _ in trunk.named_children()]
        for stage in stages[stages.index(self.taps[-1]) + 1 :]:
            delattr(trunk, stage)  # nothing looks at it

    def forward(self, image: Tensor) -> list[Tensor]:
        """The maps, finest first."""
        maps, value = [], image
        for name, stage in self.trunk.named_children():
            value = stage(value)
            if name in self.taps:
                maps.append(value)
        return maps


class SamePool(nn.Module):
    """3 x 3 maximum with a stride of 2 that makes ``ceil(n / 2)`` of ``n``, as TensorFlow's SAME does.

    Caffe's rule, in pytorchcv's Inception V2, does so only where n is even; on others its branches do not fit together.
    """

    def forward(self, value: Tensor) -> Tensor:
        odd = (int(value.shape[2]) % 2, int(value.shape[3]) % 2)
        return F.max_pool2d(value, 3, stride=2, padding=odd, ceil_mode=True)


def _accept_any_size(trunk: nn.Module) -> None:
    for parent in list(trunk.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.MaxPool2d) and child.ceil_mode and _pair(child.stride) == (2, 2):
                setattr(parent, name, SamePool())


def _pair(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)
