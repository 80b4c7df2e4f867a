"""Blocks of the 2-D segmentation networks: convolution, batch norm, activation, in that order."""

from __future__ import annotations

from torch import nn

SLOPE = 0.01


def convolution(inputs: int, outputs: int, *, leaky: bool = False, active: bool = True) -> nn.Sequential:
    """A 3 x 3 convolution that keeps the grid, with batch norm and (leaky) ReLU."""
    parts: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)]
    if active:
        parts.append(nn.LeakyReLU(SLOPE, inplace=True) if leaky else nn.ReLU(inplace=True))
    return nn.Sequential(*parts)


def convolutions(network: nn.Module) -> int:
    """How many convolutions a network has, transposed ones included.

    Example:
        >>> convolutions(convolution(1, 2))
        1
    """
    return sum(isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Conv3d)) for module in network.modules())
