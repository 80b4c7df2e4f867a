"""A mass larger than the box of its kidney: the box is widened, once, and the whole mass outlined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toybundle import BODY, CYST, LEFT, RIGHT, Ellipsoid, axial, inside, painted, toy_bundle

from RenalAILib.boxes import Box
from RenalAILib.cascade.delineate import delineate
from RenalAILib.cascade.locate import locate
from RenalAILib.cascade.widening import WIDER_MM, wider_box
from RenalAILib.engines.networks import Networks
from RenalAILib.orientation import canonical
from RenalAILib.volume import Volume

GRID = axial((4.0, 2.5, 2.5), 120.0)
BIG = Ellipsoid((-75, -10, 15), (42, 42, 42), CYST)


def outlined(mass: Ellipsoid) -> tuple[Volume, np.ndarray, list[float]]:
    """The masses where the coarse pass saw the kidneys alone, and the progress told."""
    bundle, told = toy_bundle(), []
    networks = Networks(bundle, "cpu", "onnxruntime")
    location = locate(canonical(painted(*GRID, parts=(BODY, RIGHT, LEFT))), bundle.stages.locate, networks)
    view = canonical(painted(*GRID, parts=(BODY, RIGHT, mass, LEFT)))
    kidneys, warnings = delineate(
        view, location, bundle.stages.delineate, networks, lambda stage, fraction, message: told.append(fraction)
    )
    assert len(kidneys) == 2 and not warnings
    masks = np.zeros(view.shape, dtype=bool)
    for kidney in kidneys:
        masks[kidney.box.slices] |= kidney.mass
    return view, masks, told


def test_a_mass_larger_than_the_box_of_its_kidney_is_outlined_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    view, masses, told = outlined(BIG)
    truth = inside(view, BIG) & ~inside(view, LEFT)
    assert 2 * (masses & truth).sum() / (masses.sum() + truth.sum()) > 0.9
    assert told == sorted(told)  # the second look does not take progress back
    monkeypatch.setattr("RenalAILib.cascade.delineate.wider_box", lambda *_: None)
    _, cut, _ = outlined(BIG)
    assert (cut & truth).sum() < 0.9 * truth.sum()


def test_a_mass_inside_the_box_is_looked_at_once() -> None:
    _, masses, told = outlined(Ellipsoid((-80, -42, 18), (14, 14, 14), CYST))
    assert masses.any() and len(told) == 2 * 2 * len(toy_bundle().stages.delineate.models)


@given(st.integers(0, 2), st.booleans(), st.integers(0, 60))
def test_the_face_that_cuts_a_mass_moves_and_stays_in_the_scan(axis: int, upper: bool, before: int) -> None:
    mass = np.zeros((24, 24, 24), dtype=bool)
    ends = [slice(8, 20)] * 3
    ends[axis] = slice(14, 24) if upper else slice(0, 10)
    mass[tuple(ends)] = True
    box, within = Box((before,) * 3, (before + 40,) * 3), (before + 50,) * 3
    wider = wider_box(box, mass, lambda: mass, np.full(3, 2.0), within)
    start, stop = list(box.start), list(box.stop)
    if upper:
        stop[axis] += min(10, int(WIDER_MM / 2))
    else:
        start[axis] -= min(before, int(WIDER_MM / 2))
    expected = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    assert wider == (None if expected == box else expected)


def test_other_organs_and_specks_move_no_face() -> None:
    mass = np.zeros((24, 24, 24), dtype=bool)
    mass[:4] = True
    box = Box((10, 10, 10), (50, 50, 50))
    assert wider_box(box, mass, lambda: np.zeros_like(mass), np.ones(3), (60, 60, 60)) is None
    speck = np.zeros_like(mass)
    speck[0, 3:5, 3:5] = True

    def never() -> np.ndarray:
        raise AssertionError("asked without need")

    assert wider_box(box, speck, never, np.ones(3), (60, 60, 60)) is None
