"""Which maker belongs to which stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..stages import Stage
from .characterise_samples import characterise_samples
from .delineate_samples import delineate_samples
from .detect_samples import synthetic_detect_samples
from .fields import Rng
from .locate_samples import locate_samples
from .made import MadeSample
from .scene import Scene
from .sources import ShapeLibrary

Maker = Callable[[Rng, Scene, ShapeLibrary | None], list[MadeSample]]

STAGES: Mapping[Stage, Maker] = {
    "locate": locate_samples,
    "delineate": delineate_samples,
    "characterise": characterise_samples,
    "one-stage": locate_samples,
    "slice-detect": synthetic_detect_samples,
}
"""For each stage what makes samples of one scene; an empty list where the scene gives none."""
