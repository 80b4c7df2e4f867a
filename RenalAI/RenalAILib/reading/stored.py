"""Stored: an image as a file holds it, before anyone asked whether it is a CT."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import InputError

MAX_VOXELS = 2**31  # 1024 x 1024 slices of 2,000: no CT is larger, a damaged header may well say so
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Stored:
    """Voxels ``[k, j, i]`` of any real number type, where they lie, and what was remarkable about the file.

    Attributes:
        voxels: as stored, rescaled to real values.
        ijk_to_ras: 4x4, mm.
        notes: sentences for the findings' warnings.
        slices: for DICOM, the file of each slice, in the order of k.
    """

    voxels: np.ndarray
    ijk_to_ras: npt.NDArray[np.float64]
    notes: tuple[str, ...] = ()
    slices: tuple[Path, ...] = ()


def ras_from_lps(ijk_to_lps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The 4x4 IJK to RAS matrix of a 4x4 IJK to LPS matrix: the one place where LPS (DICOM, ITK) is turned."""
    turned: npt.NDArray[np.float64] = _LPS_TO_RAS @ ijk_to_lps
    return turned


def check_three_axes(name: str, sizes: tuple[int, ...]) -> tuple[int, int, int]:
    """The three sizes (i, j, k) of a 3-D image; further axes of size 1 are dropped.

    Raises:
        InputError: more axes, fewer axes, an empty axis, or more voxels than any CT has.
    """
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if any(size < 1 for size in sizes) or not sizes:
        raise InputError(f"{name} is damaged: its header gives the size {' x '.join(map(str, sizes)) or 'nothing'}")
    if len(sizes) > 3:
        raise InputError(
            f"{name} has {len(sizes)} dimensions ({' x '.join(map(str, sizes))}); RenalAI reads 3-D volumes, one phase"
            " at a time"
        )
    i, j, k = (*sizes, 1, 1)[:3]
    if i * j * k > MAX_VOXELS:
        raise InputError(f"{name} is damaged: its header promises {i} x {j} x {k} voxels, more than any CT has")
    return i, j, k


def compact(voxels: np.ndarray) -> np.ndarray:
    """``voxels`` as int16 where that loses nothing, else as float32; no copy where it is one of them already.

    Half the memory of float32, and what scanners store. Integers beyond int16 (padding) become float32.
    """
    if voxels.dtype == np.int16:
        return voxels
    if voxels.dtype.kind == "f":
        if not np.isfinite(voxels).all() or abs(voxels).max() > 32767 or (np.rint(voxels) != voxels).any():
            return voxels.astype(np.float32, copy=False)
        return voxels.astype(np.int16)
    if voxels.dtype.itemsize > 1 and (int(voxels.max()) > 32767 or int(voxels.min()) < -32768):
        return voxels.astype(np.float32)
    return voxels.astype(np.int16)
