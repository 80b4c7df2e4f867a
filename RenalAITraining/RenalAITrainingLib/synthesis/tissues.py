"""What masses are made of: HU textures of AML, cysts and solid tumours.

Classes follow the reference standard of Zhao 2023: macroscopic fat makes an AML; under 25 % enhancing tissue a cystic
mass; everything else is solid. HU ranges: fat -30 to -120, water 0 to 20, hyperdense cysts 40 to 90 (Bosniak 2019,
Silverman et al., Radiology 292:475), enhancement of more than 20 HU for solid tissue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from RenalAILib.labels import MassClass

from .fields import Field, Rng, smooth_field
from .levels import layered
from .scene import PLAIN_KIDNEY_HU

FAT_POOR_SHARE = 0.10
HYPERDENSE_SHARE = 0.10
LEVEL_SHARE = 0.04
_LEAST_ENHANCED_HU = 70.0


@dataclass(frozen=True, eq=False)
class Surround:
    """Where a mass is: what its tissue depends on.

    Attributes:
        kidney_hu: the parenchyma of this scan.
        enhanced: whether contrast agent has reached the kidney.
        hidden: whether the mass lies wholly inside the kidney, so that only its HU can show it.
    """

    kidney_hu: float
    enhanced: bool
    hidden: bool


def texture(
    rng: Rng, mass_class: MassClass, signed_mm: Field, spacing_mm: npt.ArrayLike, diameter_mm: float, surround: Surround
) -> Field:
    """HU of a mass, without noise, on the grid of ``signed_mm`` (valid inside and a little around)."""
    if mass_class is MassClass.AML:
        return _aml(rng, signed_mm, spacing_mm, diameter_mm, surround)
    if mass_class is MassClass.CYSTIC:
        return _cystic(rng, signed_mm, spacing_mm, diameter_mm, surround)
    if mass_class is MassClass.SOLID:
        return _solid(rng, signed_mm, spacing_mm, diameter_mm, surround)
    raise ValueError("a mass of unknown class has no texture")


def _shape(field: Field) -> tuple[int, int, int]:
    k, j, i = field.shape
    return k, j, i


def _soft(rng: Rng, surround: Surround, low: float, high: float) -> float:
    """HU of enhancing soft tissue: a share of the kidney's own enhancement."""
    if not surround.enhanced:
        return float(rng.uniform(25, 48))
    rise = surround.kidney_hu - PLAIN_KIDNEY_HU
    least = min(_LEAST_ENHANCED_HU, PLAIN_KIDNEY_HU + 0.6 * rise)
    return float(max(PLAIN_KIDNEY_HU + rng.uniform(low, high) * rise, least))


def _aml(rng: Rng, signed: Field, spacing: npt.ArrayLike, diameter: float, surround: Surround) -> Field:
    """Fat and vessel-rich tissue in lobules; seldom nearly without fat."""
    poor = rng.random() < FAT_POOR_SHARE
    share = rng.uniform(0.05, 0.15) if poor else rng.beta(2.2, 1.2) * 0.75 + 0.22
    shape = _shape(signed)
    lobules = smooth_field(rng, shape, spacing, max(diameter * rng.uniform(0.18, 0.5), 2.0))
    strands = smooth_field(rng, shape, spacing, max(diameter * 0.1, 1.5))
    pattern = lobules + rng.uniform(0.2, 0.7) * strands
    inside = signed < 0
    cut = float(np.quantile(pattern[inside], 1 - share)) if inside.any() else 0.0
    fatty = 1 / (1 + np.exp(-(pattern - cut) / rng.uniform(0.08, 0.35)))
    fat = rng.uniform(-112, -60)
    tissue = min(_soft(rng, surround, 0.2, 0.7), 120.0) if surround.enhanced else rng.uniform(20, 50)
    return np.asarray(tissue + (fat - tissue) * fatty + 4 * strands, dtype=np.float32)


def _cystic(rng: Rng, signed: Field, spacing: npt.ArrayLike, diameter: float, surround: Surround) -> Field:
    """Homogeneous fluid; sometimes septa, a wall, blood or protein, a calcification."""
    hyperdense = rng.random() < HYPERDENSE_SHARE
    fluid = rng.uniform(40, 90) if hyperdense else rng.normal(9, 6)
    shape = _shape(signed)
    hu = np.full(shape, fluid, dtype=np.float32)
    if diameter > 10 and rng.random() < LEVEL_SHARE:  # blood that has settled, seldom milk of calcium
        heavy = rng.uniform(45, 85) if rng.random() < 0.7 else rng.uniform(120, 350)
        hu = layered(rng, signed < 0, np.asarray(spacing, dtype=np.float64), float(min(fluid, 25)), float(heavy))
    hu = hu + 1.5 * smooth_field(rng, shape, spacing, max(diameter / 2, 3))
    tissue = _soft(rng, surround, 0.3, 0.8)
    if diameter > 12 and rng.random() < 0.22:  # septa: thin sheets, where a smooth field crosses zero
        field = smooth_field(rng, shape, spacing, diameter * rng.uniform(0.35, 0.6))
        slope = np.sqrt(sum(g**2 for g in np.gradient(field, *np.asarray(spacing, dtype=float)))) + 1e-3
        thick = rng.uniform(0.4, 1.2)
        sheet = np.exp(-((field / slope / thick) ** 2))
        hu += (tissue - fluid) * rng.uniform(0.4, 0.9) * sheet.astype(np.float32)
    if rng.random() < 0.2:  # wall
        wall = np.exp(-((signed / rng.uniform(0.5, 1.2)) ** 2))
        hu += (tissue - fluid) * rng.uniform(0.3, 0.9) * wall
    if rng.random() < 0.05:
        spots = smooth_field(rng, shape, spacing, 4.0)
        hu = np.where((spots > 1.6) & (signed > -1.5), rng.uniform(130, 400), hu)
    return np.asarray(hu, dtype=np.float32)


def _solid(rng: Rng, signed: Field, spacing: npt.ArrayLike, diameter: float, surround: Surround) -> Field:
    """Enhancing tissue, from even (papillary, chromophobe) to motley with necrosis (clear cell)."""
    base = _soft(rng, surround, 0.3, 0.95)
    if surround.enhanced and rng.random() < 0.1:
        base = surround.kidney_hu * rng.uniform(1.0, 1.25)
    contrast_needed = (12.0 if surround.enhanced else 6.0) if surround.hidden else 0.0
    if abs(base - surround.kidney_hu) < contrast_needed:
        base = surround.kidney_hu - contrast_needed * rng.uniform(1.0, 2.0)
    shape = _shape(signed)
    motley = rng.uniform(0.02, 0.2) * max(base - 10, 15)
    pattern = smooth_field(rng, shape, spacing, max(diameter * rng.uniform(0.12, 0.4), 2.0))
    fine = smooth_field(rng, shape, spacing, max(diameter * 0.08, 1.5))
    hu = base + motley * (pattern + 0.4 * fine)
    if diameter > 18 and rng.random() < 0.45:  # necrosis or a central scar
        deep = np.clip(-signed / (diameter / 2), 0, 1)
        field = smooth_field(rng, shape, spacing, diameter * rng.uniform(0.2, 0.45)) + rng.uniform(1.5, 3.0) * deep
        inside = signed < 0
        cut = float(np.quantile(field[inside], 1 - rng.uniform(0.05, 0.5))) if inside.any() else 9.0
        dead = 1 / (1 + np.exp(-(field - cut) / 0.15))
        hu += (rng.uniform(8, 28) - hu) * dead
    if rng.random() < 0.3:  # pseudocapsule
        hu += rng.uniform(-25, 15) * np.exp(-((signed / 1.0) ** 2))
    if rng.random() < 0.07:
        spots = smooth_field(rng, shape, spacing, 3.5)
        hu = np.where(spots > 2.0, rng.uniform(150, 500), hu)
    return np.asarray(hu, dtype=np.float32)
