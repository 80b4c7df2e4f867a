"""Plausibility: could these voxels be a CT in HU? The rules, each with its sentence.

A network answers for an MR as readily as for a CT, so what cannot be CT is refused before it is asked. The rules must
let pass what is CT in practice: clipped values (-126 to 276 in BTCV), padding outside the field of view (-2000, -3024,
-32768), metal (30,000), synthetic phantoms, and a small field of view.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..volume import Volume

_SAMPLES = 2_000_000  # of the voxels; counting them all adds nothing
_MIN_SPACING_MM, _MAX_SPACING_MM = 0.02, 30.0
_MIN_EXTENT_MM, _MAX_EXTENT_MM = 20.0, 3000.0
_FEW_VALUES = 40
_MIN_SPAN_HU = 150.0
_FAT_AND_BELOW_HU = -30.0
_SOFT_TISSUE_HU = (-200.0, 300.0)
_MIN_SOFT_SHARE = 0.03
_MIN_FAT_SHARE = 0.001
_OFFSET_SOFT = (900.0, 1200.0)


def check_ct(volume: Volume) -> None:
    """Refuses a volume that cannot be a CT in HU of a body.

    Raises:
        InputError: with the reason.
    """
    check_grid(volume.name, volume.ijk_to_ras, volume.shape)
    check_hounsfield(volume.name, volume.voxels)


def check_grid(name: str, ijk_to_ras: npt.NDArray[np.float64], shape: tuple[int, int, int]) -> None:
    """Refuses a single slice and spacings that no CT has.

    Raises:
        InputError: with the reason.
    """
    if min(shape) < 2:
        raise InputError(f"{name} is a single slice; RenalAI needs the whole stack")
    if not np.isfinite(ijk_to_ras).all():
        raise InputError(f"{name} is damaged: its position in space is not a number")
    spacing = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)[::-1]
    told = " x ".join(f"{value:.4g}" for value in spacing[::-1])
    if spacing.min() < _MIN_SPACING_MM or spacing.max() > _MAX_SPACING_MM:
        raise InputError(f"{name} has a voxel spacing of {told} mm, which no CT has")
    extent = spacing * shape
    if extent.min() < _MIN_EXTENT_MM or extent.max() > _MAX_EXTENT_MM:
        size = " x ".join(f"{value:.4g}" for value in extent[::-1])
        raise InputError(f"{name} covers {size} mm, which is no CT of an abdomen")
    if abs(np.linalg.det(ijk_to_ras[:3, :3] / spacing[::-1])) < 0.1:
        raise InputError(f"{name} is damaged: the axes of its voxels do not span a volume")


def check_hounsfield(name: str, voxels: np.ndarray) -> None:
    """Refuses what cannot be CT in HU. The rules in order; the first that applies speaks.

    Raises:
        InputError: with the reason.
    """
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        count = int(voxels.size - np.isfinite(voxels).sum())
        raise InputError(f"{name} has {count:,} voxels that are not a number (NaN or infinite)")
    sample = voxels.reshape(-1)[:: max(1, voxels.size // _SAMPLES) | 1]  # odd: rows have even lengths
    low, high = float(voxels.min()), float(voxels.max())
    span = f"its values run from {low:g} to {high:g}"
    if low == high:
        raise InputError(f"{name} is empty: every voxel is {low:g}")
    if voxels.dtype.kind in "iub" or (np.rint(sample) == sample).all():
        distinct = np.unique(sample).size
        if distinct <= _FEW_VALUES and low > -100 and high < 256:
            raise InputError(f"{name} looks like a label map, not a CT: {distinct} different values, {span}")
    if high - low < _MIN_SPAN_HU:
        raise InputError(f"{name} is not a CT in HU: {span}, as after normalization; give the original values")
    soft = float(((sample > _OFFSET_SOFT[0]) & (sample < _OFFSET_SOFT[1])).mean())
    if low >= 0 and soft > 0.1 and float((sample < _OFFSET_SOFT[0]).mean()) > 0.05:
        raise InputError(f"{name} is a CT stored with 1024 added ({span}); subtract 1024 to get HU")
    if float((sample < _FAT_AND_BELOW_HU).mean()) < _MIN_FAT_SHARE:
        raise InputError(f"{name} is not a CT in HU: {span}, nothing as low as fat or air; is it MR or PET?")
    if float(((sample > _SOFT_TISSUE_HU[0]) & (sample < _SOFT_TISSUE_HU[1])).mean()) < _MIN_SOFT_SHARE:
        raise InputError(f"{name} is not a CT in HU: {span}, hardly any of them soft tissue; is it MR or raw data?")
