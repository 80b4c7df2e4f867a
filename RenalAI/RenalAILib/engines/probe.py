"""A small convolution that shows whether an engine really computes, where "is it available?" only shows that it loads.

A CUDA runtime of the wrong version, a driver too old for the card or a missing cuDNN all say "available".
"""

from __future__ import annotations

import base64
import ctypes
import sys

import numpy as np

from .engine import Engine, EngineUnavailable

# ONNX opset 17: y = Conv(x, w), w = [1, 2, 3] along the last of 5 axes, padded to keep the shape (1, 1, 1, 1, 4).
# Kept as bytes because the package `onnx` is not needed to run networks.
PROBE_MODEL = base64.b64decode(
    "CAg6kAEKJgoBeAoBdxIBeSIEQ29udioVCgRwYWRzQABAAEABQABAAEABoAEHEgVwcm9iZSodCAEIAQgBCAEIAxABIgwAAIA/AAAAQAAAQEBCAXda"
    "HwoBeBIaChgIARIUCgIIAQoCCAEKAggBCgIIAQoCCARiHwoBeRIaChgIARIUCgIIAQoCCAEKAggBCgIIAQoCCARCBAoAEBE="
)
_INPUT = np.array([1, 2, 3, 4], dtype=np.float32).reshape(1, 1, 1, 1, 4)
_EXPECTED = np.array([8, 14, 20, 11], dtype=np.float32).reshape(1, 1, 1, 1, 4)


def check(engine: Engine) -> None:
    """Run the convolution on an engine that was opened with :data:`PROBE_MODEL`.

    Raises:
        EngineUnavailable: it fails or computes something else.
    """
    try:
        result = engine.run({"x": _INPUT})["y"]
    except Exception as problem:  # whatever a broken driver raises
        reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        raise EngineUnavailable(f"a small convolution failed on {engine.name} ({engine.device}): {reason}") from problem
    if not np.allclose(result, _EXPECTED, rtol=1e-2):
        raise EngineUnavailable(f"a small convolution gave a wrong result on {engine.name} ({engine.device})")


def cuda_devices() -> int:
    """How many NVIDIA GPUs the driver sees, 0 without a driver; asked of the driver, so that no engine is loaded."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
