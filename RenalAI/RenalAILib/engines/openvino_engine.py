"""OpenVINO: on CPUs up to 1.7 times faster than ONNX Runtime for the strong networks; optional."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .engine import EngineUnavailable
from .threads import available_cores

_SHAPES_KEPT = 2
"""Compiled shapes of a network; each holds about 100 MiB of buffers, and nearly every CT has a shape of its own."""


class OpenVinoEngine:
    """A network in OpenVINO on the CPU, compiled once per input shape.

    OpenVINO plans memory and kernels for fixed shapes; with dynamic ones it is slower than ONNX Runtime.

    Args:
        model: path or bytes of an ONNX file.

    Raises:
        EngineUnavailable: the package is not installed, or it cannot read the model.
    """

    name = "openvino"
    device = "cpu"

    def __init__(self, model: Path | bytes) -> None:
        try:
            # Its converter reports uses over the network, from a forked process that can hang. We never convert.
            sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
            import openvino
        except ImportError as problem:
            raise EngineUnavailable("the package openvino is not installed") from problem
        self._core = openvino.Core()
        try:
            self._model = self._core.read_model(model if isinstance(model, bytes) else str(model))
        except RuntimeError as problem:
            raise EngineUnavailable(f"OpenVINO cannot read the model: {str(problem).splitlines()[0]}") from problem
        self._lock = threading.Lock()  # a compiled model holds one request
        self._compiled: dict[tuple[tuple[str, tuple[int, ...]], ...], Any] = {}

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See :class:`Engine`. The first run of each input shape compiles, about a second."""
        with self._lock:
            compiled = self._for_shapes(tuple(sorted((name, array.shape) for name, array in inputs.items())))
            results = compiled(dict(inputs), share_inputs=True)
            return {output.get_any_name(): np.array(results[output]) for output in compiled.outputs}

    def _for_shapes(self, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> Any:
        compiled = self._compiled.pop(shapes, None)
        if compiled is None:
            self._model.reshape({name: list(shape) for name, shape in shapes})
            settings = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": str(available_cores()),
                # Half precision on newer CPUs would let labels differ between machines.
                "INFERENCE_PRECISION_HINT": "f32",
            }
            while len(self._compiled) >= _SHAPES_KEPT:
                del self._compiled[next(iter(self._compiled))]
            compiled = self._core.compile_model(self._model, "CPU", settings)
        self._compiled[shapes] = compiled  # a dict keeps order: the last is the one used last
        return compiled
