"""What a phantom is asked for, and the patient drawn for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..labels import MassClass, Side


class Phase(Enum):
    """Contrast phase."""

    PLAIN = "plain"
    CORTICOMEDULLARY = "corticomedullary"
    NEPHROGRAPHIC = "nephrographic"
    EXCRETORY = "excretory"


class Anatomy(Enum):
    """Which kidneys there are."""

    NORMAL = "normal"
    ONE_KIDNEY = "one kidney"
    HORSESHOE = "horseshoe"
    THREE_KIDNEYS = "a small third kidney below the left one"
    TRANSPLANT = "transplant in the pelvis beside two native kidneys"
    PTOTIC = "one kidney low down, its hilum turned forward"
    NO_KIDNEYS = "no kidneys"


class Extent(Enum):
    """What the grid is centred on."""

    ABDOMEN = "abdomen"
    THORAX = "thorax"
    TRUNK = "trunk"


@dataclass(frozen=True)
class MassPlan:
    """A mass to be placed: ``exophytic`` is the share of its diameter that stands out of the kidney, 0 to 0.8."""

    mass_class: MassClass
    side: Side
    diameter_mm: float
    exophytic: float = 0.4

    def __post_init__(self) -> None:
        if self.mass_class is MassClass.UNKNOWN:
            raise ValueError("a phantom's masses have a class; got unknown")
        if not 2 <= self.diameter_mm <= 150 or not 0 <= self.exophytic <= 0.8:
            raise ValueError(
                f"a mass needs 2 to 150 mm and an exophytic share of 0 to 0.8, got {self.diameter_mm}, {self.exophytic}"
            )


@dataclass(frozen=True)
class TissueHu:
    """Mean HU of enhancing tissues in one phase."""

    cortex: float
    medulla: float
    urine: float
    aorta: float
    cava: float
    liver: float
    spleen: float
    pancreas: float
    solid: float


_TISSUES = {
    Phase.PLAIN: TissueHu(33, 32, 4, 42, 41, 56, 47, 40, 36),
    Phase.CORTICOMEDULLARY: TissueHu(185, 80, 5, 290, 120, 75, 125, 110, 115),
    Phase.NEPHROGRAPHIC: TissueHu(165, 155, 8, 150, 150, 110, 118, 95, 95),
    Phase.EXCRETORY: TissueHu(125, 125, 420, 120, 120, 98, 100, 82, 78),
}


@dataclass(frozen=True)
class Patient:
    """A body drawn from a seed; lengths in mm."""

    phase: Phase
    anatomy: Anatomy
    extent: Extent
    arms: bool
    tissue: TissueHu
    half_width: float
    half_depth: float
    fat: float
    wall: float
    spine_y: float
    kidney_scale: float
    centre_z_mm: float
    fat_hu: float
    muscle_hu: float


def draw_patient(rng: np.random.Generator, phase: Phase, anatomy: Anatomy, extent: Extent, arms: bool) -> Patient:
    """A patient: size, fat, and how strongly the tissues took up contrast this time."""
    base = _TISSUES[phase]
    gain = 1.0 if phase is Phase.PLAIN else rng.uniform(0.8, 1.2)
    values = {name: 40 + (value - 40) * gain + rng.normal(0, 3) for name, value in vars(base).items()}
    values["urine"] = base.urine + rng.normal(0, 2)
    size = rng.uniform(0.86, 1.12)
    depth = rng.uniform(98, 128) * size
    return Patient(
        phase=phase,
        anatomy=anatomy,
        extent=extent,
        arms=arms,
        tissue=TissueHu(**values),
        half_width=rng.uniform(145, 178) * size,
        half_depth=depth,
        fat=rng.uniform(8, 30) * size,
        wall=rng.uniform(9, 15),
        spine_y=depth - rng.uniform(72, 84),
        kidney_scale=rng.uniform(0.88, 1.12),
        centre_z_mm={Extent.ABDOMEN: 0.0, Extent.TRUNK: 40.0, Extent.THORAX: 260.0}[extent] + rng.uniform(-15, 15),
        fat_hu=rng.uniform(-112, -92),
        muscle_hu=rng.uniform(45, 62),
    )


def default_masses(rng: np.random.Generator) -> tuple[MassPlan, ...]:
    """One AML, two cysts and one solid mass, two a side."""
    first, second = (Side.RIGHT, Side.LEFT) if rng.random() < 0.5 else (Side.LEFT, Side.RIGHT)
    return (
        MassPlan(MassClass.AML, first, rng.uniform(20, 34), rng.uniform(0.25, 0.55)),
        MassPlan(MassClass.CYSTIC, first, rng.uniform(14, 26), rng.uniform(0.1, 0.5)),
        MassPlan(MassClass.SOLID, second, rng.uniform(24, 42), rng.uniform(0.25, 0.55)),
        MassPlan(MassClass.CYSTIC, second, rng.uniform(16, 34), rng.uniform(0.2, 0.6)),
    )
