"""Shares: what of a computer's cores and GPUs each of several worker processes gets."""

from __future__ import annotations

import os
from itertools import takewhile
from pathlib import Path

from ..engines.threads import available_cores

GPUS, THREADS = "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"


def visible_gpus(folder: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """Names of the GPUs that processes of this one may use; empty where there are none.

    Args:
        folder: where NVIDIA's driver for Linux lists them; an environment that names some counts more.
    """
    told = os.environ.get(GPUS)
    if told is not None:
        names = (name.strip() for name in told.split(","))
        return list(takewhile(lambda name: name not in ("", "-1"), names))  # as CUDA reads it: the rest is invisible
    return [str(n) for n, _ in enumerate(sorted(folder.iterdir()))] if folder.is_dir() else []


def shares(count: int, gpus: list[str]) -> list[dict[str, str]]:
    """What is added to the environment of each of ``count`` workers: its part of the cores, and one GPU.

    Example:
        >>> [share[GPUS] for share in shares(3, ["0", "1"])]
        ['0', '1', '0']
    """
    threads = {THREADS: str(max(1, available_cores() // count))}
    return [threads | ({GPUS: gpus[n % len(gpus)]} if gpus else {}) for n in range(count)]
