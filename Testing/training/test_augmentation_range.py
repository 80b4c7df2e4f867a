"""Regression: gamma after a blur gave NaN where the blur had rounded to a hair below the window."""

from __future__ import annotations

import numpy as np
import torch

from RenalAITrainingLib.recipes.recipe import Augmentation, Window
from RenalAITrainingLib.training.augmentation import change_intensities


def test_gamma_of_a_blurred_dark_patch_stays_finite() -> None:
    recipe = Augmentation(blur=1.0, blur_probability=1.0, gamma=0.25)
    dark = torch.full((16, 16, 16), -1000.0)
    dark[8:] = 100.0
    for seed in range(60):
        values = change_intensities(np.random.default_rng(seed), recipe, Window(300, 30), dark.clone())
        assert torch.isfinite(values).all(), f"seed {seed}"
        assert values.min() >= -1 and values.max() <= 1
