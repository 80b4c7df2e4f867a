"""Normal variants and neighbours: seen in the image, no mass in the truth, and beside the kidney's label."""

from __future__ import annotations

import numpy as np
import pytest
from paintedscene import KIDNEY_HU, SPACING_MM, painted_scene
from scipy import ndimage

from RenalAILib.labels import MASS_LABELS, Label, Side
from RenalAITrainingLib.synthesis.bulging import humped, lobulated
from RenalAITrainingLib.synthesis.elsewhere import liver_lesions, stranded_fat
from RenalAITrainingLib.synthesis.kidney_tissue import Phase
from RenalAITrainingLib.synthesis.lookalikes import prominent_column
from RenalAITrainingLib.synthesis.neighbours import hilar_vessels, nodule_beside
from RenalAITrainingLib.synthesis.renal_pelvis import extrarenal_pelvis
from RenalAITrainingLib.synthesis.scene import Scene
from RenalAITrainingLib.synthesis.stents import with_stent
from RenalAITrainingLib.synthesis.variants import SHARES, with_variants


def _made(what: object, seed: int, scene: Scene) -> Scene:
    return what(np.random.default_rng(seed), scene, Side.LEFT)  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize("beside", [nodule_beside, hilar_vessels])
def test_neighbours_take_fat_alone_and_no_label(beside: object) -> None:
    scene = painted_scene()
    drawn = 0
    for seed in range(4):
        changed = _made(beside, seed, scene)
        assert (changed.labels == scene.labels).all()
        moved = np.abs(changed.hu - scene.hu) > 20
        drawn += bool(moved.any())
        assert not (moved & ((scene.labels > 0) | (scene.organs > 0))).any()
    assert drawn >= 2


def test_a_pelvis_is_water_and_bright_when_late() -> None:
    scene = painted_scene()
    early = extrarenal_pelvis(np.random.default_rng(2), scene, Side.LEFT)
    core = early.hu - scene.hu > 60
    assert core.any() and -25 < float(np.quantile(early.hu[core], 0.8)) < 35, "the rest is partial volume with fat"
    late = [extrarenal_pelvis(np.random.default_rng(n), scene, Side.LEFT, Phase.EXCRETORY) for n in range(5)]
    assert max(float((made.hu - scene.hu).max()) for made in late) > 200


def test_a_hump_moves_tissue_and_truth_together() -> None:
    scene = painted_scene()
    changed = _made(humped, 3, scene)
    kidney = changed.labels == Label.KIDNEY_LEFT
    assert kidney.sum() > (scene.labels == Label.KIDNEY_LEFT).sum()
    grown = kidney & (scene.labels == 0) & (ndimage.distance_transform_edt(kidney, sampling=SPACING_MM) > 2)
    assert grown.any() and np.median(changed.hu[grown]) > 0.6 * KIDNEY_HU
    right = scene.labels == Label.KIDNEY_RIGHT
    assert ((changed.labels == Label.KIDNEY_RIGHT) == right).mean() > 0.99


def test_lobulation_keeps_labels_on_tissue() -> None:
    scene = painted_scene()
    changed = lobulated(np.random.default_rng(4), scene)
    assert 0.001 < (changed.labels != scene.labels).mean() < 0.05
    inner = ndimage.binary_erosion(changed.parenchyma, iterations=2)
    assert changed.hu[inner].mean() == pytest.approx(KIDNEY_HU, abs=5)


def test_a_prominent_column_is_parenchyma_in_the_sinus() -> None:
    scene = painted_scene()
    changed = _made(prominent_column, 5, scene)
    new = changed.parenchyma & ~scene.parenchyma
    assert new.any() and (scene.labels[new] == Label.KIDNEY_LEFT).all()
    assert (changed.labels == scene.labels).all()
    assert np.median(changed.hu[ndimage.binary_erosion(new) if ndimage.binary_erosion(new).any() else new]) > 100


def test_variants_repeat_from_their_seed_and_put_in_no_mass(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = painted_scene()
    for name in SHARES:
        monkeypatch.setitem(SHARES, name, 1.0)
    one, drawn = with_variants(np.random.default_rng(1), scene, Side.LEFT, None)
    other, _ = with_variants(np.random.default_rng(1), scene, Side.LEFT, None)
    assert drawn == list(SHARES) and (one.hu == other.hu).all()
    assert not np.isin(one.labels, MASS_LABELS).any() and (one.labels == Label.KIDNEY_LEFT).any()
    for name in SHARES:
        monkeypatch.setitem(SHARES, name, 0.0)
    assert with_variants(np.random.default_rng(1), scene, Side.LEFT, None) == (scene, [])


def test_lesions_stay_in_their_organ() -> None:
    scene = painted_scene()
    changed = liver_lesions(np.random.default_rng(2), scene)
    moved = np.abs(changed.hu - scene.hu) > 1e-3
    assert moved.any() and (scene.organs[moved] > 0).all()
    assert np.abs(changed.hu - scene.hu).max() > 30


def test_strands_take_fat_alone() -> None:
    scene = painted_scene()
    changed = _made(stranded_fat, 3, scene)
    moved = np.abs(changed.hu - scene.hu) > 15
    assert moved.sum() > 100 and not (moved & ((scene.labels > 0) | (scene.organs > 0))).any()
    assert (changed.labels == scene.labels).all() and changed.hu[moved].mean() > scene.hu[moved].mean() + 20


def test_a_stent_is_a_thin_bright_tube_from_the_sinus_downwards() -> None:
    scene = painted_scene()
    changed = _made(with_stent, 4, scene)
    tube = changed.hu - scene.hu > 100
    assert 10 < tube.sum() < 0.01 * tube.size and (changed.labels == scene.labels).all()
    assert (tube & (scene.labels == Label.KIDNEY_LEFT)).any() and not (tube & scene.parenchyma).any()
    assert np.argwhere(tube)[:, 0].min() < np.argwhere(scene.labels == Label.KIDNEY_LEFT)[:, 0].mean() - 6
