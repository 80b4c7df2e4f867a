"""A small made-up abdomen for tests of the synthesis: fat, two kidneys with a sinus, a liver, a spine."""

from __future__ import annotations

from functools import cache

import numpy as np

from RenalAILib.labels import Label
from RenalAITrainingLib.synthesis.fields import Noise
from RenalAITrainingLib.synthesis.scene import Scene
from RenalAITrainingLib.synthesis.sources import ORGANS

SHAPE = (40, 70, 110)
SPACING_MM = np.array([3.0, 1.5, 1.5])
NOISE = Noise(6.0, (0.3, 0.6, 0.6))
KIDNEY_HU, LIVER_HU = 160.0, 110.0


@cache
def painted_scene(seed: int = 0) -> Scene:
    """Kidneys of 160 HU at either side of the spine, the liver in front of the right one; nothing random but noise."""
    k, j, i = np.indices(SHAPE) * SPACING_MM.reshape(3, 1, 1, 1)

    def ball(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
        parts = zip((k, j, i), centre, radii, strict=True)
        return np.asarray(sum(((x - at) / radius) ** 2 for x, at, radius in parts) < 1)

    hu = np.full(SHAPE, -100.0)
    labels, organs = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    liver, spine = ball((70, 20, 35), (45, 16, 28)), ball((60, 75, 82), (100, 14, 14))
    hu[liver], hu[spine] = LIVER_HU, 250
    organs[liver] = ORGANS["liver"]
    parenchyma = np.zeros(SHAPE, bool)
    for value, centre, toward in ((Label.KIDNEY_RIGHT, 40, 1), (Label.KIDNEY_LEFT, 125, -1)):
        kidney = ball((60, 62, centre), (40, 22, 20)) & ~liver & ~spine
        sinus = ball((60, 62, centre + 6 * toward), (18, 7, 6))
        labels[kidney] = value
        parenchyma |= kidney & ~sinus
    hu[parenchyma] = KIDNEY_HU
    hu = hu + NOISE.draw(np.random.default_rng(seed), SHAPE)
    return Scene(hu.astype(np.float32), labels, parenchyma, organs, SPACING_MM, NOISE, "real", "train", ("made_up",))
