"""Single-shot detector: class logits and box corrections for default boxes on maps of several scales.

W. Liu et al., SSD: Single Shot MultiBox Detector, ECCV 2016 (arXiv 1512.02325), with the backbones that Abdullah et al.
compare for lesions in axial CT slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from RenalAILib.default_boxes import DefaultBoxes
from RenalAILib.errors import InputError

from .ssd_backbones import STRIDES, Backbone, BackboneName

_EXTRA_FILTERS = (512, 256, 256, 128)  # of the maps that follow the backbone's; the last number repeats


def default_boxes(
    shape: Sequence[int],
    maps: int = 6,
    first_stride: int = 8,
    smallest: float = 0.04,
    largest: float = 0.6,
    ratios: Sequence[float] = (1.0, 2.0, 0.5, 3.0, 1 / 3),
    **_: Any,
) -> DefaultBoxes:
    """The default boxes of a detector with these options (others are ignored); see `SingleShotDetector`.

    Raises:
        InputError: they describe no set of default boxes.
    """
    if first_stride not in STRIDES:
        raise InputError(f"first_stride must be one of {', '.join(map(str, STRIDES))}, got {first_stride}")
    height, width = (int(edge) for edge in shape)
    strides = tuple(first_stride * 2**n for n in range(maps))
    try:
        return DefaultBoxes((height, width), strides, smallest, largest, tuple(float(ratio) for ratio in ratios))
    except ValueError as error:
        raise InputError(f"the detector's options do not fit: {error}") from error


class SingleShotDetector(nn.Module):
    """Slices ``(N, channels, height, width)`` to ``(N, default boxes, outputs + 4)``: class logits, then offsets.

    On a map of M x N cells a 3 x 3 convolution gives K * (outputs + 4) values a cell: (C + 4) K M N numbers in all.
    The order of the default boxes is that of `DefaultBoxes.boxes`; what the offsets mean is in `RenalAILib.detector`.

    Args:
        backbone: see `Backbone`.
        outputs: C, classes with background, which is class 0.
        shape: (height, width) of the slices.
        channels: the slice with its neighbours, 3; or 1.
        maps: M of all scales: the backbone's from ``first_stride`` on, then further ones by strided convolutions.
        first_stride: of the finest map: 8, 16 (as Liu's at 300 pixels, in the TensorFlow models) or 32.
        smallest, largest, ratios: of the default boxes.
        width: factor of all channel counts.
        weights: ImageNet weights of the backbone.

    Attributes:
        defaults: the default boxes.
        origin: where the backbone's weights came from, in words.

    Example:
        >>> network = SingleShotDetector("mobilenet_v1", outputs=2, shape=(64, 48), width=0.25, maps=4).eval()
        >>> network.defaults.maps
        ((8, 6), (4, 3), (2, 2), (1, 1))
        >>> network(torch.zeros(1, 3, 64, 48)).shape  # 6 boxes on each of 48 + 12 + 4 + 1 cells
        torch.Size([1, 390, 6])
    """

    def __init__(
        self,
        backbone: BackboneName,
        outputs: int,
        shape: Sequence[int],
        channels: int = 3,
        maps: int = 6,
        first_stride: int = 8,
        smallest: float = 0.04,
        largest: float = 0.6,
        ratios: Sequence[float] = (1.0, 2.0, 0.5, 3.0, 1 / 3),
        width: float = 1.0,
        weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.defaults = default_boxes(shape, maps, first_stride, smallest, largest, ratios)
        self.outputs, self.shape = outputs, self.defaults.shape
        self.skipped = STRIDES.index(first_stride)
        self.backbone = Backbone(backbone, channels, width, weights, min(self.skipped + maps, len(STRIDES)))
        self.origin = self.backbone.origin
        was_training = self.backbone.training
        with torch.no_grad():
            trial = self.backbone.eval()(torch.zeros(1, channels, 64, 64))
        self.backbone.train(was_training)
        widths = [int(one.shape[1]) for one in trial[self.skipped :]][:maps]
        self.extras = nn.ModuleList()
        for number in range(maps - len(widths)):
            filters = max(8, int(_EXTRA_FILTERS[min(number, len(_EXTRA_FILTERS) - 1)] * width))
            self.extras.append(_extra(widths[-1], filters))
            widths.append(filters)
        self.heads = nn.ModuleList(
            nn.Conv2d(filters, self.defaults.per_cell * (outputs + 4), kernel_size=3, padding=1) for filters in widths
        )

    def head_maps(self, image: Tensor) -> list[Tensor]:
        """What the head of each map gives, ``(N, K * (outputs + 4), M, N)``, finest first."""
        if tuple(image.shape[2:]) != self.shape:
            raise ValueError(f"this detector takes slices of {self.shape}, got {tuple(image.shape[2:])}")
        maps: list[Tensor] = self.backbone(image)[self.skipped :][: len(self.heads)]
        for extra in self.extras:
            maps.append(extra(maps[-1]))
        return [head(value) for head, value in zip(self.heads, maps, strict=True)]

    def forward(self, image: Tensor) -> Tensor:
        parts = [
            value.permute(0, 2, 3, 1).reshape(image.shape[0], -1, self.outputs + 4) for value in self.head_maps(image)
        ]
        return torch.cat(parts, dim=1)


def _extra(channels: int, filters: int) -> nn.Module:
    """The next coarser map: 1 x 1 to half the filters, then 3 x 3 with a stride of 2 (Liu et al. 2016, figure 2)."""
    return nn.Sequential(
        nn.Conv2d(channels, filters // 2, kernel_size=1, bias=False),
        nn.BatchNorm2d(filters // 2),
        nn.ReLU(inplace=True),
        nn.Conv2d(filters // 2, filters, kernel_size=3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(inplace=True),
    )
