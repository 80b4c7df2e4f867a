"""Volumes, orientations, boxes and the resampler: geometry that everything else trusts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from RenalAILib.boxes import Box
from RenalAILib.orientation import Orientation, canonical
from RenalAILib.resampling import coarse_shape, resample, window
from RenalAILib.volume import Volume

shapes = st.tuples(*[st.integers(1, 9)] * 3)


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    """Any orientation: rotated, mirrored, permuted, anisotropic, a little sheared."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    shear = np.eye(3)
    shear[2, 1] = rng.uniform(-0.3, 0.3)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ shear @ np.diag(rng.uniform(0.4, 5.0, 3) * rng.choice([-1, 1], 3))
    matrix[:3, 3] = rng.uniform(-300, 300, 3)
    return matrix


@given(shapes, affines())
def test_ras_and_kji_are_inverse(shape: tuple[int, int, int], matrix: np.ndarray) -> None:
    volume = Volume(np.zeros(shape), matrix)
    points = np.random.default_rng(0).uniform(-5, 12, (7, 3))
    np.testing.assert_allclose(volume.kji(volume.ras(points)), points, atol=1e-7)


@given(shapes, affines())
def test_canonical_keeps_every_voxel_in_its_place(shape: tuple[int, int, int], matrix: np.ndarray) -> None:
    stored = Volume(np.arange(np.prod(shape), dtype=np.int32).reshape(shape), matrix)
    seen = canonical(stored)
    here = np.argwhere(np.ones(seen.shape, bool))
    there = np.array(np.unravel_index(seen.voxels.ravel(), shape)).T
    np.testing.assert_allclose(seen.ras(here), stored.ras(there), atol=1e-7)
    assert np.shares_memory(seen.voxels, stored.voxels)


@given(shapes, affines())
def test_undo_is_the_inverse_of_apply_and_writes_through(shape: tuple[int, int, int], matrix: np.ndarray) -> None:
    stored = np.arange(np.prod(shape)).reshape(shape)
    orientation = Orientation.of(Volume(stored, matrix))
    np.testing.assert_array_equal(orientation.undo(orientation.apply(stored)), stored)
    orientation.apply(stored)[...] = -1
    assert (stored == -1).all()


def test_canonical_axes_run_to_head_back_and_left() -> None:
    turned = np.zeros((4, 4))
    turned[0, 2], turned[1, 0], turned[2, 1], turned[3, 3] = 2.0, -1.0, 3.0, 1.0  # i: back, j: head, k: right
    seen = canonical(Volume(np.zeros((4, 5, 6)), turned))
    assert seen.shape == (5, 6, 4)
    np.testing.assert_allclose(seen.ijk_to_ras[:3, :3], np.diag([-2.0, -1.0, 3.0]))


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((4, 4)), np.eye(3), np.diag([1.0, 1.0, np.nan, 1.0]), np.diag([1.0, 1.0, 1.0, 2.0])],
    ids=["singular", "3x3", "nan", "not affine"],
)
def test_a_bad_matrix_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="ijk_to_ras"):
        Volume(np.zeros((2, 2, 2)), matrix)


def test_same_grid_knows_a_shift_of_a_hundredth_of_a_millimetre() -> None:
    volume = Volume(np.zeros((3, 4, 5)), np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 0.01
    assert volume.same_grid(Volume(np.ones((3, 4, 5)), np.eye(4)))
    assert not volume.same_grid(Volume(np.zeros((3, 4, 5)), moved))
    assert not volume.same_grid(Volume(np.zeros((3, 4, 6)), np.eye(4)))


def test_box_around_a_mask_and_nothing() -> None:
    mask = np.zeros((6, 7, 8), bool)
    assert Box.around(mask) is None
    mask[1, 2, 3] = mask[4, 5, 6] = True
    box = Box.around(mask)
    assert box == Box((1, 2, 3), (5, 6, 7))
    assert box.grown(2.0, (1.0, 2.0, 4.0), mask.shape) == Box((0, 1, 2), (6, 7, 8))


def test_a_box_that_starts_outside_cannot_index() -> None:
    with pytest.raises(ValueError, match="clip"):
        _ = Box((-1, 0, 0), (2, 2, 2)).slices


def test_cube_has_equal_edges_in_mm_and_keeps_its_centre() -> None:
    cube = Box((10, 10, 10), (12, 20, 14)).cube((5.0, 1.0, 1.0), scale=1.5, minimum_mm=4.0)
    assert cube.shape == (3, 15, 15)
    assert np.allclose(np.add(cube.start, cube.stop) / 2, (11, 15, 12), atol=0.5)


@given(st.tuples(*[st.integers(2, 40)] * 3), st.tuples(*[st.integers(1, 40)] * 3))
@settings(deadline=None)
def test_resampling_keeps_a_constant_and_stays_within_range(shape: tuple, target: tuple) -> None:
    array = np.random.default_rng(1).uniform(-1000, 1000, shape)
    out = resample(array, Box.whole(shape), target)
    assert out.shape == target and out.dtype == np.float32
    assert out.min() >= array.min() - 1e-2 and out.max() <= array.max() + 1e-2
    np.testing.assert_allclose(resample(np.full(shape, 7.0), Box.whole(shape), target), 7.0, rtol=1e-6)


@given(st.tuples(*[st.integers(8, 30)] * 3), st.tuples(*[st.integers(4, 60)] * 3), st.data())
@settings(deadline=None)
def test_resampling_hits_the_stated_positions_on_a_ramp(shape: tuple, target: tuple, data: st.DataObject) -> None:
    start = tuple(data.draw(st.integers(0, n - 6)) for n in shape)
    stop = tuple(data.draw(st.integers(low + 5, n)) for low, n in zip(start, shape, strict=True))
    box = Box(start, stop)
    for axis in range(3):
        ramp = np.broadcast_to(
            np.arange(shape[axis], dtype=float).reshape([-1 if a == axis else 1 for a in range(3)]), shape
        )
        out = resample(ramp, box, target).mean(axis=tuple(a for a in range(3) if a != axis))
        step = box.shape[axis] / target[axis]
        at = start[axis] + (np.arange(target[axis]) + 0.5) * step - 0.5
        inner = (at > start[axis] + 2 * step) & (at < stop[axis] - 1 - 2 * step)
        np.testing.assert_allclose(out[inner], at[inner], atol=1e-3)


@given(st.tuples(*[st.integers(4, 30)] * 3), st.tuples(*[st.integers(4, 60)] * 3), st.data())
@settings(deadline=None, max_examples=40)
def test_a_part_is_that_part_of_the_whole(shape: tuple, target: tuple, data: st.DataObject) -> None:
    start = tuple(data.draw(st.integers(0, size - 1)) for size in target)
    stop = tuple(data.draw(st.integers(low + 1, size)) for low, size in zip(start, target, strict=True))
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    whole, part = Box.whole(shape), Box(start, stop)
    expected = resample(array, whole, target)[part.slices]
    np.testing.assert_allclose(resample(array, whole, target, part), expected, atol=1e-6)


def test_a_box_past_the_border_repeats_the_edge() -> None:
    array = np.arange(4.0).reshape(1, 1, 4)
    np.testing.assert_allclose(resample(array, Box((0, 0, -2), (1, 1, 6)), (1, 1, 8))[0, 0], [0, 0, 0, 1, 2, 3, 3, 3])


def test_coarse_noise_is_averaged_not_aliased() -> None:
    noise = np.random.default_rng(2).normal(0, 30, (60, 120, 120))
    out = resample(noise, Box.whole(noise.shape), (15, 30, 30))
    assert out.std() < 30 / np.sqrt(8) * 1.1


def test_coarse_shape_and_window() -> None:
    assert coarse_shape((300, 512, 512), (1.0, 0.78, 0.78), 3.0) == (100, 133, 133)
    np.testing.assert_allclose(window(np.float32([-500, -120, 30, 180, 900]), 300, 30), [-1, -1, 0, 1, 1])
