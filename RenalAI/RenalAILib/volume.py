"""Volume: voxels in HU and where they lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3-D image as an array ``[k, j, i]`` and its 4x4 IJK to RAS matrix in mm.

    The matrix maps homogeneous ``(i, j, k, 1)`` to ``(R, A, S, 1)``, as in Slicer. It may be oblique, flipped,
    permuted or sheared (gantry tilt), never singular.

    Args:
        voxels: 3-D array in array order ``[k, j, i]``; CT in HU. Kept as given (no copy).
        ijk_to_ras: 4x4, mm.
        name: what messages and reports call it (a file name, a node name, a series description).

    Raises:
        ValueError: the array is not 3-D, or the matrix is not a finite, invertible 4x4 affine.

    Example:
        >>> Volume(np.zeros((40, 64, 64), np.int16), np.diag([-0.8, -0.8, 2.5, 1.0])).spacing_mm.tolist()
        [2.5, 0.8, 0.8]
    """

    voxels: np.ndarray
    ijk_to_ras: npt.NDArray[np.float64]
    name: str = "volume"

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3:
            raise ValueError(f"a volume needs 3 axes, got an array of shape {self.voxels.shape}")
        matrix = np.array(self.ijk_to_ras, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not np.allclose(matrix[3], (0, 0, 0, 1)):
            raise ValueError(f"ijk_to_ras must be a finite 4x4 affine, got {matrix.tolist()}")
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
            raise ValueError(f"ijk_to_ras must be invertible, got {matrix.tolist()}")
        matrix.setflags(write=False)
        object.__setattr__(self, "ijk_to_ras", matrix)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along ``(k, j, i)``."""
        k, j, i = self.voxels.shape
        return k, j, i

    @cached_property
    def spacing_mm(self) -> npt.NDArray[np.float64]:
        """Distance between neighbouring voxels along ``(k, j, i)``, mm."""
        return np.asarray(np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)[::-1], dtype=np.float64)

    @cached_property
    def voxel_ml(self) -> float:
        """The volume of one voxel in millilitres (of the parallelepiped, where the grid is sheared)."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])) / 1000.0)

    def ras(self, kji: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Array indices ``(..., 3)`` in order (k, j, i), fractions allowed, to RAS mm ``(..., 3)``."""
        ijk = np.asarray(kji, dtype=np.float64)[..., ::-1]
        return ijk @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]

    def kji(self, ras: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """RAS mm ``(..., 3)`` to fractional array indices ``(..., 3)`` in order (k, j, i)."""
        offset = np.asarray(ras, dtype=np.float64) - self.ijk_to_ras[:3, 3]
        return (offset @ np.linalg.inv(self.ijk_to_ras[:3, :3]).T)[..., ::-1]

    def same_grid(self, other: Volume, tolerance_mm: float = 1e-3) -> bool:
        """Whether both lie on one grid: equal shape, and no corner further apart than ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        corners = np.stack(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij"), -1).reshape(-1, 3)
        return bool(np.abs(self.ras(corners) - other.ras(corners)).max() <= tolerance_mm)

    def with_voxels(self, voxels: np.ndarray) -> Volume:
        """Other voxels (a mask, a map) on the same grid."""
        if voxels.shape != self.shape:
            raise ValueError(f"{self.name} has shape {self.shape}, got an array of shape {voxels.shape}")
        return Volume(voxels, self.ijk_to_ras, self.name)
