"""Insides of kidneys: pyramids where pyramids are, and a truth that no pyramid, pelvis or neighbour changes."""

from __future__ import annotations

import numpy as np
import pytest
from paintedscene import NOISE, SPACING_MM, painted_scene
from scipy import ndimage

from RenalAILib.labels import Label, Side
from RenalAITrainingLib.synthesis.interior import Interior, draw_interior
from RenalAITrainingLib.synthesis.kidney_tissue import KidneyTissue, Phase, draw_tissue, phase_like
from RenalAITrainingLib.synthesis.own_pyramids import own_medulla
from RenalAITrainingLib.synthesis.repainting import parenchyma_hu, repainted

EARLY = KidneyTissue(cortex=220, medulla=90, papilla=80, fat=-100, urine=5, vessel=250)


def _interior(seed: int, carve: bool) -> tuple[Interior, np.ndarray]:
    scene = painted_scene()
    kidney = scene.labels == Label.KIDNEY_LEFT
    sinus = kidney & ~scene.parenchyma
    return draw_interior(np.random.default_rng(seed), kidney, sinus, SPACING_MM, carve), kidney


@pytest.mark.parametrize("carve", [False, True])
def test_pyramids_lie_under_the_cortex_and_do_not_merge_into_one(carve: bool) -> None:
    interior, kidney = _interior(1, carve)
    pyramids = (interior.medulla > 0.5) & (interior.sinus < 0.5)
    assert 0.08 < pyramids.sum() / kidney.sum() < 0.75
    assert interior.depth_mm[pyramids].min() > 2.0, "2 mm of cortex are left over each"
    assert not interior.medulla[~kidney].any() and not interior.sinus[~kidney].any()
    columns = kidney & (interior.medulla < 0.2) & (interior.sinus < 0.2) & (interior.depth_mm > 8)
    assert columns.sum() > 0.02 * kidney.sum(), "cortex reaches down between them"


def test_papillae_are_nearer_to_the_sinus_than_bases() -> None:
    interior, _ = _interior(2, False)
    pyramids = (interior.medulla > 0.8) & (interior.sinus < 0.1)
    above = ndimage.distance_transform_edt(interior.sinus < 0.5, sampling=SPACING_MM)[pyramids]
    near_tip = interior.papilla[pyramids] > np.median(interior.papilla[pyramids])
    assert above[near_tip].mean() + 1 < above[~near_tip].mean()


def test_calyces_and_vessels_lie_in_the_sinus() -> None:
    interior, kidney = _interior(3, True)
    for tubes in (interior.urine > 0.5, interior.vessel > 0.5):
        assert tubes.any()
        assert (tubes & kidney).sum() == tubes.sum()
        assert interior.sinus[tubes].mean() > 0.6


def test_an_early_kidney_has_dark_pyramids_in_a_bright_cortex() -> None:
    interior, kidney = _interior(4, False)
    hu = parenchyma_hu(np.random.default_rng(0), interior, EARLY, SPACING_MM)
    assert np.median(hu[kidney & (interior.depth_mm < 3)]) == pytest.approx(220, abs=15)
    assert np.median(hu[interior.medulla > 0.95]) == pytest.approx(88, abs=15)


@pytest.mark.parametrize("carve", [False, True])
def test_a_repainted_kidney_keeps_its_labels_its_other_side_and_its_surroundings(carve: bool) -> None:
    scene = painted_scene()
    changed = repainted(np.random.default_rng(5), scene, Side.LEFT, EARLY, carve)
    assert (changed.labels == scene.labels).all() and changed.kind == "synthetic"
    far = ndimage.distance_transform_edt(scene.labels != Label.KIDNEY_LEFT, sampling=SPACING_MM) > 4
    assert (changed.hu[far] == scene.hu[far]).all() and (changed.parenchyma[far] == scene.parenchyma[far]).all()
    sinus = (changed.labels == Label.KIDNEY_LEFT) & ~changed.parenchyma
    depth = ndimage.distance_transform_edt(changed.labels == Label.KIDNEY_LEFT, sampling=SPACING_MM)
    assert np.median(changed.hu[sinus & (depth > 4)]) < 60
    assert np.median(changed.hu[changed.parenchyma & (depth > 2) & (depth < 5)]) > 170
    if carve:
        assert sinus.sum() > ((scene.labels == Label.KIDNEY_LEFT) & ~scene.parenchyma).sum()


def test_a_scan_with_pyramids_shows_its_own() -> None:
    scene = painted_scene()
    kidney = scene.labels == Label.KIDNEY_LEFT
    interior, _ = _interior(6, False)
    hu = parenchyma_hu(np.random.default_rng(0), interior, EARLY, SPACING_MM)
    hu = hu + NOISE.draw(np.random.default_rng(1), scene.shape)
    read = own_medulla(hu, kidney & scene.parenchyma, interior.depth_mm, SPACING_MM)
    assert read is not None
    inner = kidney & scene.parenchyma & (interior.depth_mm > 4)
    assert read[inner & (interior.medulla > 0.9)].mean() > 0.7
    assert read[inner & (interior.medulla < 0.1)].mean() < 0.35
    even = np.full(scene.shape, 120, np.float32) + NOISE.draw(np.random.default_rng(2), scene.shape)
    assert own_medulla(even, kidney & scene.parenchyma, interior.depth_mm, SPACING_MM) is None


def test_tissues_follow_the_phases() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        plain, early = draw_tissue(rng, Phase.UNENHANCED), draw_tissue(rng, Phase.CORTICOMEDULLARY)
        late = draw_tissue(rng, Phase.EXCRETORY)
        assert 15 < plain.medulla < 60 and abs(plain.medulla - plain.cortex) < 12
        assert early.papilla <= early.medulla < 0.8 * early.cortex
        assert late.urine > late.cortex
        assert all(tissue.fat < 0 for tissue in (plain, early, late))
    assert phase_like(rng, 30) is Phase.UNENHANCED and phase_like(rng, 150) is not Phase.UNENHANCED
