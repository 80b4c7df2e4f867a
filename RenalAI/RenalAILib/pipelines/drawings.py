"""Drawings: what networks draw on a whole CT, several of them fused, and the findings that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..anatomy.domains import Mask
from ..bundles.stages.phase_fusion import KIDNEY, MASS
from ..structures import STRUCTURES
from .mass_classes import mass_character
from .outlines import found_in
from .whole_maps import Map, WholeMaps, outlined
from .work import Found, Work


@dataclass(frozen=True, eq=False)
class Drawn:
    """Maps of kidneys and masses, for both sides together or for each, and of the mass classes by structure.

    All lie on the grid of the first of the maps.
    """

    maps: Sequence[WholeMaps]
    classes: Mapping[str, Map]


def fused(drawn: Mapping[str, Drawn], covered: Mapping[str, Mask], rule: Mapping[str, Sequence[str]]) -> Drawn:
    """What several networks draw, each region as the mean of those that the rule names for it.

    Where none of the named ones sees anything, all others that do are averaged; where nobody does, nothing is drawn.

    Args:
        drawn: by phase, on one grid.
        covered: by phase, which voxels of that grid its scan covers.
        rule: phases by region; see `bundles.stages.phase_fusion.regions_of`.
    """

    def mean(region: str, pick: Callable[[Drawn], Map]) -> Map:
        named = rule.get(region, rule[KIDNEY])
        total, seen = _sum([(pick(drawn[phase]), covered[phase]) for phase in named])
        if not seen.all():
            rest, others = _sum([(pick(each), covered[phase]) for phase, each in drawn.items() if phase not in named])
            total, seen = np.where(seen > 0, total, rest), np.where(seen > 0, seen, others)
        return np.asarray(total / np.maximum(seen, 1), dtype=np.float32)

    first = next(iter(drawn.values()))
    maps = [
        replace(
            own,
            kidney=mean(KIDNEY, lambda each, n=n: each.maps[n].kidney),  # type: ignore[misc]
            organ=mean(KIDNEY, lambda each, n=n: each.maps[n].organ),  # type: ignore[misc]
            mass=mean(MASS, lambda each, n=n: each.maps[n].mass),  # type: ignore[misc]
        )
        for n, own in enumerate(first.maps)
    ]
    classes = {name: mean(_class_of(name), lambda each, name=name: each.classes[name]) for name in first.classes}  # type: ignore[misc]
    return Drawn(maps, classes)


def finished(drawn: Drawn, work: Work, unknown_below: float, warnings: Sequence[str] = (), begin: float = 0.8) -> Found:
    """Kidneys and masses of what was drawn; a mass has the class that its voxels are called on average.

    Args:
        drawn: on a grid over all of ``work.view``.
        unknown_below: the class is unknown where its mean probability in the mass is lower.
        warnings: of the steps before, which come first.
        begin: the share of the work that is done already.
    """
    with work.stopwatch("delineate"):
        kidneys, lost = outlined(work.view, drawn.maps)
    with work.stopwatch("characterise"):
        return found_in(
            kidneys,
            work,
            lambda region: mass_character(region, drawn.classes, work.view, unknown_below),
            (*warnings, *lost),
            begin,
        )


def _sum(parts: Sequence[tuple[Map, Mask]]) -> tuple[Map, Map]:
    """Sum of the maps where each is covered, and how many are; zero of no maps."""
    total = np.sum([values * mask for values, mask in parts], axis=0, initial=np.float32(0)) if parts else np.float32(0)
    seen = np.sum([mask.astype(np.float32) for _, mask in parts], axis=0) if parts else np.float32(0)
    return np.asarray(total, dtype=np.float32), np.asarray(seen, dtype=np.float32)


def _class_of(structure: str) -> str:
    mass_class = STRUCTURES[structure].mass_class
    assert mass_class is not None, "only structures of one class have maps of their own"
    return mass_class.value
