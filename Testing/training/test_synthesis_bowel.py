"""Bowel, against a kidney or anywhere: it takes no kidney, no organ and no bone, and the truth stays exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from paintedscene import painted_scene
from scipy import ndimage

from RenalAILib.labels import Label, Side
from RenalAITrainingLib.synthesis.bowel import bowel_against
from RenalAITrainingLib.synthesis.oral_contrast import oral_contrast


def test_a_loop_lies_beside_the_kidney_and_leaves_the_truth_alone() -> None:
    before = painted_scene()
    bone = (before.hu > 220) & (before.labels == 0)
    touching = 0
    for seed in range(12):
        after = bowel_against(np.random.default_rng(seed), before, Side.LEFT)
        assert (after.labels == before.labels).all() and (after.parenchyma == before.parenchyma).all()
        changed = after.hu != before.hu
        assert not changed[before.labels > 0].any() and not changed[before.organs > 0].any()
        assert not changed[bone].any()
        gut = np.abs(after.hu - before.hu) > 40
        assert gut.sum() * float(np.prod(before.spacing_mm)) > 1000, "a loop of less than 1 ml is none"
        kidney = before.labels == Label.KIDNEY_LEFT
        near = ndimage.distance_transform_edt(~kidney, sampling=before.spacing_mm) < 4
        touching += bool((gut & near).any())
    assert touching >= 10


def test_seeds_repeat_and_nothing_is_drawn_without_a_kidney() -> None:
    scene = painted_scene()
    first, again = (bowel_against(np.random.default_rng(4), scene, Side.RIGHT) for _ in range(2))
    assert (first.hu == again.hu).all() and first.kind == "synthetic"
    none = replace(scene, labels=np.zeros_like(scene.labels))
    assert bowel_against(np.random.default_rng(4), none, Side.RIGHT) is none


def test_oral_contrast_fills_the_abdomen_and_nothing_else() -> None:
    hu = painted_scene().hu.copy()
    hu[:, :, :4], hu[:, :, -4:] = -1000, -1000
    before = replace(painted_scene(), hu=hu)
    bone = (before.hu > 220) & (before.labels == 0)
    near = ndimage.distance_transform_edt(before.labels == 0, sampling=before.spacing_mm) < 3.9
    bright = []
    for seed in range(8):
        after = oral_contrast(np.random.default_rng(seed), before)
        assert (after.labels == before.labels).all() and (after.parenchyma == before.parenchyma).all()
        changed = after.hu != before.hu
        assert not changed[near | bone | (before.organs > 0)].any()
        assert not changed[:, :, :12].any() and not changed[:, :, -12:].any(), "12 mm of skin, fat and muscle"
        drawn = np.abs(after.hu - before.hu) > 40
        assert drawn.any()
        bright.append(int((drawn & (after.hu > 110)).sum()) * float(np.prod(before.spacing_mm)))
    assert np.median(bright) > 5000, "5 ml of contrast in most scans"
    again = oral_contrast(np.random.default_rng(0), before)
    assert (again.hu == oral_contrast(np.random.default_rng(0), before).hu).all() and again.kind == "synthetic"


def test_no_oral_contrast_without_a_kidney_to_go_by() -> None:
    scene = painted_scene()
    none = replace(scene, labels=np.zeros_like(scene.labels))
    assert oral_contrast(np.random.default_rng(4), none) is none
