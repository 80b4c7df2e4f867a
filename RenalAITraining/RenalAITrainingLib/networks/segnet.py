"""SegNet and NablaNet, the rivals that Bolocan 2023 compares its U-Net with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .slice_blocks import convolution

VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class SegNet(nn.Module):
    """SegNet (Badrinarayanan 2017) as in the paper's library (``SegNetBN``): VGG-16 down, the same up, no skips.

    26 convolutions. Going up the library doubles the maps instead of unpooling them by remembered indices, and so does
    this. From ``(N, 1, H, W)`` to logits ``(N, outputs, H, W)``; rows and columns divisible by 32 at the full depth.

    Args:
        outputs: logit channels.
        filters: of the convolutions of each level, from fine to coarse.
    """

    def __init__(self, outputs: int = 1, filters: Sequence[Sequence[int]] = VGG16) -> None:
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        last = 1
        for level in filters:
            self.down.append(_chain(last, level))
            last = level[-1]
        below = [filters[0][0], *[level[-1] for level in filters[:-1]]]  # what each level hands to the finer one
        for level, narrow in zip(reversed(filters), reversed(below), strict=True):
            self.up.append(_chain(last, [*level[:-1], narrow]))
            last = narrow
        finest = self.up[-1]
        assert isinstance(finest, nn.Sequential)
        self.up[-1] = finest[:-1]  # the finest level's last convolution makes the logits
        self.end = nn.Conv2d(last, outputs, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        maps = image
        for block in self.down:
            maps = F.max_pool2d(block(maps), 2)
        for block in self.up:
            maps = block(F.interpolate(maps, scale_factor=2.0, mode="nearest"))
        result: Tensor = self.end(maps)
        return result


class NablaNet(nn.Module):
    """NablaNet as in the paper's library (``Nabla``): one width all the way, one skip at the end.

    17 convolutions: 8 down with ReLU, 6 up without, 2 after the first level's maps were put beside them, 1 at the end.
    From ``(N, 1, H, W)`` to logits ``(N, outputs, H, W)``; rows and columns divisible by 8.

    Args:
        outputs: logit channels.
        width: channels of every level.
    """

    def __init__(self, outputs: int = 1, width: int = 64) -> None:
        super().__init__()
        self.down = nn.ModuleList(_chain(1 if level == 0 else width, [width, width]) for level in range(4))
        self.up = nn.ModuleList(_chain(width, [width, width], active=False) for _ in range(3))
        self.merge = _chain(2 * width, [width, width])
        self.end = nn.Conv2d(width, outputs, 1)

    def forward(self, image: Tensor) -> Tensor:
        first = maps = self.down[0](image)
        for block in self.down[1:]:
            maps = block(F.max_pool2d(maps, 2))
        for block in self.up:
            maps = F.interpolate(block(maps), scale_factor=2.0, mode="nearest")
        result: Tensor = self.end(self.merge(torch.cat([first, maps], dim=1)))
        return result


def _chain(inputs: int, widths: Sequence[int], active: bool = True) -> nn.Sequential:
    """Convolutions one after the other."""
    pairs = pairwise([inputs, *widths])
    return nn.Sequential(*(convolution(before, after, active=active) for before, after in pairs))
