"""Augmentation: exact where nothing is asked, image and label together where something is, the same from a seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from RenalAILib.resampling import window
from RenalAITrainingLib.recipes.recipe import Augmentation, Window
from RenalAITrainingLib.training.augmentation import (
    Placement,
    _blurred,
    change_intensities,
    draw_placement,
    jitter_mask,
)

NONE = Augmentation()
VOLUME = torch.from_numpy(np.random.default_rng(0).normal(0, 300, (10, 12, 14)).astype(np.float32))


@given(st.integers(-6, 9), st.integers(-6, 9), st.integers(-6, 9), st.booleans(), st.sampled_from([None, -1000.0]))
@settings(max_examples=30, deadline=None)
def test_sampling_with_the_identity_is_the_plain_crop(
    k: int, j: int, i: int, flip: bool, outside: float | None
) -> None:
    start = np.array([k, j, i], dtype=np.float64)
    crop = Placement((8, 6, 9), start, None, flip).take(VOLUME, outside, "bilinear")
    sampled = Placement((8, 6, 9), start, np.eye(3), flip).take(VOLUME, outside, "bilinear")
    torch.testing.assert_close(crop, sampled, atol=0.05, rtol=1e-3)


def test_placement_maps_as_documented() -> None:
    matrix = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # a quarter turn in (k, j)
    patch = Placement((5, 5, 5), np.array([2.0, 3, 4]), matrix).take(VOLUME, -1000.0, "nearest")
    centre = np.array([2.0, 2, 2])
    for position in ((0, 0, 0), (1, 4, 2), (3, 0, 4)):
        source = np.array([2.0, 3, 4]) + centre + matrix @ (np.array(position) - centre)
        k, j, i = np.rint(source).astype(int)
        assert patch[position] == pytest.approx(float(VOLUME[k, j, i]), abs=0.01)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_patches_hold_as_much_of_the_sample_as_they_can(seed: int) -> None:
    placement = draw_placement(np.random.default_rng(seed), NONE, (10, 12, 14), (6, 12, 20))
    start, stop = placement.start, placement.start + placement.shape
    assert start[0] >= 0 and stop[0] <= 10 and start[1] == 0 and start[2] <= 0 and stop[2] >= 14


def test_a_target_lies_in_its_patch() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        target = rng.integers(0, (10, 12, 14))
        placement = draw_placement(rng, NONE, (10, 12, 14), (6, 6, 6), target)
        assert ((placement.start <= target) & (target < placement.start + 6)).all()


def test_image_and_label_move_together() -> None:
    label = torch.zeros(40, 40, 40)
    label[12:26, 10:28, 15:30] = 1
    recipe = Augmentation(rotation_deg=25, scale=0.2, shift=0.1, flip=0.5)
    for seed in range(5):
        placement = draw_placement(np.random.default_rng(seed), recipe, (40, 40, 40), (32, 32, 32))
        image = placement.take(label * 1000 - 1000, -1000.0, "bilinear")
        mask = placement.take(label, 0.0, "nearest")
        assert mask.sum() > 500
        assert float(((image > -500) == (mask > 0.5)).float().mean()) > 0.995


def test_no_augmentation_is_the_engine_s_window() -> None:
    changed = change_intensities(np.random.default_rng(0), NONE, Window(), VOLUME)
    np.testing.assert_allclose(changed, window(VOLUME.numpy().copy(), 300, 30), atol=1e-6)


def test_everything_at_once_is_seeded_and_stays_in_range() -> None:
    recipe = Augmentation(
        brightness_hu=30,
        contrast=0.3,
        gamma=0.5,
        noise=0.3,
        blur=1.5,
        blur_probability=1,
        coarse=3,
        coarse_probability=1,
    )
    one, two, other = (change_intensities(np.random.default_rng(s), recipe, Window(), VOLUME) for s in (1, 1, 2))
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert one.shape == VOLUME.shape and one.min() >= -1 and one.max() <= 1 and torch.isfinite(one).all()


def test_blur_keeps_constants_and_has_the_width_asked_for() -> None:
    torch.testing.assert_close(_blurred(torch.full((8, 8, 8), 0.3), 1.0), torch.full((8, 8, 8), 0.3))
    point = torch.zeros(21, 21, 21)
    point[10, 10, 10] = 1
    blurred = _blurred(point, 1.5)
    assert float(blurred.sum()) == pytest.approx(1, abs=1e-5)
    offsets = torch.arange(21.0) - 10
    assert float((blurred.sum((1, 2)) * offsets**2).sum()) == pytest.approx(1.5**2, rel=0.1)


def test_mask_jitter_moves_the_border_only_and_never_empties() -> None:
    mask = torch.zeros(16, 16, 16)
    mask[4:12, 4:12, 4:12] = 1
    sizes = set()
    for seed in range(10):
        moved = jitter_mask(np.random.default_rng(seed), mask)
        assert bool(moved[6:10, 6:10, 6:10].all()) and float(moved.sum()) <= 10**3
        sizes.add(int(moved.sum()))
    assert len(sizes) > 2
    point = torch.zeros(8, 8, 8)
    point[4, 4, 4] = 1
    assert float(jitter_mask(np.random.default_rng(0), point).sum()) >= 1
