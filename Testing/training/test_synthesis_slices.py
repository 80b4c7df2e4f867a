"""Slices thick and thin, and which kidney a sample is of where a side has several."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from paintedscene import NOISE, painted_scene
from scipy import ndimage

from RenalAILib.labels import Label, Side
from RenalAILib.phantom import Anatomy
from RenalAITrainingLib.synthesis import phantoms
from RenalAITrainingLib.synthesis.delineate_samples import kidney_box_as_found
from RenalAITrainingLib.synthesis.one_kidney import drawn_kidney, kidneys_of
from RenalAITrainingLib.synthesis.slice_thickness import thicker, thinner


def test_thin_slices_are_noisier_and_show_the_same_kidney() -> None:
    scene = painted_scene()
    fine = thinner(np.random.default_rng(0), scene, 0.6)
    assert fine.spacing_mm[0] == pytest.approx(0.6, rel=0.02) and (fine.spacing_mm[1:] == scene.spacing_mm[1:]).all()
    volume = (fine.labels == Label.KIDNEY_LEFT).sum() * fine.spacing_mm.prod()
    assert volume == pytest.approx((scene.labels == Label.KIDNEY_LEFT).sum() * scene.spacing_mm.prod(), rel=0.03)
    inner = ndimage.binary_erosion(fine.parenchyma, iterations=2)
    assert fine.hu[inner].std() == pytest.approx(1.9 * NOISE.sd_hu, rel=0.2)
    assert fine.noise.sd_hu == pytest.approx(1.9 * NOISE.sd_hu, rel=0.01)
    assert thinner(np.random.default_rng(0), fine, 1.2) is fine


def test_thick_slices_are_fewer_and_quieter() -> None:
    coarse = thicker(painted_scene(), 5.0)
    assert coarse.spacing_mm[0] == pytest.approx(5.0) and coarse.noise.sd_hu < NOISE.sd_hu


def test_a_graft_is_a_kidney_of_its_own() -> None:
    scene = painted_scene()
    labels = scene.labels.copy()
    labels[2:8, 5:15, 95:108] = Label.KIDNEY_LEFT
    labels[20, 40, 80:84] = Label.CYSTIC
    several = replace(scene, labels=labels)
    large, small = kidneys_of(several, Side.LEFT)
    assert small.slices == (slice(2, 8), slice(5, 15), slice(95, 108)) and large == kidneys_of(scene, Side.LEFT)[0]
    seen = {drawn_kidney(np.random.default_rng(seed), several) for seed in range(24)}
    assert len(seen) == 3
    box = kidney_box_as_found(np.random.default_rng(0), several, Side.LEFT)
    assert box.start[0] > small.start[0] or box.start[1] > small.start[1], "the graft is not in the box"
    nothing = replace(scene, labels=np.zeros_like(labels))
    assert drawn_kidney(np.random.default_rng(0), nothing) is None


def test_a_mass_through_a_kidney_does_not_make_two_of_it() -> None:
    scene = painted_scene()
    labels = scene.labels.copy()
    middle = labels[18:22]
    middle[middle == Label.KIDNEY_RIGHT] = Label.SOLID
    assert kidneys_of(replace(scene, labels=labels), Side.RIGHT) == kidneys_of(scene, Side.RIGHT)


def test_samples_of_one_kidney_see_unusual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[Anatomy] = Counter()

    class NotDrawn(Exception):
        """A plan is enough."""

    def planned(
        _seed: int, *, anatomy: Anatomy, shape: tuple[int, int, int], spacing_mm: tuple[float, ...], **_: object
    ) -> None:
        seen[anatomy] += 1
        if anatomy is Anatomy.TRANSPLANT:
            assert shape[0] * spacing_mm[0] > 380, "the pelvis is in view"
        raise NotDrawn

    monkeypatch.setattr(phantoms, "make_phantom", planned)
    for number in range(200):
        with suppress(NotDrawn):
            phantoms.phantom_scene(number, "train", "delineate")
    for anatomy in (Anatomy.HORSESHOE, Anatomy.TRANSPLANT, Anatomy.PTOTIC, Anatomy.ONE_KIDNEY):
        assert 2 <= seen[anatomy] <= 40
    assert seen[Anatomy.NO_KIDNEYS] == 0 and seen[Anatomy.NORMAL] > 100
