"""Evidence: what a radiologist would measure in a mass, beside what the network says.

The definitions are those behind the reference standard of Zhao 2023: macroscopic fat makes an angiomyolipoma (AML),
less than a quarter of enhancing tissue a cystic mass, anything else a solid one. Fluid is taken as -9 to 20 HU, the
range that the Bosniak classification of 2019 (Silverman et al., Radiology 2019) calls simple fluid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..boxes import Box
from ..findings import Evidence
from ..labels import MassClass
from ..volume import Volume
from .domains import Mask, eroded
from .masses import MassRegion

FAT_BELOW_HU = -30.0
FLUID_HU = (-9.0, 20.0)
ENHANCED_BY_HU = 20.0
TISSUE_ABOVE_HU = 30.0
UNENHANCED_KIDNEY_BELOW_HU = 60.0

FAT_FRACTION = 0.02
FAT_ML = 0.01
TISSUE_FRACTION = 0.25
NEIGHBORS_MM = 1.5
_COVERED = 0.8


@dataclass(frozen=True)
class Measurements:
    """Numbers of one mass; fractions from 0 to 1.

    Attributes:
        tissue_fraction: share of voxels above :data:`TISSUE_ABOVE_HU`, or enhanced by at least
            :data:`ENHANCED_BY_HU` where there is a second phase.
        fat_ml: volume below :data:`FAT_BELOW_HU`.
        enhancement_hu: mean difference to the second phase, None without one.
    """

    mean_hu: float
    sd_hu: float
    fat_fraction: float
    fat_ml: float
    fluid_fraction: float
    tissue_fraction: float
    enhancement_hu: float | None


def measure(region: MassRegion, volume: Volume, second_phase: Volume | None = None) -> Measurements:
    """Measure a mass in ``volume``, and against a second phase, moved to where the kidney lies in ``volume``.

    The outermost voxels are left out where enough remain, so that the fat around the kidney does not pass as fat in
    the mass; fractions are counted on means of 3x3x3 voxels, so that noise does not pass as fat or fluid.
    """
    hu = np.asarray(volume.voxels[region.box.slices], dtype=np.float32)
    inside = hu[region.mask]
    inner = _inner(region.mask)
    smooth = _local_means(hu, inner)[inner]
    fat = float(np.mean(smooth < FAT_BELOW_HU))
    fluid = float(np.mean((smooth >= FLUID_HU[0]) & (smooth <= FLUID_HU[1])))
    tissue = float(np.mean(smooth > TISSUE_ABOVE_HU))
    enhancement = None
    if second_phase is not None:
        difference = np.full(hu.shape, np.nan, dtype=np.float32)
        difference[inner] = hu[inner] - sample(second_phase, volume.ras(np.argwhere(inner) + region.box.start))
        known = np.isfinite(difference)
        if np.count_nonzero(known) >= _COVERED * np.count_nonzero(inner):
            enhancement = float(difference[known].mean())
            tissue = float(np.mean(np.abs(_local_means(difference, known)[known]) >= ENHANCED_BY_HU))
    return Measurements(
        mean_hu=float(inside.mean()),
        sd_hu=float(inside.std()),
        fat_fraction=fat,
        fat_ml=fat * np.count_nonzero(inner) * volume.voxel_ml,
        fluid_fraction=fluid,
        tissue_fraction=tissue,
        enhancement_hu=enhancement,
    )


def suggested_class(measured: Measurements, unenhanced: bool) -> MassClass:
    """The class that the measurements speak for.

    Args:
        measured: of one mass.
        unenhanced: whether the scan shows kidneys without contrast medium. Then only fat and plain fluid can be told;
            tissue between them may be solid or a dense cyst and stays unknown.
    """
    if measured.fat_fraction >= FAT_FRACTION and measured.fat_ml >= FAT_ML:
        return MassClass.AML
    if unenhanced and measured.enhancement_hu is None:
        plain_fluid = measured.mean_hu <= FLUID_HU[1] and measured.fluid_fraction >= 1 - TISSUE_FRACTION
        return MassClass.CYSTIC if plain_fluid else MassClass.UNKNOWN
    return MassClass.CYSTIC if measured.tissue_fraction < TISSUE_FRACTION else MassClass.SOLID


def evidence(measured: Measurements, network: MassClass, unenhanced: bool) -> Evidence:
    """The measurements with what they suggest, and whether the network's class is the same."""
    suggests = suggested_class(measured, unenhanced)
    comparable = MassClass.UNKNOWN not in (suggests, network)
    return Evidence(
        sd_hu=measured.sd_hu,
        fat_fraction=measured.fat_fraction,
        fluid_fraction=measured.fluid_fraction,
        enhancement_hu=measured.enhancement_hu,
        suggests=suggests,
        agrees=suggests is network if comparable else None,
        text=_in_words(measured, suggests, unenhanced),
    )


def sample(volume: Volume, ras: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Voxel values at RAS points ``(n, 3)`` by trilinear interpolation; NaN outside the volume."""
    kji = volume.kji(ras)
    last = np.array(volume.shape) - 1
    outside = ((kji < -0.5) | (kji > last + 0.5)).any(axis=1)
    kji = np.clip(kji, 0, last)
    low = np.minimum(np.floor(kji).astype(int), np.maximum(last - 1, 0))
    high = np.minimum(low + 1, last)
    share = kji - low
    result = np.zeros(len(kji))
    for corner in np.ndindex(2, 2, 2):
        index = np.where(corner, high, low)
        weight = np.where(corner, share, 1 - share).prod(axis=1)
        result += weight * volume.voxels[tuple(index.T)]
    result[outside] = np.nan
    return result.astype(np.float32)


def neighborhood_means(volume: Volume, ras: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Means over neighborhoods of 3 mm about RAS points ``(n, 3)``: noise does not pass as cortex. NaN outside."""
    steps = np.concatenate([np.zeros((1, 3)), NEIGHBORS_MM * np.eye(3), -NEIGHBORS_MM * np.eye(3)])
    return np.asarray(np.mean([sample(volume, ras + step) for step in steps], axis=0), dtype=np.float32)


def _inner(mask: Mask) -> Mask:
    """``mask`` without its outermost voxels, or as it is where less than a fifth of it would remain."""
    inner = eroded(mask)
    return inner if np.count_nonzero(inner) >= max(8, 0.2 * np.count_nonzero(mask)) else mask


def _local_means(hu: npt.NDArray[np.float32], mask: Mask) -> npt.NDArray[np.float32]:
    """Mean of the voxels of ``mask`` among the 3x3x3 about each voxel."""
    total = np.pad(np.where(mask, hu, np.float32(0)), 1)
    count = np.pad(mask.astype(np.float32), 1)
    for axis in range(3):
        total = total + np.roll(total, 1, axis) + np.roll(total, -1, axis)
        count = count + np.roll(count, 1, axis) + np.roll(count, -1, axis)
    core = Box.whole(mask.shape).moved((1, 1, 1)).slices
    return np.asarray(total[core] / np.maximum(count[core], 1))


def _in_words(measured: Measurements, suggests: MassClass, unenhanced: bool) -> str:
    enhancement = measured.enhancement_hu
    if suggests is MassClass.AML:
        text = f"{measured.fat_fraction:.0%} of the mass is below -30 HU: macroscopic fat speaks for an angiomyolipoma."
    elif suggests is MassClass.UNKNOWN:
        text = (
            f"Mean {measured.mean_hu:.0f} HU without contrast medium and no macroscopic fat: "
            "a solid mass and a dense cyst cannot be told apart on this scan."
        )
    elif suggests is MassClass.CYSTIC:
        what = "enhances" if enhancement is not None else f"is denser than {TISSUE_ABOVE_HU:.0f} HU"
        text = (
            f"{measured.tissue_fraction:.0%} of the mass {what} and {measured.fluid_fraction:.0%} is fluid-like: "
            "speaks for a cystic mass."
        )
    else:
        what = "enhances" if enhancement is not None else f"is denser than {TISSUE_ABOVE_HU:.0f} HU"
        text = f"{measured.tissue_fraction:.0%} of the mass {what}, no macroscopic fat: speaks for a solid mass."
        if enhancement is None:
            text += " A dense cyst looks alike in a single phase."
    if enhancement is not None:
        text += f" It differs by {enhancement:+.0f} HU from the second phase."
    elif unenhanced and suggests is MassClass.CYSTIC:
        text += " The scan shows no contrast medium, so enhancement is not known."
    return text
