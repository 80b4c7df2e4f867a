"""Options: what a run is given beside its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from RenalAILib.errors import InputError


@dataclass(frozen=True)
class Options:
    """What a run is given beside its recipe.

    Args:
        seed: of weights, order and augmentation.
        minutes: of training, in place of the recipe's length; the learning rate has decayed when they end.
        threads: of torch on the CPU; None leaves torch's choice.
        device: ``auto`` is CUDA where there is one.
        resume: go on from the folder's last checkpoint.
        start_from: a ``best.pt``, an ``.onnx`` file or a bundle's folder, whose weights training starts with.
        workers: threads that make batches ahead; 0 in the loop itself.
        checkpoint_s: seconds between checkpoints, and so what a kill can cost.
        bfloat16: mixed precision in bfloat16; for a CPU that computes with it, elsewhere it is slow.
    """

    seed: int = 0
    minutes: float | None = None
    threads: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    resume: bool = False
    start_from: Path | None = None
    workers: int = 0
    checkpoint_s: float = 60.0
    bfloat16: bool = False

    def __post_init__(self) -> None:
        if self.minutes is not None and self.minutes <= 0:
            raise InputError(f"a run needs some minutes, got {self.minutes:g}")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"a run needs at least one thread, got {self.threads}")
        if self.workers < 0:
            raise InputError(f"the number of workers cannot be negative, got {self.workers}")
