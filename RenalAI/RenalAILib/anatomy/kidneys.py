"""Kidneys: outlined ones, their measurements, and warnings about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from ..boxes import Box
from ..findings import Kidney
from ..labels import Side
from ..volume import Volume
from .domains import Mask
from .evidence import UNENHANCED_KIDNEY_BELOW_HU


@dataclass(frozen=True, eq=False)
class OutlinedKidney:
    """One kidney in a box of the CT (canonical indices): ``kidney`` without its masses, and ``mass``; both bool."""

    side: Side
    box: Box
    kidney: Mask
    mass: Mask


def organs_by_side(view: Volume, kidneys: Sequence[OutlinedKidney]) -> dict[Side, Mask]:
    """Masks of the kidneys with their masses on the grid of ``view``, those of one side together."""
    organs: dict[Side, Mask] = {}
    for kidney in kidneys:
        mask = organs.setdefault(kidney.side, np.zeros(view.shape, dtype=np.bool_))
        mask[kidney.box.slices] |= kidney.kidney | kidney.mass
    return organs


def describe_kidneys(outlined: Iterable[OutlinedKidney], view: Volume) -> list[Kidney]:
    """IDs and measurements; a second kidney of one side is ``kidney_right_2``."""
    numbers = {side: count(1) for side in Side}
    result = []
    for kidney in outlined:
        number = next(numbers[kidney.side])
        name = f"kidney_{kidney.side.value}" + ("" if number == 1 else f"_{number}")
        voxels = view.voxels[kidney.box.slices][kidney.kidney]
        mean = float(voxels.mean()) if voxels.size else float("nan")
        result.append(Kidney(name, kidney.side, voxels.size * view.voxel_ml, mean))
    return result


def about_kidneys(outlined: Iterable[OutlinedKidney], kidneys: Sequence[Kidney], view: Volume) -> list[str]:
    """Warnings about kidneys that the scan cuts off and about missing contrast medium."""
    warnings = []
    for shape, kidney in zip(outlined, kidneys, strict=True):
        organ = shape.kidney | shape.mass
        if _touches_border(organ, shape, view):
            warnings.append(
                f"The {kidney.segment_id.replace('_', ' ')} reaches the edge of the scan: "
                "a part of it may be missing, and its volume is that of the part in view."
            )
    if are_unenhanced(kidneys):
        warnings.append(
            f"The kidneys measure {_mean_hu(kidneys):.0f} HU on average: probably no contrast medium. "
            "Masses are harder to see, and enhancement cannot be judged."
        )
    return warnings


def are_unenhanced(kidneys: Sequence[Kidney]) -> bool:
    """Whether the kidneys are so dark that no contrast medium can have reached them."""
    return bool(kidneys) and _mean_hu(kidneys) < UNENHANCED_KIDNEY_BELOW_HU


def _touches_border(organ: Mask, shape: OutlinedKidney, view: Volume) -> bool:
    for axis in range(3):
        planes = np.moveaxis(organ, axis, 0)
        if shape.box.start[axis] == 0 and planes[0].any():
            return True
        if shape.box.stop[axis] == view.shape[axis] and planes[-1].any():
            return True
    return False


def _mean_hu(kidneys: Sequence[Kidney]) -> float:
    """Mean over all kidneys by volume."""
    return float(np.average([kidney.mean_hu for kidney in kidneys], weights=[kidney.volume_ml for kidney in kidneys]))
