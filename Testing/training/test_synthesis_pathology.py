"""Pathology beside masses: aneurysm, ascites, shrunken and scarred kidneys; image and truth stay together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from paintedscene import KIDNEY_HU, SPACING_MM, painted_scene
from scipy import ndimage

from RenalAILib.labels import MASS_LABELS, Label, Side
from RenalAITrainingLib.synthesis.aneurysm import aortic_aneurysm
from RenalAITrainingLib.synthesis.ascites import ascites
from RenalAITrainingLib.synthesis.scene import Scene
from RenalAITrainingLib.synthesis.shrunken import scarred, shrunken
from RenalAITrainingLib.synthesis.sources import ORGANS

AORTA_MM = (50.0, 88.0)  # j, i
BLOOD_HU = 170.0


def _with_aorta() -> Scene:
    scene = painted_scene()
    j, i = (np.arange(count) * step for count, step in zip(scene.shape[1:], SPACING_MM[1:], strict=True))
    inside = np.hypot(j[:, None] - AORTA_MM[0], i[None] - AORTA_MM[1]) < 9
    hu, organs = scene.hu.copy(), scene.organs.copy()
    hu[:, inside] = BLOOD_HU
    organs[:, inside] = ORGANS["aorta"]
    return replace(scene, hu=hu, organs=organs)


def test_an_aneurysm_is_wider_than_the_aorta_and_takes_no_kidney_organ_or_bone() -> None:
    scene = _with_aorta()
    before = scene.organs == ORGANS["aorta"]
    bone = ndimage.binary_erosion(scene.hu > 220, np.ones((1, 3, 3)))
    widest = []
    for seed in range(4):
        changed = aortic_aneurysm(np.random.default_rng(seed), scene)
        assert (changed.labels == scene.labels).all()
        now = changed.organs == ORGANS["aorta"]
        assert (now | ~before).all() and (changed.organs[~now] == scene.organs[~now]).all()
        moved = np.abs(changed.hu - scene.hu) > 40
        assert not (moved & ((scene.labels > 0) | ((scene.organs > 0) & ~before) | bone)).any()
        area = now.sum(axis=(1, 2)).max() * SPACING_MM[1] * SPACING_MM[2]
        widest.append(float(2 * np.sqrt(area / np.pi)))
        new = ndimage.binary_erosion(now & ~before, np.ones((1, 3, 3)))
        assert 20 < np.median(changed.hu[new]) < BLOOD_HU + 15, "thrombus, or blood where there is none"
        assert (aortic_aneurysm(np.random.default_rng(seed), scene).hu == changed.hu).all()
    assert max(widest) > 26, widest  # mm; between spine and kidney there is little room


def test_without_an_aorta_there_is_no_aneurysm() -> None:
    scene = painted_scene()
    assert aortic_aneurysm(np.random.default_rng(0), scene) is scene


def test_ascites_is_fluid_in_fat_about_the_organs_and_not_behind_the_kidneys() -> None:
    scene = painted_scene()
    for seed in range(4):
        changed = ascites(np.random.default_rng(seed), scene)
        moved = changed.hu - scene.hu > 60
        assert (changed.labels == scene.labels).all() and moved.any()
        assert not (moved & ((scene.labels > 0) | (scene.organs > 0))).any()
        assert np.median(np.argwhere(moved)[:, 1]) * SPACING_MM[1] < 62
        core = ndimage.binary_erosion(changed.hu - scene.hu > 90)
        assert not core.any() or -5 < np.median(changed.hu[core]) < 50
    nothing = replace(scene, organs=np.zeros_like(scene.organs))
    assert ascites(np.random.default_rng(0), nothing) is nothing


def test_a_shrunken_kidney_is_a_smaller_one_with_its_label_on_it() -> None:
    scene = painted_scene()
    size = int((scene.labels == Label.KIDNEY_LEFT).sum())
    shares = []
    for seed in range(5):
        changed = shrunken(np.random.default_rng(seed), scene, Side.LEFT)
        kidney = changed.labels == Label.KIDNEY_LEFT
        shares.append(kidney.sum() / size)
        inner = ndimage.binary_erosion(changed.parenchyma & kidney)
        assert np.median(changed.hu[inner]) > 0.8 * KIDNEY_HU
        assert not np.isin(changed.labels, MASS_LABELS).any()
        other = (changed.labels == Label.KIDNEY_RIGHT).sum() / (scene.labels == Label.KIDNEY_RIGHT).sum()
        assert 0.9 < other < 1.1
    assert 0.15 < min(shares) < max(shares) < 0.9, shares


def test_scars_are_notches_filled_with_fat() -> None:
    scene = painted_scene()
    changed = scarred(np.random.default_rng(2), scene, Side.LEFT)
    lost = (scene.labels == Label.KIDNEY_LEFT) & (changed.labels == 0)
    deep = lost & (ndimage.distance_transform_edt(scene.labels == Label.KIDNEY_LEFT, sampling=SPACING_MM) > 1.5)
    assert deep.any() and np.median(changed.hu[deep]) < 60
    assert (changed.labels == Label.KIDNEY_LEFT).sum() > 0.8 * (scene.labels == Label.KIDNEY_LEFT).sum()
