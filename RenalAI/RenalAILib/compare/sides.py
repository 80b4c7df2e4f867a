"""Sides: each mass of a label map given to the nearest kidney."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..anatomy.masses import MassRegion, centroid_ras, mass_regions
from ..boxes import Box
from ..labels import MASS_LABELS, Label, Side
from ..volume import Volume

_POINTS = 4000  # of each kidney: enough to tell which one is nearer


def sided_masses(predicted: Volume, true: Volume) -> tuple[list[MassRegion], list[MassRegion]]:
    """The connected domains of both label maps (canonical order, one grid), each with its side.

    A mass belongs to the kidney nearest to its centre, whichever label map drew that kidney (a mass can take the
    place of a whole kidney in one of them). Without any kidney the patient's side of the grid's middle counts.
    """
    kidneys = {side: _surface_points(predicted, true, side) for side in Side}
    found = [[_with_side(region, labels, kidneys) for region in _domains(labels)] for labels in (predicted, true)]
    return found[0], found[1]


def _domains(labels: Volume) -> list[MassRegion]:
    mask = np.isin(labels.voxels, MASS_LABELS)
    return list(mass_regions(mask, Box.whole(labels.shape), Side.RIGHT))


def _with_side(region: MassRegion, labels: Volume, kidneys: dict[Side, npt.NDArray[np.float64]]) -> MassRegion:
    centre = np.array(centroid_ras(region, labels))
    distances = {
        side: float(np.linalg.norm(points - centre, axis=1).min()) for side, points in kidneys.items() if len(points)
    }
    if distances:
        return replace(region, side=min(distances, key=lambda side: distances[side]))
    middle = labels.ras((np.array(labels.shape) - 1) / 2)
    return replace(region, side=Side.RIGHT if centre[0] > middle[0] else Side.LEFT)


def _surface_points(predicted: Volume, true: Volume, side: Side) -> npt.NDArray[np.float64]:
    label = Label.kidney(side)
    at = np.argwhere((predicted.voxels == label) | (true.voxels == label))
    return predicted.ras(at[:: max(1, len(at) // _POINTS)])
