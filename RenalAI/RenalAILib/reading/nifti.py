"""NIfTI: NIfTI-1 and NIfTI-2 single files, read exactly or not at all.

Not through ITK, which (measured with 5.4) reads a truncated file as if its rest were zeros, takes a file that says
nothing about orientation for LPS, and refuses or straightens a sheared matrix. Here such a file is refused, and a
sheared one kept as it is. Format: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h and nifti2.h.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .gunzip import GunzipReader
from .stored import Stored, check_three_axes

_DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_COLORS = {128, 2304}
_MM_OF_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # unknown, meter, millimeter, micron
_DISAGREEMENT_MM = 1.0


@dataclass(frozen=True)
class _Layout:
    """Where the fields of one version lie, as (offset, struct format)."""

    size: int
    dim: tuple[int, str]
    datatype: tuple[int, str]
    pixdim: tuple[int, str]
    vox_offset: tuple[int, str]
    scaling: tuple[int, str]
    units: tuple[int, str]
    codes: tuple[int, str]
    quaternion: tuple[int, str]
    rows: tuple[int, str]


_NIFTI1 = _Layout(
    348, (40, "8h"), (70, "h"), (76, "8f"), (108, "f"), (112, "2f"), (123, "b"), (252, "2h"), (256, "6f"), (280, "12f")
)
_NIFTI2 = _Layout(
    540, (16, "8q"), (12, "h"), (104, "8d"), (168, "q"), (176, "2d"), (500, "i"), (344, "2i"), (352, "6d"), (400, "12d")
)


def read_nifti(path: Path) -> Stored:
    """The image in a ``.nii`` or ``.nii.gz`` file.

    Raises:
        InputError: not NIfTI, truncated or damaged, not 3-D, colors or complex numbers, no orientation.
        OSError: the file cannot be opened.
    """
    name = path.name
    with GunzipReader(path) as stream:
        head = stream.read(540)
        layout, order = _recognized(name, head)
        fields = _Fields(head, layout, order)
        count = fields.dim[0]
        sizes = check_three_axes(name, tuple(int(size) for size in fields.dim[1 : 1 + count]))
        dtype = fields.dtype(name)
        start, length = int(fields.vox_offset), math.prod(sizes) * dtype.itemsize
        if start < layout.size or start > 1 << 26:
            raise InputError(f"{name} is damaged: its header says that the voxels start at byte {start}")
        stream.expect(start + length)
        matrix, notes = fields.affine(name)
        data = stream.read_all(head, start, length)
    i, j, k = sizes
    voxels = np.frombuffer(data, dtype).reshape(k, j, i)
    if not dtype.isnative:
        voxels = voxels.astype(dtype.newbyteorder("="))
    return Stored(_rescaled(voxels, *fields.scaling), matrix, notes)


def _recognized(name: str, head: bytes) -> tuple[_Layout, str]:
    for layout in (_NIFTI1, _NIFTI2):
        for order in "<>":
            if len(head) >= layout.size and struct.unpack_from(order + "i", head)[0] == layout.size:
                magic = head[344:347] if layout is _NIFTI1 else head[4:7]
                if magic == b"ni1":
                    raise InputError(f"{name} keeps its voxels in another file (.img); convert it to one .nii file")
                if magic not in (b"n+1", b"n+2"):
                    raise InputError(f"{name} is an Analyze file, not NIfTI; Analyze does not say which side is right")
                return layout, order
    raise InputError(f"{name} is not a NIfTI file, whatever its name says")


class _Fields:
    """The header's fields by name."""

    def __init__(self, head: bytes, layout: _Layout, order: str) -> None:
        def get(field: tuple[int, str]) -> tuple[float, ...]:
            return struct.unpack_from(order + field[1], head, field[0])

        self._order = order
        self.dim = tuple(int(value) for value in get(layout.dim))
        self.datatype = int(get(layout.datatype)[0])
        self.vox_offset = get(layout.vox_offset)[0]
        self.scaling = (get(layout.scaling)[0], get(layout.scaling)[1])
        self._pixdim = get(layout.pixdim)
        self._mm = _MM_OF_UNIT.get(int(get(layout.units)[0]) & 7, 1.0)
        self._qform_code, self._sform_code = (int(value) for value in get(layout.codes))
        self._quaternion = get(layout.quaternion)
        self._rows = get(layout.rows)
        if not 1 <= self.dim[0] <= 7 or not math.isfinite(self.vox_offset):
            self.dim = (0,) * 8  # refused by check_three_axes

    def dtype(self, name: str) -> np.dtype[np.generic]:
        if self.datatype in _COLORS:
            raise InputError(f"{name} is a color image; RenalAI reads CT in HU")
        if self.datatype not in _DTYPES:
            raise InputError(f"{name} has voxels of NIfTI type {self.datatype}; RenalAI reads whole and real numbers")
        return np.dtype(self._order + _DTYPES[self.datatype])

    def affine(self, name: str) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
        """IJK to RAS: the sform where there is one, else the qform."""
        sform = self._sform() if self._sform_code > 0 else None
        qform = self._qform() if self._qform_code > 0 else None
        if sform is not None and qform is not None:
            corners = np.array(np.meshgrid(*[(0, size - 1) for size in self.dim[1:4]], [1])).reshape(4, -1)
            if np.abs((sform - qform)[:3] @ corners).max() > _DISAGREEMENT_MM:
                return sform, (f"{name} gives two different positions (sform and qform); the sform was used",)
        matrix = qform if sform is None else sform
        if matrix is None:
            raise InputError(f"{name} does not say how the patient lies in it (no sform, no qform): sides are unknown")
        return matrix, ()

    def _sform(self) -> npt.NDArray[np.float64]:
        matrix = np.vstack([np.reshape(self._rows, (3, 4)), (0, 0, 0, 1)])
        matrix[:3] *= self._mm
        return matrix

    def _qform(self) -> npt.NDArray[np.float64]:
        b, c, d, *offset = self._quaternion
        a = math.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
        rotation = np.array([
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ])  # fmt: skip
        handed = -1.0 if self._pixdim[0] < 0 else 1.0
        matrix = np.eye(4)
        matrix[:3, :3] = rotation * (self._pixdim[1], self._pixdim[2], handed * self._pixdim[3])
        matrix[:3, 3] = offset
        matrix[:3] *= self._mm
        return matrix


def _rescaled(voxels: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Real values; a slope of 0 means that there is none."""
    if slope == 0 or not math.isfinite(slope) or not math.isfinite(intercept) or (slope, intercept) == (1.0, 0.0):
        return voxels
    if voxels.dtype.kind in "iu" and voxels.dtype.itemsize <= 2 and slope.is_integer() and intercept.is_integer():
        return voxels.astype(np.int32) * int(slope) + int(intercept)
    return voxels * np.float32(slope) + np.float32(intercept)
