"""MultiBox loss: classes of default boxes with hard negative mining, and corrections of those that hold something.

W. Liu et al., SSD: Single Shot MultiBox Detector, ECCV 2016 (arXiv 1512.02325), equations 1 to 3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NEGATIVES = 3
NEGATIVES_OF_EMPTY = 16


def multibox_loss(
    output: Tensor, target: Tensor, negatives: int = NEGATIVES, negatives_of_empty: int = NEGATIVES_OF_EMPTY
) -> Tensor:
    """(cross entropy of classes + smooth L1 of offsets) per matched default box.

    Of the background only the boxes with the highest loss count, ``negatives`` for each matched box of the slice
    (3 in the paper). The paper's images all hold something; most CT slices do not, so a slice counts with
    ``negatives_of_empty`` at least.

    Args:
        output: ``(N, A, C + 4)``: logits of C classes, then offsets.
        target: ``(N, A, 5)``: class number (0 background), then offsets; see `RenalAILib.detector.coding.targets`.
    """
    logits, offsets = output[..., :-4], output[..., -4:]
    classes = target[..., 0].long()
    matched = classes > 0
    entropy = F.cross_entropy(logits.transpose(1, 2), classes, reduction="none")
    with torch.no_grad():
        hardness = entropy.masked_fill(matched, -1.0)
        place = hardness.argsort(dim=1, descending=True).argsort(dim=1)
        wanted = (matched.sum(dim=1, keepdim=True) * negatives).clamp_(min=negatives_of_empty)
        mined = (place < wanted) & ~matched
    place_loss = F.smooth_l1_loss(offsets[matched], target[..., 1:][matched], reduction="sum")
    return (entropy[matched | mined].sum() + place_loss) / matched.sum().clamp(min=1)
