"""The masses that a label map shows: side, class and size, for the table and for the split."""

from __future__ import annotations

import numpy as np

from RenalAILib.boxes import Box
from RenalAILib.compare.sides import sided_masses
from RenalAILib.labels import MASS_LABELS, MassClass
from RenalAILib.masses import diameters
from RenalAILib.orientation import canonical
from RenalAILib.volume import Volume

from .case import KnownMass
from .grids import part_of

_CLASSES = {mass_class.label: mass_class for mass_class in MassClass}


def known_masses(labels: Volume) -> tuple[KnownMass, ...]:
    """All connected domains of mass labels, largest first; the class is that of most of a domain's voxels.

    Args:
        labels: `Label` values on any grid.
    """
    view = canonical(labels)
    box = Box.around(view.voxels)
    if box is None or not np.isin(view.voxels[box.slices], MASS_LABELS).any():
        return ()
    part = part_of(view, box)
    found = []
    for region in sided_masses(part, part)[0]:
        counts = np.bincount(part.voxels[region.box.slices][region.mask], minlength=max(MASS_LABELS) + 1)
        label = max(MASS_LABELS, key=lambda value: int(counts[value]))
        size = round(diameters(region, part).average, 1)
        found.append(KnownMass(region.side, _CLASSES[label], size))
    return tuple(sorted(found, key=lambda mass: -mass.diameter_mm))
