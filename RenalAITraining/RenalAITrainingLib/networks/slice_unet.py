"""The 2-D U-Net of DeepHealth (Bolocan 2023): 23 convolutions in convolution, encoding and decoding blocks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .slice_blocks import convolution


class SliceUNet(nn.Module):
    """Ronneberger's U-Net with padding and batch norm, from ``(N, 1, H, W)`` to logits ``(N, outputs, H, W)``.

    Two convolutions a level going down (encoding blocks, each after a maximum pooling), two at the bottom, and going up
    a 2 x 2 convolution after doubling, the concatenation and two more (decoding blocks); a 1 x 1 convolution at the
    end: 10 + 4 * 3 + 1 = 23 with five levels. As the library of the paper (deephealthproject/use-case-pipelines,
    ``UNetWithPaddingBN``), with the paper's leaky ReLU in place of its ReLU. The sigmoid is left to loss and engine.

    Args:
        outputs: logit channels.
        filters: per level, from fine to coarse. Rows and columns must be divisible by ``2**(len(filters) - 1)``.
    """

    def __init__(self, outputs: int = 1, filters: Sequence[int] = (64, 128, 256, 512, 1024)) -> None:
        super().__init__()
        self.down = nn.ModuleList(_ConvolutionBlock(inputs, width) for inputs, width in pairwise([1, *filters]))
        self.up = nn.ModuleList(_DecodingBlock(coarse, fine) for fine, coarse in pairwise(filters))
        self.end = nn.Conv2d(filters[0], outputs, 1)

    def forward(self, image: Tensor) -> Tensor:
        levels = [self.down[0](image)]
        for block in self.down[1:]:
            levels.append(block(F.max_pool2d(levels[-1], 2)))
        maps = levels.pop()
        for block in reversed(self.up):
            maps = block(maps, levels.pop())
        result: Tensor = self.end(maps)
        return result


class _ConvolutionBlock(nn.Sequential):
    """Two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(convolution(inputs, outputs, leaky=True), convolution(outputs, outputs, leaky=True))


class _DecodingBlock(nn.Module):
    """Twice the grid, half the channels, the encoder's maps beside them, two convolutions."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(coarse, fine, 2, bias=False)
        self.norm = nn.BatchNorm2d(fine)
        self.both = _ConvolutionBlock(2 * fine, fine)

    def forward(self, maps: Tensor, beside: Tensor) -> Tensor:
        doubled = F.pad(F.interpolate(maps, scale_factor=2.0, mode="nearest"), (0, 1, 0, 1))
        result: Tensor = self.both(torch.cat([beside, self.norm(self.narrow(doubled))], dim=1))
        return result
