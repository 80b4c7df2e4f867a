"""EfficientNet U-Nets (Allaoui and Zetout 2020): an EfficientNet-B0 going down, a U-Net's decoder going up.

In 2-D slice by slice; in 3-D asymmetric: convolutions between slices shrink the depth to the three channels of the 2-D
encoder, and convolutions in 3-D bring the depth back behind the 2-D decoder. The trunk is pytorchcv's, of Tan and Le
(ICML 2019, arXiv 1905.11946).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from RenalAILib.errors import InputError

from .imagenet import ImageNetWeights, imagenet_weights
from .slice_blocks import convolution

LEVELS = (16, 24, 40, 112, 320)
"""Channels of the trunk's maps at a half, a fourth, ... a thirty-second of the grid."""
ZOO_NAME = "efficientnet_b0"
_GROUPS = 4


class EfficientNetEncoder(nn.Module):
    """The trunk of EfficientNet-B0 without its head, from ``(N, 3, H, W)`` to the maps of `LEVELS`.

    Args:
        weights: see `imagenet.imagenet_weights`.

    Attributes:
        origin: where the weights came from, in words.
    """

    def __init__(self, weights: str | Path | None = None) -> None:
        super().__init__()
        features = _b0().features
        del features.final_block, features.final_pool  # they serve the classifier
        self.trunk: nn.Sequential = features
        found = imagenet_weights(weights, ZOO_NAME)
        self.origin = found.origin
        if found.state is not None:
            _fill(self.trunk, found)

    def forward(self, image: Tensor) -> list[Tensor]:
        maps, levels = image, []
        for name, stage in self.trunk.named_children():
            maps = stage(maps)
            if name != "init_block":
                levels.append(maps)
        return levels


class UNetDecoder(nn.Module):
    """From the coarsest maps to the whole grid: doubling, the encoder's maps beside, two convolutions a level.

    Args:
        levels: channels of the encoder's maps, from fine to coarse.
        widths: channels after each doubling, from coarse to fine; one more than there are skips.
    """

    def __init__(self, levels: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        beside = [*reversed(levels[:-1]), 0]
        inputs = [levels[-1], *widths[:-1]]
        self.blocks = nn.ModuleList(
            nn.Sequential(convolution(before + skip, width), convolution(width, width))
            for before, skip, width in zip(inputs, beside, widths, strict=True)
        )

    def forward(self, levels: list[Tensor]) -> Tensor:
        maps, *skips = reversed(levels)
        for number, block in enumerate(self.blocks):
            maps = F.interpolate(maps, scale_factor=2.0, mode="nearest")
            maps = block(torch.cat([maps, skips[number]], dim=1) if number < len(skips) else maps)
        return maps


class EfficientNetUNet(nn.Module):
    """The 2-D one, from a slice ``(N, 1, H, W)`` to logits ``(N, outputs, H, W)``; H and W divisible by 32.

    The slice goes into all three channels of the encoder, so that ImageNet weights fit.

    Args:
        outputs: logit channels.
        widths: of the decoder, from coarse to fine.
        weights: of the encoder, see `imagenet.imagenet_weights`.
    """

    def __init__(
        self,
        outputs: int = 1,
        widths: Sequence[int] = (256, 128, 64, 32, 16),
        weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        self.encoder = EfficientNetEncoder(weights)
        self.decoder = UNetDecoder(LEVELS, widths)
        self.end = nn.Conv2d(widths[-1], outputs, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.end(self.decoder(self.encoder(torch.cat([image] * 3, dim=1))))
        return result


class AsymmetricEfficientNetUNet(nn.Module):
    """The 3-D one, from ``(N, 1, D, H, W)`` to logits ``(N, outputs, D, H, W)``.

    D is three times the product of ``shrink`` (108 with the default, the depth of the crops of 192 x 160 x 108), H and
    W are divisible by 32.

    Args:
        outputs: logit channels.
        shrink: by what each inter-slice block divides the depth.
        between: channels of the inter-slice blocks, going down and, after the 2-D decoder, going up.
        widths: of the 2-D decoder, from coarse to fine.
        weights: of the encoder, see `imagenet.imagenet_weights`.
    """

    def __init__(
        self,
        outputs: int = 1,
        shrink: Sequence[int] = (3, 3, 4),
        between: Sequence[int] = (8, 8, 8),
        widths: Sequence[int] = (256, 128, 64, 32, 16),
        weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        if len(shrink) != len(between) or any(width % _GROUPS for width in between):
            raise InputError(f"each inter-slice block needs a multiple of {_GROUPS} channels, got {list(between)}")
        self.shrink = tuple(shrink)
        self.depth = 3
        for factor in shrink:
            self.depth *= factor
        self.start = _volume_convolution(1, between[0])
        self.squeeze = nn.ModuleList(
            _inter_slice(before, after, factor)
            for (before, after), factor in zip(pairwise([between[0], *between]), shrink, strict=True)
        )
        self.to_slices = nn.Conv3d(between[-1], 1, 1)
        self.encoder = EfficientNetEncoder(weights)
        self.decoder = UNetDecoder(LEVELS, widths)
        self.from_slices = nn.Conv2d(widths[-1], 3 * between[-1], 1)
        back = [*reversed(between)]
        beside = [*reversed([between[0], *between[:-1]])]
        self.stretch = nn.ModuleList(
            _volume_convolution(before + skip, after)
            for before, skip, after in zip(back, beside, [*back[1:], back[-1]], strict=True)
        )
        self.end = nn.Conv3d(back[-1], outputs, 1)

    def forward(self, image: Tensor) -> Tensor:
        skips = [self.start(image)]
        for block in self.squeeze:
            skips.append(block(skips[-1]))
        slices = self.to_slices(skips.pop())[:, 0]
        flat = self.from_slices(self.decoder(self.encoder(slices)))
        maps = flat.unflatten(1, (-1, 3))
        for factor, block in zip(reversed(self.shrink), self.stretch, strict=True):
            thick = F.interpolate(maps, scale_factor=(float(factor), 1.0, 1.0), mode="nearest")
            maps = block(torch.cat([thick, skips.pop()], dim=1))
        result: Tensor = self.end(maps)
        return result


def _inter_slice(inputs: int, outputs: int, factor: int) -> nn.Sequential:
    """A convolution across slices that divides their number by ``factor``, with group norm."""
    across = nn.Conv3d(inputs, outputs, (factor, 1, 1), stride=(factor, 1, 1), bias=False)
    return nn.Sequential(across, nn.GroupNorm(_GROUPS, outputs), nn.ReLU(inplace=True))


def _volume_convolution(inputs: int, outputs: int) -> nn.Sequential:
    """A 3 x 3 x 3 convolution that keeps the grid, with group norm."""
    across = nn.Conv3d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(across, nn.GroupNorm(_GROUPS, outputs), nn.ReLU(inplace=True))


def _b0() -> Any:
    """EfficientNet-B0 of pytorchcv, which only these networks need."""
    try:
        from pytorchcv.models.efficientnet import efficientnet_b0
    except ImportError as error:
        raise InputError("this network needs pytorchcv: pip install --no-deps pytorchcv") from error
    return efficientnet_b0()


def _fill(trunk: nn.Sequential, found: ImageNetWeights) -> None:
    assert found.state is not None, "asked for only where there are weights"
    given = {name.removeprefix("features."): value for name, value in found.state.items()}
    own = trunk.state_dict()
    missing = [name for name, value in own.items() if name not in given or given[name].shape != value.shape]
    if missing:
        raise found.misfit(f"{len(missing)} tensors are missing or of another shape, {missing[0]} first")
    trunk.load_state_dict({name: given[name] for name in own})
