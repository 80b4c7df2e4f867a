"""Whole maps: probabilities on a grid over the whole CT, as outlined kidneys on the CT's own grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import Mask, dilated
from ..anatomy.kidneys import OutlinedKidney
from ..anatomy.masses import without_gas, without_specks
from ..boxes import Box
from ..cascade.locate import LocatedKidney, Location, located, plausible_kidneys
from ..labels import Side
from ..resampling import interpolate
from ..volume import Volume

Map = npt.NDArray[np.float32]

_AROUND_VOXELS = 2  # of the maps' grid: interpolation reaches past a component by less than one


@dataclass(frozen=True, eq=False)
class WholeMaps:
    """What a network says about a whole CT.

    Attributes:
        grid: the CT in HU on the network's grid, which covers all of it, in canonical order.
        kidney: probability of kidney, on that grid; with or without masses, as the network draws it.
        organ: probability of kidney with its masses.
        mass: probability of masses.
        side: the only side that the network draws; None where sides are told by anatomy.
    """

    grid: Volume
    kidney: Map
    organ: Map
    mass: Map
    side: Side | None = None


def outlined(view: Volume, maps: Sequence[WholeMaps]) -> tuple[list[OutlinedKidney], list[str]]:
    """Kidneys with their masses on the CT's grid, right ones first, no voxel in two of them, and warnings.

    Kidneys are connected domains of plausible size; masses lie in them. A kidney's border lies where the interpolated
    probability is one half.

    Args:
        view: the CT in canonical order.
        maps: one for both sides, or one for each side.
    """
    places = [(own, _location(view, own)) for own in maps]
    warnings = [text for _, location in places for text in location.warnings]
    found: list[OutlinedKidney] = []
    taken = np.zeros(view.shape, dtype=bool)
    for own, location in places:
        for kidney in location.kidneys:
            outline = _outline(view, own, kidney, [other for other in location.kidneys if other is not kidney], taken)
            if outline is None:
                warnings.append(f"A region found on the {kidney.side.value} side could not be outlined as a kidney.")
            else:
                found.append(outline)
                taken[outline.box.slices] |= outline.kidney | outline.mass
    found.sort(key=lambda kidney: kidney.side is Side.LEFT)
    if not found:
        warnings.append("No kidney was found.")
    return found, warnings


def on_box(values: Map, box: Box, view: Volume) -> Map:
    """A map of the whole CT, interpolated on the voxels of ``box``."""
    at = [
        (start + np.arange(size) + 0.5) * coarse / full - 0.5
        for start, size, coarse, full in zip(box.start, box.shape, values.shape, view.shape, strict=True)
    ]
    return interpolate(values, at)


def _location(view: Volume, maps: WholeMaps) -> Location:
    kidney = maps.kidney > 0.5
    components = plausible_kidneys(maps.organ, 0.5, maps.grid.voxel_ml)
    # What is called a mass and nowhere a kidney hangs on something else.
    components = [part for part in components if (kidney & part.mask).any()]
    if not components:
        return Location((), maps.grid, maps.organ, ())
    if maps.side is None:
        return located(view, maps.grid, maps.organ, components)
    largest = max(components, key=lambda part: np.count_nonzero(kidney & part.mask))
    box = Box.around(largest.mask)
    assert box is not None, "components are never empty"
    box = box.scaled(maps.grid.shape, view.shape).clipped(view.shape)
    return Location((LocatedKidney(maps.side, largest.mask, box),), maps.grid, maps.organ, ())


def _outline(
    view: Volume, maps: WholeMaps, kidney: LocatedKidney, rivals: list[LocatedKidney], taken: Mask
) -> OutlinedKidney | None:
    """A located kidney on the CT's own grid; None where nothing is left of it."""
    step = np.divide(view.shape, maps.grid.shape)
    k, j, i = np.ceil(_AROUND_VOXELS * step).astype(int).tolist()
    box = kidney.box.padded((k, j, i), view.shape)
    own = _on_box(dilated(kidney.mask, (1, 1, 1)), box, view)
    for rival in rivals:
        own &= ~_on_box(rival.mask, box, view)
    own &= ~taken[box.slices]
    organ = (on_box(maps.organ, box, view) > 0.5) & own
    found = without_specks((on_box(maps.mass, box, view) > 0.5) & organ, view.voxel_ml)
    mass = without_gas(found, view.voxels[box.slices])
    organ = organ & ~found | mass
    tight = Box.around(organ)
    if tight is None:
        return None
    organ, mass = organ[tight.slices], mass[tight.slices]
    return OutlinedKidney(kidney.side, tight.moved(box.start), organ & ~mass, mass)


def _on_box(mask: Mask, box: Box, view: Volume) -> Mask:
    """A mask of the maps' grid on the voxels of ``box``, the nearest voxel each."""
    indices = [
        np.minimum(((start + np.arange(size) + 0.5) * coarse / full).astype(np.int64), coarse - 1)
        for start, size, coarse, full in zip(box.start, box.shape, mask.shape, view.shape, strict=True)
    ]
    return np.asarray(mask[np.ix_(*indices)])
