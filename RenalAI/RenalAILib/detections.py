"""Detection: a box that a detector suspects something in, in patient coordinates, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .boxes import Box
from .labels import Side
from .volume import Volume

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Detection:
    """A candidate in 3-D: boxes of neighbouring slices, joined.

    Attributes:
        detection_id: ``candidate_1`` and so on, by falling score.
        label: the detector's class, ``mass`` or ``nodule`` for example.
        score: 0 to 1; that of its best slice.
        centre_ras: RAS mm.
        size_mm: full edges along :attr:`axes_ras`.
        axes_ras: three unit vectors in RAS, along the CT's own i, j and k (an oblique CT has oblique boxes).
        slices: indices, along the head-foot axis of the CT as it is stored, of the slices with a box of it.
        side: the kidney it is near to, None where sides mean nothing or are not known.
    """

    detection_id: str
    label: str
    score: float
    centre_ras: Point
    size_mm: Point
    axes_ras: tuple[Point, Point, Point]
    slices: tuple[int, ...]
    side: Side | None = None

    @classmethod
    def of_box(
        cls,
        detection_id: str,
        label: str,
        score: float,
        box: Box,
        volume: Volume,
        slices: tuple[int, ...],
        side: Side | None = None,
    ) -> Detection:
        """A candidate from a box in the indices of ``volume``, whole voxels (edges lie half a voxel outside).

        Example:
            >>> ct = Volume(np.zeros((9, 9, 9)), np.diag([1.0, 1.0, 2.0, 1.0]))
            >>> found = Detection.of_box("candidate_1", "mass", 0.9, Box((2, 0, 0), (4, 3, 1)), ct, (2, 3))
            >>> found.centre_ras, found.size_mm
            ((0.0, 1.0, 5.0), (1.0, 3.0, 4.0))
        """
        centre = volume.ras((np.add(box.start, box.stop) - 1) / 2)
        steps = volume.ijk_to_ras[:3, :3].T  # rows: along i, j, k
        lengths = np.linalg.norm(steps, axis=1)
        i, j, k = (_point(row) for row in steps / lengths[:, None])
        return cls(
            detection_id, label, score, _point(centre), _point(lengths * box.shape[::-1]), (i, j, k), slices, side
        )

    @property
    def corners_ras(self) -> np.ndarray:
        """The eight corners ``(8, 3)``, RAS mm."""
        signs = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij"), -1).reshape(-1, 3)
        return np.asarray(self.centre_ras + (signs * self.size_mm) @ np.array(self.axes_ras))

    def to_json(self) -> dict[str, Any]:
        """Plain types for ``json.dump``."""
        return {
            **asdict(self),
            "side": self.side.value if self.side else None,
            "centre_ras": list(self.centre_ras),
            "size_mm": list(self.size_mm),
            "axes_ras": [list(axis) for axis in self.axes_ras],
            "slices": list(self.slices),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Detection:
        """The inverse of :meth:`to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        i, j, k = (_point(axis) for axis in data["axes_ras"])
        return cls(
            data["detection_id"],
            data["label"],
            data["score"],
            _point(data["centre_ras"]),
            _point(data["size_mm"]),
            (i, j, k),
            tuple(data["slices"]),
            None if data["side"] is None else Side(data["side"]),
        )


def _point(values: Any) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z
