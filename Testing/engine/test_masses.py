"""Masses: connected domains, sizes on every kind of grid, and the measured evidence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from RenalAILib.anatomy.domains import connected_domains, dilated, eroded
from RenalAILib.anatomy.evidence import Measurements, evidence, measure, sample, suggested_class
from RenalAILib.anatomy.masses import MassRegion, centroid_ras, diameters, mass_regions, without_gas
from RenalAILib.boxes import Box
from RenalAILib.labels import MassClass, Side
from RenalAILib.volume import Volume

MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, max_side=7))


@settings(deadline=None, max_examples=40)
@given(MASKS)
def test_domains_are_those_of_26_neighbours(mask: np.ndarray) -> None:
    numbers, counts = connected_domains(mask)
    reference, count = ndimage.label(mask, np.ones((3, 3, 3)))
    assert counts.tolist() == sorted(counts.tolist(), reverse=True) and len(counts) == count
    assert ((numbers > 0) == mask).all()
    for number in range(1, count + 1):
        assert len(np.unique(reference[numbers == number])) == 1 and (numbers == number).sum() == counts[number - 1]


@settings(deadline=None, max_examples=40)
@given(MASKS, st.tuples(*[st.integers(1, 3)] * 3))
def test_growing_and_shrinking(mask: np.ndarray, radius: tuple[int, int, int]) -> None:
    assert (eroded(mask) == ndimage.binary_erosion(mask)).all()
    grown = dilated(mask, radius)
    assert grown[mask].all()
    for at in np.argwhere(grown):  # nothing further away than the box of the radius
        assert (np.abs(np.argwhere(mask) - at) <= radius).all(axis=1).any()


@settings(deadline=None, max_examples=40)
@given(MASKS, st.tuples(*[st.integers(-5, 50)] * 3))
def test_regions_cover_the_mask_once(mask: np.ndarray, start: tuple[int, int, int]) -> None:
    box = Box(start, tuple(np.add(start, mask.shape).tolist()))
    painted = np.zeros(mask.shape, int)
    sizes = []
    for region in mass_regions(mask, box, Side.LEFT):
        assert Box.around(region.mask) == Box.whole(region.box.shape)
        painted[region.box.relative_to(box).slices] += region.mask
        sizes.append(region.voxels)
    assert (painted == mask).all() and sizes == sorted(sizes, reverse=True)


def test_a_mass_of_gas_is_bowel_and_noisy_fat_is_none() -> None:
    mass = np.zeros((8, 20, 40), dtype=bool)
    gas, fat, rim = np.s_[1:7, 2:10, 2:10], np.s_[1:7, 2:10, 14:22], np.s_[1:7, 2:10, 26:34]
    hu = np.random.default_rng(1).normal(-100, 40, mass.shape).astype(np.float32)
    hu[gas] -= 800
    hu[1:3, 2:10, 26:34] = -900  # a third of it is gas: what it is stays open
    for part in (gas, fat, rim):
        mass[part] = True
    kept = without_gas(mass, hu)
    assert not kept[gas].any() and kept[fat].all() and kept[rim].all()
    assert without_gas(kept[:, :, :24], hu[:, :, :24]).sum() == kept[:, :, :24].sum()
    assert not without_gas(np.zeros_like(mass), hu).any()


def region_of(mask: np.ndarray) -> MassRegion:
    return MassRegion(Side.RIGHT, Box.whole(mask.shape), mask)


def test_diameters_reach_the_far_edges_of_the_voxels() -> None:
    volume = Volume(np.zeros((4, 3, 5)), np.diag([-2.0, -3.0, 4.0, 1.0]))
    one = diameters(region_of(np.ones((1, 1, 1), bool)), volume)
    assert one.axial_max == pytest.approx(np.hypot(2, 3), rel=1e-3)
    bar = np.zeros((4, 3, 5), bool)
    bar[1, 1, :] = True
    assert diameters(region_of(bar), volume).axial_max == pytest.approx(np.hypot(10, 3), rel=1e-3)
    assert diameters(region_of(np.ones((4, 3, 5), bool)), volume).axial_max == pytest.approx(np.hypot(10, 9), rel=1e-3)


@settings(deadline=None, max_examples=25)
@given(
    spacing=st.tuples(*[st.floats(0.5, 2.0)] * 3),
    angle=st.floats(0, 2 * np.pi),
    shear=st.floats(-0.3, 0.3),
    radius=st.floats(8, 12),
)
def test_sizes_of_a_ball_do_not_depend_on_the_grid(spacing, angle, shear, radius) -> None:
    """In-plane rotation and gantry tilt: only the direction of slices is the definition's."""
    affine = np.diag([-spacing[2], -spacing[1], spacing[0], 1.0])
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ affine
    affine[1, 2] += shear * spacing[0]
    half = np.ceil((radius + 4) / np.array(spacing)).astype(int) + 1
    shape = tuple((2 * half + 1).tolist())
    affine[:3, 3] = -affine[:3, :3] @ half[::-1] + (5, 6, 7)
    volume = Volume(np.zeros(shape), affine)
    ras = volume.ras(np.stack(np.indices(shape), -1))
    (region,) = mass_regions(np.linalg.norm(ras - (5, 6, 7), axis=-1) <= radius, Box.whole(shape), Side.LEFT)
    sizes, voxel = diameters(region, volume), np.linalg.norm(spacing)
    assert sizes.axial_max == pytest.approx(2 * radius, abs=1.5 * voxel)
    assert sizes.average == pytest.approx(2 * radius, abs=1.5 * voxel)
    assert np.abs(np.subtract(centroid_ras(region, volume), (5, 6, 7))).max() < 0.5


def test_average_diameter_is_long_across_and_high() -> None:
    volume = Volume(np.zeros((30, 60, 60)), np.diag([-1.0, -1.0, 1.0, 1.0]))
    k, j, i = np.indices(volume.shape)
    mask = ((k - 15) / 6) ** 2 + ((j - 30) / 10) ** 2 + ((i - 30) / 24) ** 2 <= 1
    (region,) = mass_regions(mask, Box.whole(volume.shape), Side.LEFT)
    sizes = diameters(region, volume)
    assert sizes.axial_max == pytest.approx(49, abs=1)
    assert sizes.average == pytest.approx((49 + 21 + 13) / 3, abs=1)


def ball(inside_hu, outside_hu: float = -100.0, noise: float = 0.0, radius: float = 9.0) -> tuple[MassRegion, Volume]:
    """A ball in a CT of 1 mm; ``inside_hu`` a number or a function of (k, j, i) from the centre."""
    k, j, i = np.indices((25, 25, 25)) - 12
    mask = k**2 + j**2 + i**2 <= radius**2
    hu = np.where(mask, inside_hu(k, j, i) if callable(inside_hu) else inside_hu, outside_hu).astype(float)
    # Soft edges, as in a scan.
    hu = ndimage.uniform_filter(hu, 2) + np.random.default_rng(0).normal(0, noise, hu.shape)
    volume = Volume(hu.astype(np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]))
    (region,) = mass_regions(mask, Box.whole(volume.shape), Side.LEFT)
    return region, volume


@pytest.mark.parametrize("noise", [0.0, 15.0])
def test_plain_tissues_suggest_their_class_in_noise_and_fat(noise: float) -> None:
    for hu, expected in ((-70, MassClass.AML), (5, MassClass.CYSTIC), (90, MassClass.SOLID)):
        measured = measure(*ball(hu, noise=noise))
        assert suggested_class(measured, unenhanced=False) is expected
        assert measured.mean_hu == pytest.approx(hu, abs=20)


def test_fat_around_a_solid_mass_is_not_fat_in_it() -> None:
    for radius in (4.0, 9.0):
        measured = measure(*ball(80.0, radius=radius))
        assert measured.fat_fraction < 0.02 and suggested_class(measured, unenhanced=False) is MassClass.SOLID


def test_a_little_macroscopic_fat_in_a_solid_mass_is_an_aml() -> None:
    region, volume = ball(lambda k, j, i: np.where((abs(k) < 3) & (abs(j) < 3) & (abs(i) < 3), -80, 70), noise=10)
    measured = measure(region, volume)
    assert 0.02 < measured.fat_fraction < 0.1
    said = evidence(measured, MassClass.SOLID, unenhanced=False)
    assert said.suggests is MassClass.AML and said.agrees is False and "fat" in said.text


def test_quarter_of_tissue_parts_cystic_from_solid() -> None:
    for share, expected in ((-5, MassClass.CYSTIC), (1, MassClass.SOLID)):
        measured = measure(*ball(lambda k, j, i, share=share: np.where(k < share, 90, 5)))
        assert suggested_class(measured, unenhanced=False) is expected


def test_unenhanced_scan_leaves_tissue_open() -> None:
    dense, fluid, fat = (measure(*ball(hu)) for hu in (40, 5, -70))
    assert suggested_class(dense, unenhanced=True) is MassClass.UNKNOWN
    assert suggested_class(fluid, unenhanced=True) is MassClass.CYSTIC
    assert suggested_class(fat, unenhanced=True) is MassClass.AML
    said = evidence(dense, MassClass.SOLID, unenhanced=True)
    assert said.agrees is None and "cannot be told apart" in said.text
    assert "no contrast medium" in evidence(fluid, MassClass.CYSTIC, unenhanced=True).text


def test_second_phase_tells_a_dense_cyst_from_a_solid_mass() -> None:
    region, volume = ball(60.0, noise=5)
    solid = measure(region, volume, volume.with_voxels(volume.voxels - 40))
    cyst = measure(region, volume, volume.with_voxels(volume.voxels + 2))
    assert solid.enhancement_hu == pytest.approx(40, abs=3) and cyst.enhancement_hu == pytest.approx(-2, abs=3)
    assert suggested_class(solid, unenhanced=False) is MassClass.SOLID
    assert suggested_class(cyst, unenhanced=False) is MassClass.CYSTIC
    said = evidence(solid, MassClass.UNKNOWN, unenhanced=True)
    assert said.suggests is MassClass.SOLID and said.agrees is None and "+40 HU" in said.text
    elsewhere = Volume(volume.voxels, np.diag([-1.0, -1.0, 1.0, 1.0]) + np.array([[0, 0, 0, 500]] + [[0] * 4] * 3))
    assert measure(region, volume, elsewhere).enhancement_hu is None


def test_small_masses_are_measured_whole() -> None:
    region = region_of(np.ones((2, 1, 2), bool))
    measured = measure(region, Volume(np.full((2, 1, 2), 7, np.int16), np.diag([-1.0, -1.0, 1.0, 1.0])))
    assert (measured.mean_hu, measured.sd_hu, measured.fluid_fraction) == (7, 0, 1)


@settings(deadline=None, max_examples=40)
@given(st.tuples(*[st.floats(-3, 12)] * 3))
def test_sampling_is_linear_inside_and_nan_outside(point: tuple[float, float, float]) -> None:
    affine = np.array([[0.0, -2, 0, 5], [0, 0, 1.5, -3], [1, 0.2, 0, 2], [0, 0, 0, 1]])
    k, j, i = np.indices((6, 8, 10))
    volume = Volume(3.0 * k - 2 * j + i, affine)
    (value,) = sample(volume, volume.ras([point]))
    inside = all(-0.499 <= x <= size - 0.501 for x, size in zip(point, volume.shape, strict=True))
    outside = any(x < -0.501 or x > size - 0.499 for x, size in zip(point, volume.shape, strict=True))
    if outside:
        assert np.isnan(value)
    elif inside:
        at = [np.clip(x, 0, size - 1) for x, size in zip(point, volume.shape, strict=True)]
        assert value == pytest.approx(3 * at[0] - 2 * at[1] + at[2], abs=1e-3)


def test_text_names_the_numbers() -> None:
    measured = Measurements(60, 9, 0.0, 0.0, 0.1, 0.8, None)
    said = evidence(measured, MassClass.SOLID, unenhanced=False)
    assert said.agrees is True and "80%" in said.text and "dense cyst" in said.text
