"""HU of a kidney's parts in each contrast phase.

Cortex and medulla: plain 20 to 42 HU, the medulla a few HU brighter at most; corticomedullary (25 to 70 s) cortex 140
to 280, medulla a quarter to 70 % of it; nephrographic (80 to 180 s) both 110 to 230, papillae a bit darker;
excretory (from 180 s) 80 to 150 with urine of several hundred HU (Yuh and Cohan, AJR 1999, 173:747; Birnbaum et al.,
Radiology 1996, 200:753). Sinus fat -115 to -60 HU, up to -15 where fibrous or thin; urine 0 to 15 HU.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .fields import Rng

_PLAIN_BELOW_HU = 55.0


class Phase(Enum):
    """When after the injection."""

    UNENHANCED = "unenhanced"
    CORTICOMEDULLARY = "corticomedullary"
    NEPHROGRAPHIC = "nephrographic"
    EXCRETORY = "excretory"


@dataclass(frozen=True)
class KidneyTissue:
    """HU of the parts of one kidney."""

    cortex: float
    medulla: float
    papilla: float
    fat: float
    urine: float
    vessel: float


def draw_tissue(rng: Rng, phase: Phase) -> KidneyTissue:
    """A random kidney's HU in a phase."""
    fat = float(rng.uniform(-115, -60) if rng.random() < 0.8 else rng.uniform(-60, -15))
    water = float(rng.normal(6, 5))
    if phase is Phase.UNENHANCED:
        cortex = float(rng.uniform(20, 42))
        medulla = cortex + float(rng.uniform(2, 9) if rng.random() < 0.2 else rng.normal(0, 1))
        return KidneyTissue(cortex, medulla, medulla, fat, water, float(rng.uniform(32, 45)))
    if phase is Phase.CORTICOMEDULLARY:
        cortex = float(rng.uniform(140, 280))
        medulla = max(cortex * float(rng.uniform(0.25, 0.7)), 45.0)
        papilla = max(medulla * float(rng.uniform(0.7, 1.0)), 35.0)
        return KidneyTissue(cortex, medulla, papilla, fat, water, float(rng.uniform(0.8, 1.3)) * cortex)
    if phase is Phase.NEPHROGRAPHIC:
        cortex = float(rng.uniform(110, 230))
        medulla = cortex * float(rng.uniform(0.86, 1.03))
        return KidneyTissue(cortex, medulla, medulla * float(rng.uniform(0.85, 1.0)), fat, water, rng.uniform(110, 180))
    cortex = float(rng.uniform(80, 150))
    medulla = cortex * float(rng.uniform(0.95, 1.15))
    papilla = medulla * float(rng.uniform(1.0, 1.25))
    return KidneyTissue(cortex, medulla, papilla, fat, float(rng.uniform(150, 900)), float(rng.uniform(80, 125)))


def phase_like(rng: Rng, kidney_hu: float) -> Phase:
    """A phase in which the surroundings of a parenchyma of that HU may be: what is plain stays plain."""
    if kidney_hu < _PLAIN_BELOW_HU:
        return Phase.UNENHANCED
    enhanced = (Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC, Phase.EXCRETORY)
    return enhanced[int(rng.choice(3, p=(0.5, 0.35, 0.15)))]
