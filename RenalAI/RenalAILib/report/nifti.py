"""NIfTI-1 files of CTs, label maps and saliency, on any grid that a CT can have.

Written by hand rather than with SimpleITK, which has no room for a sheared grid (gantry tilt) and packs ten times
slower. Sources: nifti1.h of the NIfTI Data Format Working Group; RFC 1952 for the packing.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from ..volume import Volume
from ..writing.gzipping import gzipped

_KINDS = {np.dtype(np.uint8): 2, np.dtype(np.int16): 4}  # NIfTI's numbers of data types
_MILLIMETERS = 2
_SCANNER = 1  # xform code: coordinates of the scanner
_INTENT_NONE, _INTENT_LABEL = 0, 1002
_ORTHOGONAL = 1e-5  # cosine between axes that still counts as a right angle: below what float32 keeps


def nifti_ct(volume: Volume, description: str) -> bytes:
    """The ``.nii.gz`` file of a CT, int16 HU."""
    return _file(volume, description, np.dtype(np.int16), intent=_INTENT_NONE, slope=1.0)


def nifti_labels(volume: Volume, description: str) -> bytes:
    """The ``.nii.gz`` file of a uint8 label map; ``description`` keeps its first 79 ASCII characters."""
    return _file(volume, description, np.dtype(np.uint8), intent=_INTENT_LABEL, slope=1.0)


def nifti_fractions(volume: Volume, description: str) -> bytes:
    """The ``.nii.gz`` file of a map of 0 ... 1, given as uint8 of 0 ... 255; readers scale it back by 1/255."""
    return _file(volume, description, np.dtype(np.uint8), intent=_INTENT_NONE, slope=1.0 / 255.0)


def _file(volume: Volume, description: str, dtype: np.dtype[Any], intent: int, slope: float) -> bytes:
    if volume.voxels.dtype != dtype:
        raise ValueError(f"expected {dtype} voxels, got {volume.voxels.dtype}")
    return gzipped(
        _header(volume, description, intent, slope), volume.voxels.astype(dtype.newbyteorder("<"), copy=False)
    )


def _header(volume: Volume, description: str, intent: int, slope: float) -> bytes:
    """348 bytes of header and 4 that say "no extension"; the voxels follow at byte 352.

    The sform holds the affine as it is. The qform can only hold a rotation: on a sheared grid it is marked as absent,
    so that a reader that knows no shear says so and does not show the labels in a wrong place.
    """
    k, j, i = volume.shape
    dk, dj, di = (float(value) for value in volume.spacing_mm)
    quaternion, handedness = _quaternion(volume.ijk_to_ras)
    qform_code = 0 if quaternion is None else _SCANNER
    b, c, d = (0.0, 0.0, 0.0) if quaternion is None else quaternion
    x, y, z = (float(value) for value in volume.ijk_to_ras[:3, 3])
    return struct.pack(
        "<i10s18sihBB8h3fh2hh8ffffhBBffffii80s24s2h3f3f12f16s4s4x",
        348,
        b"",
        b"",
        0,
        0,
        ord("r"),
        0,
        *(3, i, j, k, 1, 1, 1, 1),
        *(0.0, 0.0, 0.0),
        intent,
        *(_KINDS[volume.voxels.dtype], 8 * volume.voxels.dtype.itemsize),
        0,
        *(handedness, di, dj, dk, 0.0, 0.0, 0.0, 0.0),
        352.0,
        *(slope, 0.0),
        0,
        0,
        _MILLIMETERS,
        *(0.0, 0.0, 0.0, 0.0),
        *(0, 0),
        description.encode("ascii", "replace")[:79],
        b"",
        *(qform_code, _SCANNER),
        *(b, c, d),
        *(x, y, z),
        *(float(value) for value in volume.ijk_to_ras[:3].reshape(-1)),
        b"",
        b"n+1",
    )


def _quaternion(
    ijk_to_ras: npt.NDArray[np.float64],
) -> tuple[tuple[float, float, float] | None, float]:
    """``(b, c, d)`` of the unit quaternion with a >= 0, and qfac (-1 for a mirrored grid); None on a sheared grid."""
    axes = ijk_to_ras[:3, :3] / np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    handedness = 1.0 if np.linalg.det(axes) > 0 else -1.0
    if np.abs(axes.T @ axes - np.eye(3)).max() > _ORTHOGONAL:
        return None, handedness
    u, _, vt = np.linalg.svd(axes * (1.0, 1.0, handedness))
    rotation = u @ vt
    # The quaternion is the eigenvector of this matrix with the largest eigenvalue (Bar-Itzhack 2000): no special cases.
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    matrix = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, yy - xx - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    b, c, d, a = (float(value) for value in np.linalg.eigh(matrix)[1][:, -1])
    sign = 1.0 if a >= 0 else -1.0
    return (sign * b, sign * c, sign * d), handedness
