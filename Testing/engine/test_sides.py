"""Sides and places of kidneys on coarse grids that are painted directly."""

from __future__ import annotations

import numpy as np
import pytest

from RenalAILib.cascade.sides import Component, assign_sides, body_at, split_horseshoe
from RenalAILib.labels import Side
from RenalAILib.volume import Volume

SHAPE = (60, 70, 110)


def body(low: int = 10, high: int = 100, outside_hu: float = -1000.0) -> Volume:
    """A body of soft tissue in 3 mm voxels from index ``low`` to ``high`` of the left-right axis (i to the left)."""
    hu = np.full(SHAPE, outside_hu, dtype=np.float32)
    hu[:, 10:60, low:high] = 40
    return Volume(hu, np.diag([-3.0, -3.0, 3.0, 1.0]))


def component(volume: Volume, k: int, j: int, i: int, radius: int = 8) -> Component:
    index = np.indices(SHAPE)
    mask = sum((index[n] - at) ** 2 for n, at in enumerate((k, j, i))) <= radius**2
    return Component(mask, float(mask.sum() * volume.voxel_ml), 0.9)


@pytest.mark.parametrize("outside_hu", [-1000.0, -126.0])
def test_midline_is_that_of_the_body_not_of_the_image(outside_hu: float) -> None:
    volume = body(30, 108, outside_hu)
    found = body_at(volume, [component(volume, 30, 45, 50)])
    assert found.midline_r == pytest.approx(-3 * 68.5, abs=6)
    assert found.middle_a == pytest.approx(-3 * 34.5, abs=6)


def test_spine_moves_the_midline() -> None:
    volume = body()
    volume.voxels[:, 46:56, 56:66] = 400  # 5 voxels beside the middle of the body
    found = body_at(volume, [component(volume, 30, 40, 30)])
    assert found.midline_r == pytest.approx(-3 * 60.5, abs=3)


def test_kidneys_that_shine_like_bone_are_no_spine() -> None:
    volume = body()
    bright = component(volume, 30, 46, 44)
    volume.voxels[bright.mask] = 300
    assert body_at(volume, [bright]).midline_r == pytest.approx(-3 * 54.5, abs=6)


def test_image_without_tissue_has_its_own_middle() -> None:
    volume = Volume(np.full(SHAPE, -1000, np.float32), np.diag([-3.0, -3.0, 3.0, 1.0]))
    assert body_at(volume, [component(volume, 30, 40, 50)]).midline_r == pytest.approx(-3 * 54.5)


def test_usual_kidneys_have_their_sides_and_no_warning() -> None:
    volume = body()
    pair = [component(volume, 30, 42, 75), component(volume, 28, 42, 35)]
    assert assign_sides(volume, pair, body_at(volume, pair)) == ([Side.LEFT, Side.RIGHT], [])


def test_far_apart_on_one_side_are_told_from_each_other() -> None:
    volume = body(0, 40)  # the image ends in the body's middle, say
    pair = [component(volume, 30, 42, 95), component(volume, 28, 42, 60)]
    sides, warnings = assign_sides(volume, pair, body_at(volume, pair))
    assert sides == [Side.LEFT, Side.RIGHT] and "told from each other" in warnings[0]


def test_one_above_the_other_stay_on_their_side() -> None:
    volume = body()
    pair = [component(volume, 40, 42, 30), component(volume, 18, 40, 36)]
    sides, warnings = assign_sides(volume, pair, body_at(volume, pair))
    assert sides == [Side.RIGHT, Side.RIGHT] and "crossed ectopia" in warnings[0]


def test_low_and_anterior_kidney_is_said() -> None:
    volume = body()
    three = [component(volume, 48, 42, 75), component(volume, 48, 42, 35), component(volume, 8, 18, 35, 7)]
    sides, warnings = assign_sides(volume, three, body_at(volume, three))
    assert sides == [Side.LEFT, Side.RIGHT, Side.RIGHT]
    assert any("lies low" in text for text in warnings) and any("far in front" in text for text in warnings)


def test_horseshoe_is_divided_but_a_kidney_with_a_neighbour_is_not() -> None:
    volume = body()
    across = component(volume, 30, 40, 54, 12)
    halves, divided = split_horseshoe(volume, [across], body_at(volume, [across]))
    assert divided and len(halves) == 2
    assert not (halves[0].mask & halves[1].mask).any() and ((halves[0].mask | halves[1].mask) == across.mask).all()
    assert sum(half.volume_ml for half in halves) == pytest.approx(across.volume_ml)
    pair = [across, component(volume, 30, 40, 90)]
    assert split_horseshoe(volume, pair, body_at(volume, pair)) == (pair, False)
    one_side = [component(volume, 30, 40, 40, 12)]
    assert split_horseshoe(volume, one_side, body_at(volume, one_side)) == (one_side, False)
