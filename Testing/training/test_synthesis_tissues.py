"""What masses are made of, over many draws: each variant comes, and none too often."""

from __future__ import annotations

import numpy as np
import pytest

from RenalAILib.labels import MassClass
from RenalAITrainingLib.synthesis.tissues import Surround, texture

DIAMETER_MM, DRAWS = 26.0, 120
SPACING_MM = np.array([2.0, 1.5, 1.5])
SHAPE = (17, 23, 23)
KIDNEY_HU = 150.0


def _signed() -> np.ndarray:
    axes = [(np.arange(count) - (count - 1) / 2) * step for count, step in zip(SHAPE, SPACING_MM, strict=True)]
    k, j, i = np.meshgrid(*axes, indexing="ij")
    return (np.sqrt(k**2 + j**2 + i**2) - DIAMETER_MM / 2).astype(np.float32)


SIGNED = _signed()
INSIDE = SIGNED < -2


def _drawn(mass_class: MassClass) -> list[np.ndarray]:
    surround = Surround(KIDNEY_HU, enhanced=True, hidden=False)
    rng = np.random.default_rng(7)
    return [texture(rng, mass_class, SIGNED, SPACING_MM, DIAMETER_MM, surround) for _ in range(DRAWS)]


def _share(found: list[bool]) -> float:
    return float(np.mean(found))


def test_aml_are_rich_in_fat_and_some_poor() -> None:
    fat = np.array([float((hu[INSIDE] < -20).mean()) for hu in _drawn(MassClass.AML)])
    assert 0.03 < (fat < 0.2).mean() < 0.25 and (fat > 0.4).mean() > 0.5
    assert (fat > 0.01).mean() > 0.95, "without any fat an AML cannot be told from a solid mass"


def test_cysts_are_fluid_with_blood_septa_levels_and_calcium_at_times() -> None:
    made = _drawn(MassClass.CYSTIC)
    middle = np.array([float(np.median(hu[INSIDE])) for hu in made])
    assert ((middle > -12) & (middle < 30)).mean() > 0.75 and middle.max() < 110
    assert 0.03 < (middle > 38).mean() < 0.25, "blood or protein"
    assert 0.05 < _share([bool((hu[INSIDE] > np.median(hu[INSIDE]) + 30).any()) for hu in made]) < 0.6, "septa"
    assert 0.0 < _share([bool(hu[SIGNED < 0].max() > 130) for hu in made]) < 0.3, "calcium"
    front, back = INSIDE & (np.arange(SHAPE[1])[:, None] < 8), INSIDE & (np.arange(SHAPE[1])[:, None] > 14)
    assert 0.0 < _share([bool(np.median(hu[back]) - np.median(hu[front]) > 25) for hu in made]) < 0.2, "fluid levels"


def test_solid_masses_enhance_and_some_are_dead_inside() -> None:
    made = _drawn(MassClass.SOLID)
    middle = np.array([float(np.median(hu[INSIDE])) for hu in made])
    assert (middle > 55).mean() > 0.75
    assert 0.02 < (middle > KIDNEY_HU).mean() < 0.3, "some enhance more than the kidney"
    assert 0.15 < _share([bool((hu[INSIDE] < 30).mean() > 0.05) for hu in made]) < 0.7, "necrosis"
    assert 0.0 < _share([bool(hu[INSIDE].max() > 1.8 * KIDNEY_HU) for hu in made]) < 0.2, "calcium"
    assert min(float(hu[INSIDE].min()) for hu in made) > -60, "no fat"


@pytest.mark.parametrize("mass_class", [MassClass.AML, MassClass.CYSTIC, MassClass.SOLID])
def test_a_texture_repeats_from_its_seed(mass_class: MassClass) -> None:
    surround = Surround(KIDNEY_HU, enhanced=True, hidden=True)
    one, other = (
        texture(np.random.default_rng(3), mass_class, SIGNED, SPACING_MM, DIAMETER_MM, surround) for _ in range(2)
    )
    assert (one == other).all()
