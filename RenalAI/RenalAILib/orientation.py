"""Orientation: every volume looked at the same way round, without copying it.

Networks and anatomy rules see arrays whose axes run to the head (k), the back (j) and the patient's left (i),
the order of an axial CT. An oblique grid is taken to its nearest such order; the affine keeps the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from .boxes import Box, Triple
from .volume import Volume


@dataclass(frozen=True)
class Orientation:
    """How a canonical array (head, back, left) is cut from an array as it was stored.

    Attributes:
        axes: for each canonical axis (k, j, i), the stored array axis it is.
        flipped: for each canonical axis, whether the stored axis runs the other way.

    Example:
        >>> ras = Volume(np.zeros((4, 5, 6)), np.eye(4))  # stored: k to the head, j to the front, i to the right
        >>> Orientation.of(ras)
        Orientation(axes=(0, 1, 2), flipped=(False, True, True))
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @classmethod
    def of(cls, volume: Volume) -> Orientation:
        """The orientation that brings ``volume`` nearest to (head, back, left)."""
        columns = volume.ijk_to_ras[:3, :3] / np.linalg.norm(volume.ijk_to_ras[:3, :3], axis=0)
        stored = columns[:, ::-1]  # column n: direction in RAS of stored array axis n (k, j, i)
        wanted = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])  # head, back, left in RAS
        cosines = wanted @ stored  # [canonical axis, stored axis]
        best = max(permutations(range(3)), key=lambda order: sum(abs(cosines[n, order[n]]) for n in range(3)))
        return cls(
            (best[0], best[1], best[2]),
            (bool(cosines[0, best[0]] < 0), bool(cosines[1, best[1]] < 0), bool(cosines[2, best[2]] < 0)),
        )

    def apply(self, array: np.ndarray) -> np.ndarray:
        """The canonical view of a stored array; writing into it writes into ``array``."""
        return array.transpose(self.axes)[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]

    def undo(self, array: np.ndarray) -> np.ndarray:
        """The stored-order view of a canonical array."""
        unflipped = array[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]
        return unflipped.transpose(np.argsort(self.axes))

    def undo_box(self, box: Box, stored: Triple) -> Box:
        """A box of the canonical array in the indices of the stored one, whose shape is ``stored``."""
        start, stop = [0, 0, 0], [0, 0, 0]
        for axis, (source, flip) in enumerate(zip(self.axes, self.flipped, strict=True)):
            low, high = box.start[axis], box.stop[axis]
            start[source], stop[source] = (stored[source] - high, stored[source] - low) if flip else (low, high)
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def canonical(volume: Volume) -> Volume:
    """``volume`` seen as (head, back, left): same memory, same place in the patient."""
    orientation = Orientation.of(volume)
    turn = np.zeros((4, 4))  # canonical (i, j, k, 1) -> stored (i, j, k, 1)
    turn[3, 3] = 1.0
    for axis, (stored, flip) in enumerate(zip(orientation.axes, orientation.flipped, strict=True)):
        turn[2 - stored, 2 - axis] = -1.0 if flip else 1.0
        if flip:
            turn[2 - stored, 3] = volume.shape[stored] - 1
    return Volume(orientation.apply(volume.voxels), volume.ijk_to_ras @ turn, volume.name)
