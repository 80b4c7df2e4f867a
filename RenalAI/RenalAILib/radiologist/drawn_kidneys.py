"""Drawn kidneys: what a radiologist outlined where the networks saw no kidney, or another one."""

from __future__ import annotations

import numpy as np

from ..anatomy.domains import Mask, connected_domains
from ..findings import Kidney
from ..labels import Side
from ..volume import Volume
from .drawn_masses import side_at
from .edits import kidney_within

_SPECK = 0.1  # of the largest domain: less is a slip of the brush


def drawn_kidney(segment_id: str, mask: Mask, part: Volume, side: Side | None, volume: Volume) -> Kidney | None:
    """A kidney of the radiologist's, with volume and mean HU; None for one segment that lies on both sides.

    Args:
        segment_id: of the segment that holds it.
        mask: bool ``[k, j, i]`` on the voxels of ``part``, without the masses.
        part: the part of the CT that ``mask`` lies in.
        side: the patient's, None where it is not said: then that of the half of the body where the segment lies.
        volume: the whole CT.

    Raises:
        ValueError: nothing was drawn.
    """
    if side is None:
        sides = _sides(mask, part, volume)
        if len(sides) > 1:
            return None
        side = sides.pop() if sides else Side.RIGHT  # nothing was drawn: the next line says so
    return kidney_within(Kidney(segment_id, side, 0.0, 0.0, drawn=True), mask, part)


def _sides(mask: Mask, part: Volume, volume: Volume) -> set[Side]:
    """The halves of the body in which the domains of ``mask`` lie; specks beside the largest do not count."""
    numbers, counts = connected_domains(mask)
    large = [n for n, count in enumerate(counts, start=1) if count >= _SPECK * counts.max()]
    return {side_at(part.ras(np.argwhere(numbers == n).mean(axis=0)), (), volume) for n in large}
