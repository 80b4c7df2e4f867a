"""Other kernels, doses and artefacts change the picture, never the truth; breathing takes the truth along."""

from __future__ import annotations

import numpy as np
import pytest
from paintedscene import NOISE, painted_scene
from scipy import ndimage

from RenalAITrainingLib.synthesis.reconstruction import (
    SHARES,
    breathed_between_beds,
    reconstructed,
    sharp_kernel,
    soft_kernel,
    starved,
    with_metal,
)
from RenalAITrainingLib.synthesis.scene import Scene


def _noise(scene: Scene) -> float:
    """SD inside the parenchyma."""
    return float(scene.hu[ndimage.binary_erosion(painted_scene().parenchyma, iterations=2)].std())


def test_kernels_change_noise_as_they_say() -> None:
    scene = painted_scene()
    soft, sharp = (kernel(np.random.default_rng(1), scene) for kernel in (soft_kernel, sharp_kernel))
    assert _noise(soft) < 0.95 * NOISE.sd_hu and soft.noise.sd_hu < NOISE.sd_hu
    assert _noise(sharp) > 1.3 * NOISE.sd_hu and sharp.noise.sd_hu > NOISE.sd_hu
    edge = np.abs(np.gradient(scene.hu, axis=2)) > 60
    assert np.abs(np.gradient(sharp.hu, axis=2))[edge].mean() > np.abs(np.gradient(scene.hu, axis=2))[edge].mean()
    for made in (soft, sharp):
        assert (made.labels == scene.labels).all()


def test_starved_noise_runs_from_side_to_side() -> None:
    scene = painted_scene()
    added = starved(np.random.default_rng(2), scene).hu - scene.hu
    along, across = (float(np.abs(np.diff(added, axis=axis)).mean()) for axis in (2, 1))
    assert added.std() > 4 and along < 0.5 * across


def test_metal_is_outside_the_labels_and_streaks_in_its_slices_alone() -> None:
    scene = painted_scene()
    made = with_metal(np.random.default_rng(3), scene)
    assert made.hu.max() > 1000 and not (made.labels[made.hu > 1000]).any()
    touched = np.flatnonzero(np.abs(made.hu - scene.hu).max(axis=(1, 2)) > 1)
    assert 1 <= len(touched) <= 5 and (np.diff(touched) == 1).all()


def test_breathing_moves_the_upper_part_with_its_truth() -> None:
    scene = painted_scene()
    made = breathed_between_beds(np.random.default_rng(4), scene)
    changed = np.flatnonzero((made.labels != scene.labels).any(axis=(1, 2)))
    same = np.flatnonzero((made.hu == scene.hu).all(axis=(1, 2)))
    assert same.size and changed.size and same.max() < changed.min()
    inner = ndimage.binary_erosion(made.parenchyma, iterations=2)
    assert made.hu[inner].mean() == pytest.approx(160, abs=5)


def test_what_was_done_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = painted_scene()
    for name in SHARES:
        monkeypatch.setitem(SHARES, name, 1.0)
    made, done = reconstructed(np.random.default_rng(5), scene)
    assert done == list(SHARES) and np.isfinite(made.hu).all()
    for name in SHARES:
        monkeypatch.setitem(SHARES, name, 0.0)
    assert reconstructed(np.random.default_rng(5), scene) == (scene, [])
