"""The networks of one bundle: opened when first needed, kept warm, moved to the CPU when a GPU is full."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..bundles.bundle import Bundle
from ..timing import Stopwatch
from .engine import DeviceMemoryError, Engine
from .selection import EngineFactory, create_engine


class _Key(NamedTuple):
    sha256: str
    device: str
    engine: str | None


class SessionCache:
    """Engines of a process by the model's SHA-256, device and engine, so that a second CT starts at once.

    Args:
        factory: makes an engine for (model path, device, engine name).
        most: engines kept; the one unused for longest goes first.
    """

    def __init__(self, factory: EngineFactory = create_engine, most: int = 16) -> None:
        self._factory, self._most = factory, most
        self._engines: dict[_Key, Engine] = {}
        self._lock = threading.Lock()

    def engine(self, model: Path, sha256: str, device: str, engine: str | None) -> Engine:
        """The engine for a model, opened at the first call."""
        key = _Key(sha256, device, engine)
        with self._lock:
            found = self._engines.pop(key, None) or self._factory(model, device, engine)
            self._engines[key] = found  # a dict keeps order: the last is the one used last
            while len(self._engines) > self._most:
                del self._engines[next(iter(self._engines))]
            return found


SESSIONS = SessionCache()


class Networks:
    """Runs models of a bundle for one CT.

    Args:
        bundle: whose models run.
        device: ``auto``, ``cpu`` or ``cuda``.
        engine: name of an engine, None for the best there is.
        sessions: where opened engines are kept.
        stopwatch: gets the time inside the networks as ``networks``.

    Attributes:
        warnings: what went otherwise than asked, for the findings.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        engine: str | None = None,
        *,
        sessions: SessionCache = SESSIONS,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self._bundle, self._device, self._engine = bundle, device, engine
        self._sessions = sessions
        self._stopwatch = stopwatch or Stopwatch()
        self.warnings: list[str] = []

    def open(self, model: str) -> Engine:
        """The engine of ``model`` (a path inside the bundle)."""
        sha256 = self._bundle.checksums[model]
        return self._sessions.engine(self._bundle.files[model], sha256, self._device, self._engine)

    def run(self, model: str, image: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs of ``model`` for the input ``image``; on the CPU from here on where the GPU's memory is full."""
        with self._stopwatch("networks"):
            engine = self.open(model)
            try:
                return engine.run({"image": image})
            except DeviceMemoryError:
                if engine.device == "cpu":
                    raise
            self._device, self._engine = "cpu", None
            self.warnings.append(f"The memory of the GPU ({engine.name}) did not suffice; the CPU did the rest.")
            return self.open(model).run({"image": image})
