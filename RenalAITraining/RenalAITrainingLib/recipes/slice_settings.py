"""SliceAugmentation: a recipe's settings for random changes of slices; `slice_augmentation` makes them."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class SliceAugmentation:
    """Ranges and probabilities; every range is drawn from evenly, anew for every sample of every step.

    Args:
        mirror: probability of swapping left and right.
        rotation_deg: largest angle.
        scale: largest relative change of size, alike along both axes.
        grid_probability: share of samples whose grid is distorted.
        grid_steps: cells along a side, a range of whole numbers.
        grid_limit: largest relative change of a cell's width.
        elastic_probability: share of samples that are deformed elastically.
        elastic_alpha: factor of the smoothed random field, pixels.
        elastic_sigma: its smoothness, pixels.
        poisson: range of the mean of the noise, in grey levels of 0 ... 255; its sign is random.
        gamma: range of the exponent on 0 ... 1.
        blur: range of sigma of a Gaussian blur, pixels.
        dropout: range of the share of squares that become black.
        dropout_size: range of a square's side, as a share of the picture's.

    Raises:
        ValueError: a probability outside 0 ... 1 or a range that runs downwards or below zero.
    """

    mirror: float = 0.0
    rotation_deg: float = 0.0
    scale: float = 0.0
    grid_probability: float = 0.0
    grid_steps: tuple[int, int] = (2, 5)
    grid_limit: float = 0.3
    elastic_probability: float = 0.0
    elastic_alpha: Range = (30.0, 120.0)
    elastic_sigma: Range = (3.0, 6.0)
    poisson: Range = (0.0, 0.0)
    gamma: Range = (1.0, 1.0)
    blur: Range = (0.0, 0.0)
    dropout: Range = (0.0, 0.0)
    dropout_size: Range = (0.0, 0.05)

    def __post_init__(self) -> None:
        for name in ("mirror", "grid_probability", "elastic_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0 ... 1, got {getattr(self, name)}")
        for name in ("grid_steps", "elastic_alpha", "elastic_sigma", "poisson", "gamma", "blur", "dropout"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise ValueError(f"{name} must be a rising range of numbers from 0, got {[low, high]}")
        if self.grid_steps[0] < 1 or not 0 <= self.grid_limit < 1 or not 0 <= self.scale < 1:
            raise ValueError("grid_steps must be at least 1, grid_limit and scale lie in 0 ... 1")
