"""The residual encoder-decoder of the KiTS23 winner, from MONAI, with supervision of its coarser levels.

Myronenko A, Yang D, He Y, Xu D. Automated 3D segmentation of kidneys and tumors in MICCAI KiTS 2023 challenge. arXiv
2310.04110; the network: Myronenko A. 3D MRI brain tumor segmentation using autoencoder regularization. arXiv
1810.11654.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from monai.networks.nets.segresnet_ds import SegResNetDS
from torch import nn

NORMS: dict[str, tuple[Any, ...] | str] = {"batch": "batch", "instance": ("instance", {"affine": True})}


def segresnet(
    outputs: int = 1,
    filters: int = 32,
    blocks: Sequence[int] = (1, 2, 2, 4, 4),
    supervised: int = 3,
    norm: Literal["batch", "instance"] = "instance",
) -> nn.Module:
    """A residual network of one input channel, halving the grid once per entry of ``blocks`` after the first.

    Args:
        outputs: logit channels.
        filters: at full resolution; each level below has twice as many.
        blocks: residual blocks of each level of the encoder. Every axis of the input must be divisible by
            ``2**(len(blocks)-1)``.
        supervised: levels that give logits in training, the finest first; at work only that one is computed.
        norm: ``instance`` for samples of one field of view (a kidney's box), as its authors have it; ``batch`` where
            the field of view varies: it is a constant factor at work, see `kidney_unet`.

    Returns:
        A module from ``(N, 1, D, H, W)`` to logits ``(N, outputs, D, H, W)``; in training to a list of them, each half
        as fine as the one before.

    Raises:
        KeyError: a norm that is neither.
    """
    return SegResNetDS(
        spatial_dims=3,
        init_filters=filters,
        in_channels=1,
        out_channels=outputs,
        norm=NORMS[norm],
        blocks_down=tuple(blocks),
        dsdepth=supervised,
    )
