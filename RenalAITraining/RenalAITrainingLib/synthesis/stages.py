"""Which maker belongs to which stage, and what every maker gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from RenalAILib.labels import MassClass

from ..samples import Stage
from ..sources import ShapeLibrary
from .characterise_samples import characterise_sample
from .delineate_samples import delineate_sample
from .fields import Rng
from .locate_samples import locate_sample
from .scene import Scene


@dataclass(frozen=True, eq=False)
class MadeSample:
    """A sample before it is stored."""

    image: npt.NDArray[np.float32]
    label: npt.NDArray[np.uint8]
    scene: Scene
    facts: dict[str, Any] = field(default_factory=dict)
    mass_class: MassClass | None = None


STAGES = {"locate": locate_sample, "delineate": delineate_sample, "characterise": characterise_sample}


def make_sample(stage: Stage, rng: Rng, scene: Scene, shapes: ShapeLibrary | None) -> MadeSample | None:
    """One sample of a stage, or None where the scene gave none."""
    made = STAGES[stage](rng, scene, shapes)
    return None if made is None else MadeSample(*made)
