"""The phantom: reproducible, with an exact and plausible truth."""

from __future__ import annotations

import numpy as np
import pytest

from RenalAILib.anatomy.domains import connected_domains
from RenalAILib.labels import Label, MassClass, Side
from RenalAILib.phantom import Anatomy, Extent, MassPlan, Phase, make_phantom

COARSE = {"shape": (48, 128, 152), "spacing_mm": (5.5, 2.5, 2.5)}


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(3, **COARSE)


def test_the_same_seed_gives_the_same_scan(phantom) -> None:
    again = make_phantom(3, **COARSE)
    np.testing.assert_array_equal(phantom.volume.voxels, again.volume.voxels)
    np.testing.assert_array_equal(phantom.labels, again.labels)
    assert not np.array_equal(make_phantom(4, **COARSE).labels, phantom.labels)


def test_kidneys_lie_on_their_sides_and_have_a_usual_size(phantom) -> None:
    for side, sign in ((Side.RIGHT, 1), (Side.LEFT, -1)):
        at = np.argwhere(phantom.labels == Label.kidney(side))
        assert 60 < len(at) * phantom.volume.voxel_ml < 260
        assert sign * phantom.volume.ras(at.mean(axis=0))[0] > 25


def test_four_masses_stand_apart(phantom) -> None:
    numbers, counts = connected_domains(phantom.labels >= Label.AML)
    assert len(counts) == 4
    classes = sorted(int(phantom.labels[numbers == n].max()) for n in range(1, 5))
    assert classes == [Label.AML, Label.CYSTIC, Label.CYSTIC, Label.SOLID]


@pytest.mark.parametrize("phase", list(Phase))
def test_hu_by_class_and_phase(phase: Phase) -> None:
    made = make_phantom(5, phase=phase, noise_hu=1.0, **COARSE)
    hu, labels = made.volume.voxels, made.labels
    cyst = np.median(hu[labels == Label.CYSTIC])
    solid = np.median(hu[labels == Label.SOLID])
    kidney = np.median(hu[(labels == Label.KIDNEY_LEFT) | (labels == Label.KIDNEY_RIGHT)])
    assert -5 < cyst < 25
    assert (hu[labels == Label.AML] < -30).mean() > 0.2
    if phase is Phase.PLAIN:
        assert abs(kidney - 33) < 12
    else:
        assert kidney > 85 and solid > cyst + 25


def test_anatomies() -> None:
    def volumes(anatomy: Anatomy, **more) -> dict[Label, float]:
        made = make_phantom(2, anatomy=anatomy, masses=(), **(COARSE | more))
        return {label: float((made.labels == label).sum() * made.volume.voxel_ml) for label in Label}

    none = volumes(Anatomy.NO_KIDNEYS)
    assert none[Label.KIDNEY_RIGHT] == none[Label.KIDNEY_LEFT] == 0
    one = volumes(Anatomy.ONE_KIDNEY)
    assert (one[Label.KIDNEY_RIGHT] == 0) != (one[Label.KIDNEY_LEFT] == 0)
    horseshoe = make_phantom(2, anatomy=Anatomy.HORSESHOE, masses=(), **COARSE)
    assert len(connected_domains(horseshoe.labels > 0)[1]) == 1
    pelvis = volumes(Anatomy.TRANSPLANT, shape=(80, 128, 152))
    assert pelvis[Label.KIDNEY_RIGHT] + pelvis[Label.KIDNEY_LEFT] > 300


def test_a_ptotic_kidney_lies_low() -> None:
    made = make_phantom(2, anatomy=Anatomy.PTOTIC, masses=(), **COARSE)
    heights = [
        np.argwhere(made.labels == label)[:, 0].mean() * made.volume.spacing_mm[0]
        for label in (Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT)
    ]
    assert abs(heights[0] - heights[1]) > 35


def test_a_third_kidney_lies_apart_below_the_left_one() -> None:
    made = make_phantom(2, anatomy=Anatomy.THREE_KIDNEYS, masses=(), **(COARSE | {"shape": (64, 128, 152)}))
    numbers, counts = connected_domains(made.labels == Label.KIDNEY_LEFT)
    assert len(counts) == 2
    assert np.argwhere(numbers == 2)[:, 0].max() < np.argwhere(numbers == 1)[:, 0].min()
    assert 0.1 < counts[1] / counts[0] < 0.6


def test_streaks_run_from_side_to_side() -> None:
    clean, streaked = (make_phantom(4, noise_hu=1.0, streaks_hu=sd, **COARSE) for sd in (0.0, 30.0))
    np.testing.assert_array_equal(clean.labels, streaked.labels)
    inside = clean.volume.voxels > -200
    added = np.where(inside, streaked.volume.voxels.astype(np.float32) - clean.volume.voxels, 0.0)
    assert added[inside].std() == pytest.approx(30, rel=0.2)
    along_i, along_j = (np.diff(added, axis=axis).std() for axis in (2, 1))
    assert along_j > 3 * along_i


def test_no_two_patients_are_alike() -> None:
    sizes, heights = [], []
    for seed in range(6):
        made = make_phantom(seed, masses=(), shape=(30, 64, 76), spacing_mm=(8.0, 5.0, 5.0))
        sizes.append((made.volume.voxels[15] > -300).sum() * 0.25)  # cm2 of the body's section
        heights.append(np.argwhere(made.labels == Label.KIDNEY_LEFT)[:, 0].mean() * 8.0)
    assert max(sizes) > 1.15 * min(sizes)
    assert np.ptp(heights) > 10


def test_a_thorax_has_no_kidneys() -> None:
    assert not make_phantom(1, extent=Extent.THORAX, shape=(30, 128, 152), spacing_mm=(4.0, 2.5, 2.5)).labels.any()


def test_planned_masses_are_placed_with_their_size() -> None:
    plan = MassPlan(MassClass.SOLID, Side.LEFT, 40.0, 0.5)
    made = make_phantom(6, masses=(plan,), shape=(70, 160, 192), spacing_mm=(3.5, 2.0, 2.0))
    assert [mass.plan for mass in made.masses] == [plan]
    ball = 4 / 3 * np.pi * 20**3 / 1000
    assert (made.labels == Label.SOLID).sum() * made.volume.voxel_ml == pytest.approx(ball, rel=0.3)


@pytest.mark.parametrize("bad", [{"shape": (4, 4, 4)}, {"spacing_mm": (1.0, 0.0, 1.0)}], ids=["tiny", "flat"])
def test_nonsense_is_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match="phantom needs"):
        make_phantom(1, **bad)
    with pytest.raises(ValueError, match="have a class"):
        MassPlan(MassClass.UNKNOWN, Side.LEFT, 10.0)
