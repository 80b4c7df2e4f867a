"""Engine: what the cascade needs of a runtime for networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class DeviceMemoryError(RuntimeError):
    """The device ran out of memory during a run; the same input may fit elsewhere."""


class EngineUnavailable(RuntimeError):
    """This engine cannot run here, told in one sentence: a package is missing, or a small convolution failed."""


class Engine(Protocol):
    """One network, loaded on one device.

    Attributes:
        name: of the runtime: ``onnxruntime``, ``openvino`` or ``torch``.
        device: ``cpu`` or ``cuda``.
    """

    @property
    def name(self) -> str: ...

    @property
    def device(self) -> str: ...

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name for inputs by name, float32.

        Raises:
            DeviceMemoryError: the device's memory does not suffice.
        """
        ...
