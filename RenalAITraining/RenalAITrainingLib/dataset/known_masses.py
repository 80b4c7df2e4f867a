"""The masses that a label map shows: side, class and size, for the table and for the split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from RenalAILib.anatomy.masses import centroid_ras, diameters
from RenalAILib.boxes import Box
from RenalAILib.compare.sides import sided_masses
from RenalAILib.labels import MASS_LABELS, MassClass
from RenalAILib.orientation import canonical
from RenalAILib.volume import Volume

from .case import KnownMass
from .grids import part_of

_CLASSES = {mass_class.label: mass_class for mass_class in MassClass}


@dataclass(frozen=True, eq=False)
class MassDomain:
    """One connected domain of mass labels.

    Attributes:
        known: what the tables say of it.
        centroid_ras: its middle, mm.
        voxels: the label map about it, a view: what is written there is written into the label map.
        mask: which of them belong to it.
    """

    known: KnownMass
    centroid_ras: tuple[float, float, float]
    voxels: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]


def mass_domains(labels: Volume) -> list[MassDomain]:
    """All connected domains of mass labels, largest first; the class is that of most of a domain's voxels.

    Args:
        labels: `Label` values on any grid.
    """
    view = canonical(labels)
    box = Box.around(view.voxels)
    if box is None or not np.isin(view.voxels[box.slices], MASS_LABELS).any():
        return []
    part = part_of(view, box)
    found = []
    for region in sided_masses(part, part)[0]:
        voxels = part.voxels[region.box.slices]
        counts = np.bincount(voxels[region.mask], minlength=max(MASS_LABELS) + 1)
        label = max(MASS_LABELS, key=lambda value: int(counts[value]))
        known = KnownMass(region.side, _CLASSES[label], round(diameters(region, part).average, 1))
        found.append(MassDomain(known, centroid_ras(region, part), voxels, region.mask))
    return sorted(found, key=lambda domain: -domain.known.diameter_mm)


def known_masses(labels: Volume) -> tuple[KnownMass, ...]:
    """What the tables say of the masses of a label map, see `mass_domains`."""
    return tuple(domain.known for domain in mass_domains(labels))
