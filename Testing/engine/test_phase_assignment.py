"""Scans of several phases: which network each gets, and how they come to the grid of the first."""

from __future__ import annotations

import numpy as np
import pytest

from RenalAILib.orientation import canonical
from RenalAILib.phases.scans import PhasedScan, align, phases_of
from RenalAILib.pipelines.phase_fusion import assigned
from RenalAILib.volume import Volume

EARLY, LATE = "corticomedullary", "nephrographic"


@pytest.mark.parametrize(
    ("words", "expected", "told"),
    [
        ([LATE, EARLY], {EARLY: 1, LATE: 0}, ""),
        (["contrast"], {EARLY: 0}, "not known exactly; it was taken for corticomedullary"),
        ([LATE, "unknown"], {LATE: 0, EARLY: 1}, "b is not known exactly; it was taken for corticomedullary"),
        ([LATE, LATE], {LATE: 0}, "b was left aside: a is nephrographic too"),
        ([LATE, "excretory"], {LATE: 0}, "b was left aside: it is excretory, and the bundle has no network for that"),
        (["excretory"], {EARLY: 0}, "has no network for excretory; a was drawn by the one for corticomedullary"),
        ([LATE, EARLY, "unknown"], {EARLY: 1, LATE: 0}, "c was left aside: its phase is not known"),
    ],
)
def test_each_network_gets_at_most_one_scan(words: list[str], expected: dict[str, int], told: str) -> None:
    found, notes = assigned((EARLY, LATE), words, ["a", "b", "c"][: len(words)])
    assert found == expected
    assert told in " ".join(notes) and bool(notes) == bool(told)


def test_what_has_contrast_medium_is_not_plain() -> None:
    assert assigned(("plain", LATE), ["contrast"], ["a"])[0] == {LATE: 0}
    assert assigned(("plain", LATE), ["unknown"], ["a"])[0] == {"plain": 0}


def test_a_scan_on_another_grid_lies_where_it_was_taken() -> None:
    """A ramp on a finer, turned and tilted grid; without kidneys its place in the scanner counts."""
    view = canonical(Volume(np.zeros((6, 8, 10), np.int16), np.diag([-4.0, -4.0, 5.0, 1.0])))
    tilted = np.array([[2.0, 0.0, 0.0, -44.0], [0.0, 2.0, 0.4, -36.0], [0.0, 0.0, 2.5, -4.0], [0, 0, 0, 1]])
    other = Volume(np.zeros((8, 20, 24), np.int16), tilted)
    at = other.ras(np.moveaxis(np.indices(other.shape), 0, -1))
    other.voxels[:] = np.rint(at @ (5, 7, 9))
    found = align(view, [], PhasedScan("other", "", other))
    assert found is not None and 0.3 < found.covered.mean() < 1 and not found.registered.motions
    wanted = view.ras(np.moveaxis(np.indices(view.shape), 0, -1)) @ (5, 7, 9)
    error = np.abs(found.view.voxels - wanted)[found.covered]
    assert np.median(error) < 1 and error.max() < 15  # beyond the last middle of a voxel its value is held
    assert (found.view.voxels[~found.covered] == -1024).all()


def test_what_a_person_said_counts_without_any_kidney() -> None:
    ct = Volume(np.zeros((6, 8, 10), np.int16), np.diag([-4.0, -4.0, 5.0, 1.0]), "ct")
    scans = [PhasedScan("a", "t1ce", ct, certain=True), PhasedScan("b", LATE, ct)]
    other = align(canonical(ct), [], scans[1])
    assert other is not None
    assert phases_of(canonical(ct), [], scans[0], [other]) == ["t1ce", LATE]
