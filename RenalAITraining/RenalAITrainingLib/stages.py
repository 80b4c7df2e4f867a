"""Stages: what the networks of each kind of sample do, which losses fit them, and what their samples look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Stage = Literal[
    "locate", "delineate", "characterise", "one-stage", "slice-segment", "slice-classify", "slice-detect"
]  # fmt: skip
Purpose = Literal["segment", "classify", "detect"]


@dataclass(frozen=True)
class StageFacts:
    """What follows from a stage.

    Attributes:
        purpose: decides the losses that a recipe may name.
        dimensions: axes of a network's input beside batch and channel. Samples have three in any case: a slice is
            stored with a depth of 1, which its network sees as its one channel.
        named: whether each sample has a category (a text) in place of a mass class.
    """

    purpose: Purpose
    dimensions: Literal[2, 3]
    named: bool = False


STAGES: Mapping[Stage, StageFacts] = {
    "locate": StageFacts("segment", 3),
    "delineate": StageFacts("segment", 3),
    "characterise": StageFacts("classify", 3),
    "one-stage": StageFacts("segment", 3),
    "slice-segment": StageFacts("segment", 2),
    "slice-classify": StageFacts("classify", 2, named=True),
    "slice-detect": StageFacts("detect", 2),
}

LOSSES: Mapping[Purpose, tuple[str, ...]] = {
    "segment": ("dice", "bce", "dice_bce", "cross_entropy_minus_dice"),
    "classify": ("cross_entropy", "bce"),
    "detect": ("multibox",),
}
"""The losses that fit each purpose."""

SYNTHESISED: tuple[Stage, ...] = ("locate", "delineate", "characterise", "one-stage", "slice-detect")
"""The stages that `synthesis` makes samples for."""

CUT: tuple[Stage, ...] = ("locate", "delineate", "characterise", "one-stage", "slice-segment", "slice-detect")
"""The stages whose samples are cut from the real cases of a dataset (`dataset.real_samples`). A stage's place here is
part of its samples' seeds: new ones go to the end."""
