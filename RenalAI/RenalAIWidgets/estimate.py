"""What the next run will take: memory by the CT's size, time by what such runs took on this computer."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from RenalAILib.worker.checking import memory_gb

ENGINE_GB = 1.2  # networks and their work, above the CT itself: the bar that the engine is held to
_SECONDS = "RenalAI/seconds/{mode}/{device}"  # of the last run, a setting of the application


def remember(parameters: Any, seconds: float) -> None:
    """Keeps how long a run took, for the next one of its kind."""
    qt.QSettings().setValue(_key(parameters), float(seconds))


def needed_gb(volume: Any) -> float:
    """Memory for a scalar volume node: the CT, two label maps of its size, and the engine."""
    image = volume.GetImageData()
    return (image.GetNumberOfPoints() * (image.GetScalarSize() + 2)) / 1024**3 + ENGINE_GB


def in_words(parameters: Any) -> str:
    """One line for the panel, empty without a CT."""
    volume = parameters.inputVolume
    if volume is None or volume.GetImageData() is None:
        return ""
    memory = _("{memory:.1f} GB of memory").format(memory=needed_gb(volume))
    before = qt.QSettings().value(_key(parameters))
    if before is None:
        return _("A run takes about {memory}.").format(memory=memory)
    text = _("A run takes about {memory} and, as last time, {seconds:.0f} s.")
    return text.format(memory=memory, seconds=max(1.0, float(before)))


def shortage(parameters: Any) -> str | None:
    """What to do where the memory that is free will hardly do, None where it will or cannot be told."""
    volume, free = parameters.inputVolume, memory_gb()
    if volume is None or volume.GetImageData() is None or free is None or needed_gb(volume) <= free:
        return None
    text = _("Only {free:.1f} GB of memory are free; about {needed:.1f} GB are needed. Close programs, or crop the CT.")
    return text.format(free=free, needed=needed_gb(volume))


def _key(parameters: Any) -> str:
    return _SECONDS.format(mode=parameters.mode.value, device=parameters.device.value)
