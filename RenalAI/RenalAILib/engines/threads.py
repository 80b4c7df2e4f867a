"""How many threads a network may use: the physical cores this process has, no more."""

from __future__ import annotations

import os
from pathlib import Path


def available_cores() -> int:
    """Physical cores within this process' affinity and container quota; ``OMP_NUM_THREADS`` overrides both.

    Two threads on one core share its arithmetic units: for convolutions the second only adds traffic.
    """
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    try:
        logical = sorted(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has it
        logical = list(range(os.cpu_count() or 1))
    cores = {_siblings(cpu) for cpu in logical}
    return max(1, min(len(cores), _container_quota()))


def _siblings(cpu: int) -> str:
    """What the hardware threads of one core have in common; the number itself where the system does not tell."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text(encoding="ascii")
    except OSError:
        return str(cpu)


def _container_quota() -> int:
    """Whole CPUs that a Linux control group grants (cgroup 2), a large number where it grants all."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return 1 << 16
