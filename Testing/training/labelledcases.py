"""Cases for tests of datasets: two ellipsoid kidneys with a mass or two in a box of fat, on any grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from RenalAILib.labels import Label
from RenalAILib.pseudonyms import Pseudonyms
from RenalAILib.volume import Volume

NAMES = Pseudonyms(b"tests of datasets" * 2)
AXIAL = np.array([[-3.0, 0, 0, 90], [0, -3.0, 0, 60], [0, 0, 4.0, -50], [0, 0, 0, 1]])
"""IJK to RAS of an axial CT: i to the patient's left, j to the back, k to the head."""

SHAPE = (26, 40, 60)
_HU = {
    Label.BACKGROUND: -100.0, Label.KIDNEY_RIGHT: 150.0, Label.KIDNEY_LEFT: 150.0, Label.AML: -60.0,
    Label.CYSTIC: 10.0, Label.SOLID: 80.0, Label.UNKNOWN: 60.0,
}  # fmt: skip


def labels(*masses: tuple[Label, str, float], seed: int = 0) -> Volume:
    """A label map with two kidneys; ``masses`` are (label, "right" or "left", radius in mm), on the outer side."""
    grid = Volume(np.zeros(SHAPE, np.uint8), AXIAL, "mask")
    rng = np.random.default_rng(seed)
    for side, sign in (("right", 1), ("left", -1)):
        centre = np.array([sign * 45.0, -10.0, 0.0]) + rng.uniform(-2, 2, 3)
        _paint(grid, Label.KIDNEY_RIGHT if side == "right" else Label.KIDNEY_LEFT, centre, (18.0, 15.0, 38.0))
        mine = [mass for mass in masses if mass[1] == side]
        for n, (label, _, radius) in enumerate(mine):
            place = np.add(centre, (sign * 12.0, 0.0, 26.0 * (n - (len(mine) - 1) / 2)))
            _paint(grid, label, place, (radius,) * 3)
    return grid


def ct_of(mask: Volume, seed: int = 0) -> Volume:
    """A CT on the mask's grid: HU by label, noise, air around a body of fat and muscle."""
    rng = np.random.default_rng(seed)
    table = np.array([_HU[label] for label in Label])
    hu = table[mask.voxels] + rng.normal(0, 8, mask.shape)
    r, a, _ = _ras(mask)
    outside = (r / 85) ** 2 + (a / 56) ** 2 > 1
    muscle = ((r / 80) ** 2 + (a / 52) ** 2 > 1) & ~outside
    spine = (np.abs(r) < 12) & (a < -20)
    hu[outside], hu[muscle] = -1000, 55 + rng.normal(0, 8, int(muscle.sum()))
    hu[spine & ~outside] = 300
    return Volume(hu.astype(np.int16), mask.ijk_to_ras, "ct")


def _paint(grid: Volume, label: Label, centre: npt.ArrayLike, radii: npt.ArrayLike) -> None:
    offset = np.stack(_ras(grid)) - np.reshape(np.asarray(centre, float), (3, 1, 1, 1))
    grid.voxels[((offset / np.reshape(np.asarray(radii, float), (3, 1, 1, 1))) ** 2).sum(axis=0) <= 1] = label


def _ras(grid: Volume) -> npt.NDArray[np.float64]:
    at = np.stack(np.indices(grid.shape), axis=-1)
    return np.moveaxis(grid.ras(at), -1, 0)
