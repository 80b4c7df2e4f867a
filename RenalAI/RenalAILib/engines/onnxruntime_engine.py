"""ONNX Runtime: the engine that is always installed; CPU, and CUDA where its CUDA build is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .engine import DeviceMemoryError, EngineUnavailable
from .threads import available_cores


class OnnxRuntimeEngine:
    """A network in ONNX Runtime.

    Args:
        model: path or bytes of an ONNX file.
        device: ``cpu`` or ``cuda``.

    Raises:
        EngineUnavailable: ``device`` is ``cuda`` and this ONNX Runtime has no working CUDA provider.
    """

    name = "onnxruntime"

    def __init__(self, model: Path | bytes, device: str) -> None:
        try:
            import onnxruntime
        except ImportError as problem:
            raise EngineUnavailable("the package onnxruntime is not installed") from problem

        providers = ["CPUExecutionProvider"]
        if device == "cuda":
            if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
                raise EngineUnavailable("this onnxruntime was built without CUDA (the package is onnxruntime-gpu)")
            providers.insert(0, "CUDAExecutionProvider")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = available_cores()
        options.log_severity_level = 3  # errors; what matters of the rest is raised
        # Threads that spin after a run steal the cores from the work between the networks.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = model if isinstance(model, bytes) else str(model)
        self._session = onnxruntime.InferenceSession(source, options, providers=providers)
        self.device = device
        # Without a usable CUDA library the session is made all the same, on the CPU.
        if device == "cuda" and self._session.get_providers()[0] != "CUDAExecutionProvider":
            raise EngineUnavailable("onnxruntime's CUDA provider cannot be loaded (CUDA or cuDNN libraries)")

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See :class:`Engine`."""
        names = [output.name for output in self._session.get_outputs()]
        try:
            values = self._session.run(names, dict(inputs))
        except Exception as problem:
            if self.device == "cuda" and _is_memory(problem):
                raise DeviceMemoryError(str(problem)) from problem
            raise
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


def _is_memory(problem: Exception) -> bool:
    """ONNX Runtime has one exception type for all faults of a run; its arena's message tells this one."""
    text = str(problem).lower()
    return any(sign in text for sign in ("failed to allocate memory", "out of memory", "cuda failure 2:"))
