"""What every maker of samples gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from RenalAILib.labels import MassClass

from .scene import Scene


@dataclass(frozen=True, eq=False)
class MadeSample:
    """A sample before it is stored.

    Attributes:
        image: HU on the network's grid.
        label: `Label` values on it; of a characterise sample the mass alone.
        scene: what it was cut from, for the record.
        facts: what else the record shall say.
        mass_class: of a characterise sample.
    """

    image: npt.NDArray[np.float32]
    label: npt.NDArray[np.uint8]
    scene: Scene
    facts: dict[str, Any] = field(default_factory=dict)
    mass_class: MassClass | None = None
