"""Widening: where the box of a kidney cuts a mass, a wider box shows the whole of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import Mask, connected_domains
from ..boxes import Box, Triple

WIDER_MM = 40.0  # on each face that cuts a mass
SMALLEST_CUT = 64  # voxels of the network's grid on a face: less is noise at the border


def wider_box(
    box: Box, mass: Mask, at_kidney: Callable[[], Mask], spacing_mm: npt.NDArray[np.float64], within: Triple
) -> Box | None:
    """The box grown on every face that cuts a mass of its kidney; None where it cuts none.

    The box is drawn about what the coarse pass found. A tumor larger than the kidney is hardly kidney to that pass, and
    its far side then lies outside.

    Args:
        mass: on the network's grid, which is ``box`` stretched.
        at_kidney: gives, there, what lies at this kidney; a mass of which nothing does is another organ's. Asked only
            where a face cuts a mass, as this takes time.
        spacing_mm: of the volume, (k, j, i).
        within: the volume's shape; where the scan ends a face cannot move.

    Example:
        >>> mass = np.zeros((32, 32, 32), dtype=bool)
        >>> mass[:, 8:24, 8:24] = True                       # goes on above and below
        >>> box = Box((30, 20, 20), (70, 60, 60))
        >>> wider_box(box, mass, lambda: mass, np.ones(3), (100, 100, 100))
        Box(start=(0, 20, 20), stop=(100, 60, 60))
    """
    if not _cut(mass).any():
        return None
    numbers, counts = connected_domains(mass)
    own = np.zeros(counts.size + 1, dtype=bool)
    own[numbers[at_kidney() & mass]] = True
    lower, upper = _cut(own[numbers])
    reach = np.ceil(WIDER_MM / spacing_mm).astype(int)
    start = np.where(lower, np.maximum(np.subtract(box.start, reach), 0), box.start)
    stop = np.where(upper, np.minimum(np.add(box.stop, reach), within), box.stop)
    wider = Box((int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2])))
    return None if wider == box else wider


def _cut(mass: Mask) -> npt.NDArray[np.bool_]:
    """Which faces cut it: (2, 3), the lower and the upper one of each axis."""
    faces = [[np.count_nonzero(mass.take(end, axis)) for axis in range(3)] for end in (0, -1)]
    return np.array(faces) >= SMALLEST_CUT
