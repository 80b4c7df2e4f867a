"""Sinus variants: fat, lobules, peripelvic cysts and a pelvis are no masses; a parapelvic cyst is one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from paintedscene import SPACING_MM, painted_scene
from scipy import ndimage

from RenalAILib.labels import KIDNEY_LABELS, Label, MassClass, Side
from RenalAITrainingLib.synthesis.levels import layered
from RenalAITrainingLib.synthesis.masses import PlannedMass, insert_mass, plan_mass
from RenalAITrainingLib.synthesis.renal_pelvis import extrarenal_pelvis
from RenalAITrainingLib.synthesis.scene import Scene
from RenalAITrainingLib.synthesis.sinus_variants import peripelvic_cysts, sinus_lipomatosis, sinus_lobules

Variant = Callable[[np.random.Generator, Scene, Side], Scene]


def _drawn(scene: Scene, changed: Scene) -> np.ndarray:
    """Parenchyma that is none any more, less its border."""
    return np.asarray(scene.parenchyma & ~changed.parenchyma)


@pytest.mark.parametrize(
    ("variant", "low", "high"),
    [(sinus_lipomatosis, -125, 0), (sinus_lobules, -125, 0), (peripelvic_cysts, -20, 60)],
)
def test_what_fills_the_sinus_is_kidney_in_the_truth(variant: Variant, low: float, high: float) -> None:
    scene = painted_scene()
    for seed in range(4):
        changed = variant(np.random.default_rng(seed), scene, Side.LEFT)
        assert (changed.labels == scene.labels).all()
        drawn = _drawn(scene, changed)
        assert (scene.labels[drawn] == Label.KIDNEY_LEFT).all() and not (changed.parenchyma & ~scene.parenchyma).any()
        moved = np.abs(changed.hu - scene.hu) > 40
        assert moved.sum() > 20 and (scene.labels[moved] == Label.KIDNEY_LEFT).all()
        assert low < np.median(changed.hu[drawn if drawn.sum() > 20 else moved]) < high
        again = variant(np.random.default_rng(seed), scene, Side.LEFT)
        assert (again.hu == changed.hu).all()


def test_much_fat_leaves_a_rim_of_parenchyma() -> None:
    scene = painted_scene()
    depth = ndimage.distance_transform_edt(scene.labels == Label.KIDNEY_LEFT, sampling=SPACING_MM)
    rim = scene.parenchyma & (depth > 0) & (depth < 4)
    sizes = []
    for seed in range(6):
        changed = sinus_lipomatosis(np.random.default_rng(seed), scene, Side.LEFT)
        assert changed.parenchyma[rim].all()
        sizes.append(int(_drawn(scene, changed).sum()))
    assert max(sizes) > 0.1 * (scene.labels == Label.KIDNEY_LEFT).sum()


def test_an_extrarenal_pelvis_leaves_truth_and_parenchyma_alone() -> None:
    scene = painted_scene()
    outside = 0
    for seed in range(6):
        changed = extrarenal_pelvis(np.random.default_rng(seed), scene, Side.RIGHT)
        assert (changed.labels == scene.labels).all()
        moved = np.abs(changed.hu - scene.hu) > 40
        outside += bool((moved & (scene.labels == 0)).any())
        assert not (moved & (scene.parenchyma | (scene.organs > 0) | (scene.hu > 220))).any()
    assert outside >= 4


def test_a_parapelvic_cyst_is_a_cystic_mass_from_the_parenchyma() -> None:
    scene = painted_scene()
    plan = PlannedMass(MassClass.CYSTIC, 14.0, 0.0, parapelvic=True)
    made = [insert_mass(np.random.default_rng(seed), scene, Side.LEFT, plan, None) for seed in range(6)]
    found = [changed for changed in made if changed is not None]
    assert len(found) >= 3
    for changed, _ in found:
        truth = changed.labels == Label.CYSTIC
        assert 0.2 < (truth & scene.parenchyma).sum() / truth.sum() < 1
        assert (truth & scene.kidney & ~scene.parenchyma).any()
        assert np.isin(scene.labels[truth], KIDNEY_LABELS).mean() > 0.9


def test_only_cysts_are_planned_parapelvic() -> None:
    rng = np.random.default_rng(0)
    plans = [plan_mass(rng) for _ in range(300)]
    parapelvic = [plan for plan in plans if plan.parapelvic]
    assert 2 <= len(parapelvic) <= 30 and all(plan.mass_class is MassClass.CYSTIC for plan in parapelvic)


def test_a_level_is_flat_and_the_heavy_part_behind() -> None:
    inside = np.zeros((4, 20, 6), bool)
    inside[:, 4:16] = True
    behind = 0
    for seed in range(10):
        hu = layered(np.random.default_rng(seed), inside, np.array([3.0, 1.0, 1.0]), 5.0, 300.0)
        front, back = float(hu[0, 4, 0]), float(hu[0, 15, 0])
        assert (hu == hu[:1, :, :1]).all() and abs(front - back) > 250
        behind += back > front
    assert behind >= 8
