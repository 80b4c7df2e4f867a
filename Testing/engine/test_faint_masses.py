"""Without contrast medium, what does not differ from the kidney is not called a mass; what differs stays."""

from __future__ import annotations

import numpy as np

from RenalAILib.anatomy.faint_masses import without_faint_masses
from RenalAILib.anatomy.kidneys import OutlinedKidney
from RenalAILib.boxes import Box
from RenalAILib.labels import Side
from RenalAILib.volume import Volume


def kidney_with(*values_hu: float) -> tuple[OutlinedKidney, Volume]:
    """A kidney of 30 HU in noise with a cube of each value in it, in a box that does not start at 0."""
    rng = np.random.default_rng(0)
    voxels = rng.normal(-100, 20, (24, 24, 40))
    box = Box((2, 2, 2), (22, 22, 38))
    organ = np.zeros(box.shape, dtype=bool)
    organ[2:18, 2:18, 2:34] = True
    mass = np.zeros_like(organ)
    inside = voxels[box.slices]
    inside[organ] = rng.normal(30, 20, int(organ.sum()))
    for number, value in enumerate(values_hu):
        cube = (slice(6, 12), slice(6, 12), slice(4 + 10 * number, 10 + 10 * number))
        mass[cube] = True
        inside[cube] = rng.normal(value, 20, (6, 6, 6))
    return OutlinedKidney(Side.RIGHT, box, organ & ~mass, mass), Volume(voxels, np.diag([-1.0, -1.0, 1.0, 1.0]))


def test_only_the_faint_one_is_given_back() -> None:
    kidney, view = kidney_with(5, 30, 70)
    (kept,), dropped = without_faint_masses([kidney], view)
    assert dropped == 1
    assert not kept.mass[6:12, 6:12, 14:20].any() and kept.kidney[6:12, 6:12, 14:20].all()
    assert kept.mass[6:12, 6:12, 4:10].all() and kept.mass[6:12, 6:12, 24:30].all()
    np.testing.assert_array_equal(kept.kidney | kept.mass, kidney.kidney | kidney.mass)
    assert not (kept.kidney & kept.mass).any()


def test_a_kidney_without_masses_or_nothing_but_mass_stays() -> None:
    kidney, view = kidney_with()
    assert without_faint_masses([kidney], view) == ([kidney], 0)
    all_mass = OutlinedKidney(Side.RIGHT, kidney.box, np.zeros_like(kidney.kidney), kidney.kidney)
    assert without_faint_masses([all_mass], view) == ([all_mass], 0)
