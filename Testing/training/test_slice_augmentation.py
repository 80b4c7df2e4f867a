"""Slices are changed as asked: masks stay on their image, nothing leaves its range, and a seed decides everything."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from RenalAITrainingLib.training.slice_augmentation import SliceAugmentation, augment_slice, change_grey, deformation

EVERYTHING = SliceAugmentation(
    mirror=0.5, rotation_deg=30, scale=0.1, grid_probability=0.5, elastic_probability=0.5,
    poisson=(0, 10), gamma=(0.5, 1.5), blur=(0, 0.8), dropout=(0, 0.03),
)  # fmt: skip


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _disc(size: int = 96) -> tuple[torch.Tensor, torch.Tensor]:
    """A bright ellipse right of the middle on black, and its mask."""
    j, i = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    inside = ((j - size * 0.45) / (size * 0.2)) ** 2 + ((i - size * 0.6) / (size * 0.15)) ** 2 < 1
    return torch.where(inside, 0.8, -1.0), inside[None].to(torch.uint8)


def test_nothing_asked_changes_nothing() -> None:
    image, masks = _disc()
    got, got_masks = augment_slice(_rng(), SliceAugmentation(), image, masks)
    assert torch.allclose(got, image, atol=1e-6)
    assert got_masks is not None and torch.equal(got_masks, masks)


@pytest.mark.parametrize("seed", range(6))
def test_masks_stay_on_their_image(seed: int) -> None:
    image, masks = _disc()
    recipe = SliceAugmentation(mirror=0.5, rotation_deg=30, scale=0.1, grid_probability=1, elastic_probability=1)
    got, got_masks = augment_slice(_rng(seed), recipe, image, masks)
    assert got_masks is not None and got_masks.dtype == torch.uint8
    bright, inside = got > -0.1, got_masks[0] > 0
    dice = 2 * float((bright & inside).sum()) / float(bright.sum() + inside.sum())
    assert dice > 0.97
    moved = (inside != (masks[0] > 0)).float().mean()
    assert moved > 0.01  # it did go elsewhere


def test_everything_stays_in_range_and_follows_the_seed() -> None:
    image, masks = _disc()
    before = image.clone()
    one, _ = augment_slice(_rng(3), EVERYTHING, image, masks)
    two, _ = augment_slice(_rng(3), EVERYTHING, image, masks)
    other, _ = augment_slice(_rng(4), EVERYTHING, image, masks)
    assert torch.equal(one, two) and not torch.equal(one, other) and torch.equal(image, before)
    assert float(one.min()) >= -1 and float(one.max()) <= 1 and one.dtype == torch.float32


def test_a_rotation_turns_about_the_middle() -> None:
    where = deformation(_rng(), SliceAugmentation(rotation_deg=30), (65, 65))
    assert where is not None
    torch.testing.assert_close(where[32, 32], torch.tensor([32.0, 32.0]))
    distance = (where - 32).norm(dim=-1)
    torch.testing.assert_close(distance[0, 0], torch.tensor(32 * 2**0.5), rtol=1e-4, atol=1e-3)


def test_a_grid_keeps_its_border_and_its_order() -> None:
    where = deformation(_rng(5), SliceAugmentation(grid_probability=1), (48, 64))
    assert where is not None
    torch.testing.assert_close(where[0, :, 0], torch.zeros(64), atol=1e-4, rtol=0)
    torch.testing.assert_close(where[-1, -1], torch.tensor([47.0, 63.0]), atol=1e-3, rtol=0)
    assert bool((where[1:, :, 0] > where[:-1, :, 0]).all()) and bool((where[:, 1:, 1] > where[:, :-1, 1]).all())


def test_an_elastic_field_moves_by_pixels_not_by_half_the_picture() -> None:
    still = deformation(_rng(), SliceAugmentation(elastic_probability=1, elastic_alpha=(0, 0)), (96, 96))
    where = deformation(_rng(), SliceAugmentation(elastic_probability=1), (96, 96))
    assert still is not None and where is not None
    spread = float((where - still).std())
    assert 0.5 < spread < 6


def test_gamma_noise_and_blur_do_what_they_say() -> None:
    grey = torch.full((64, 64), 0.0)  # 0.5 on 0 ... 1
    darker = change_grey(_rng(), SliceAugmentation(gamma=(2.0, 2.0)), grey)
    torch.testing.assert_close(darker, torch.full((64, 64), 0.25 * 2 - 1))
    noisy = change_grey(_rng(), SliceAugmentation(poisson=(10.0, 10.0)), grey)
    levels = (noisy - grey) * 255 / 2
    assert abs(float(levels.mean())) < 1 and float(levels.std()) == pytest.approx((100 + 10) ** 0.5, rel=0.1)
    smooth = change_grey(_rng(), SliceAugmentation(blur=(1.5, 1.5)), noisy)
    assert float(smooth.std()) < 0.4 * float(noisy.std())


def test_dropped_squares_are_black_and_as_many_as_asked() -> None:
    bright = torch.ones(200, 200)
    got = change_grey(_rng(), SliceAugmentation(dropout=(0.1, 0.1), dropout_size=(0.05, 0.05)), bright)
    assert set(got.unique().tolist()) == {-1.0, 1.0}
    assert float((got < 0).float().mean()) == pytest.approx(0.1, abs=0.05)
    squares = got.view(20, 10, 20, 10)  # 5 % of 200
    assert torch.equal(squares.amin((1, 3)), squares.amax((1, 3)))


@pytest.mark.parametrize(
    "wrong", [{"mirror": 1.5}, {"gamma": (2.0, 1.0)}, {"blur": (-1.0, 1.0)}, {"grid_steps": (0, 3)}, {"scale": 1.0}]
)
def test_nonsense_is_refused(wrong: dict[str, float]) -> None:
    assert set(wrong) <= {field.name for field in fields(SliceAugmentation)}
    with pytest.raises(ValueError, match=next(iter(wrong)).partition("_")[0]):
        SliceAugmentation(**wrong)  # type: ignore[arg-type]
