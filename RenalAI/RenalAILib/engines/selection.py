"""Which engine runs a network here: the wish of the user against what really computes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from ..errors import InputError
from . import probe
from .engine import Engine, EngineUnavailable

DEVICES = ("auto", "cpu", "cuda")

# Engines in order of preference on each device.
CANDIDATES = {"cuda": ("onnxruntime", "torch"), "cpu": ("openvino", "onnxruntime", "torch")}
_AUTOMATIC_CPU = ("openvino", "onnxruntime")  # torch on a CPU is for comparing engines, not for work


def open_engine(name: str, model: Path | bytes, device: str) -> Engine:
    """The engine ``name`` with ``model`` on ``cpu`` or ``cuda``. Raises EngineUnavailable."""
    if name == "onnxruntime":
        from .onnxruntime_engine import OnnxRuntimeEngine

        return OnnxRuntimeEngine(model, device)
    if name == "openvino":
        from .openvino_engine import OpenVinoEngine

        return OpenVinoEngine(model)
    from .torch_engine import TorchEngine

    return TorchEngine(model, device)


@cache
def why_not(name: str, device: str) -> str | None:
    """None where the engine computed a small convolution on the device, else the reason. Asked once per process."""
    if name not in CANDIDATES[device]:
        return f"{name} has no {device} device"
    if device == "cuda" and probe.cuda_devices() == 0:
        return "no NVIDIA GPU with a driver was found"
    try:
        probe.check(open_engine(name, probe.PROBE_MODEL, device))
    except EngineUnavailable as problem:
        return str(problem)
    return None


def choose(device: str = "auto", engine: str | None = None) -> tuple[str, str]:
    """The (engine, device) that will be used, ``cuda`` before ``cpu`` where ``device`` is ``auto``.

    Raises:
        InputError: there is no such device or engine, or none that works, with the reasons.
    """
    if device not in DEVICES:
        raise InputError(f"there is no device {device!r}; choose one of {', '.join(DEVICES)}")
    if engine is not None and engine not in CANDIDATES["cpu"]:
        raise InputError(f"there is no engine {engine!r}; choose one of {', '.join(CANDIDATES['cpu'])}")
    reasons = []
    for place in ("cuda", "cpu") if device == "auto" else (device,):
        names = CANDIDATES["cuda"] if place == "cuda" else _AUTOMATIC_CPU
        for name in (engine,) if engine else names:
            reason = why_not(name, place)
            if reason is None:
                return name, place
            if reason not in reasons:
                reasons.append(reason)
    raise InputError(f"no engine can run on the device {device}: {'; '.join(reasons)}")


def create_engine(model: Path | bytes, device: str = "auto", engine: str | None = None) -> Engine:
    """``model`` in the engine that :func:`choose` names.

    Raises:
        InputError: nothing can run it here; the sentence says why.
    """
    name, place = choose(device, engine)
    try:
        return open_engine(name, model, place)
    except EngineUnavailable as problem:
        raise InputError(f"{model if isinstance(model, Path) else 'the network'} cannot be run: {problem}") from problem


EngineFactory = Callable[[Path, str, "str | None"], Engine]
