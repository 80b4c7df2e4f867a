"""Classes of masses from maps of a whole CT: what their voxels are called on average."""

from __future__ import annotations

from collections.abc import Mapping

from ..anatomy.masses import Character, MassRegion
from ..labels import MassClass
from ..structures import STRUCTURES
from ..volume import Volume
from .whole_maps import Map, on_box


def mass_character(region: MassRegion, maps: Mapping[str, Map], view: Volume, unknown_below: float) -> Character:
    """The class of a mass by the maps of the structures that are masses of one class.

    Args:
        region: in indices of ``view``.
        maps: probability by structure, on grids that cover the whole CT.
        unknown_below: the class is unknown where its share is lower, or where no map is of a class.
    """
    shares: dict[MassClass, float] = {}
    for name, values in maps.items():
        mass_class = STRUCTURES[name].mass_class
        if mass_class is not None:
            shares[mass_class] = float(on_box(values, region.box, view)[region.mask].mean())
    whole = sum(shares.values())
    if whole <= 0:
        return Character(MassClass.UNKNOWN, {})
    shares = {mass_class: share / whole for mass_class, share in shares.items()}
    best = max(shares, key=lambda mass_class: shares[mass_class])
    return Character(best if shares[best] >= unknown_below else MassClass.UNKNOWN, shares)
