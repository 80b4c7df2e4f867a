"""Random changes of one sample: where the patch lies, how it is turned and scaled, and what its intensities become.

One interpolation does crop, rotation, scaling, shift and flip together, and none is done where only a crop is asked;
training shares two cores with its own data, so every line here is counted. All draws come from the given generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ..recipes.recipe import Augmentation, Window

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Placement:
    """Where a patch lies in its sample.

    Patch voxel ``o`` shows sample position ``start + c + matrix @ (o - c)``, ``c = (shape - 1) / 2``, in (k, j, i).
    """

    shape: Triple
    start: npt.NDArray[np.float64]
    matrix: npt.NDArray[np.float64] | None = None
    flip: bool = False

    def take(self, volume: Tensor, outside: float | None, mode: str) -> Tensor:
        """The patch of ``volume`` ``[k, j, i]`` as float32.

        Args:
            outside: value beyond the sample; None repeats its edge.
            mode: ``bilinear`` (trilinear) or ``nearest``.
        """
        patch = self._slice(volume, outside) if self.matrix is None else self._sample(volume, outside, mode)
        return patch.flip(2) if self.flip else patch

    def _slice(self, volume: Tensor, outside: float | None) -> Tensor:
        start = np.rint(self.start).astype(int)
        if outside is None:
            edges = [
                torch.arange(first, first + length).clamp_(0, size - 1)
                for first, length, size in zip(start.tolist(), self.shape, volume.shape, strict=True)
            ]
            return volume[edges[0]][:, edges[1]][:, :, edges[2]].float()
        stop = start + self.shape
        low = np.clip(start, 0, volume.shape)
        high = np.clip(stop, low, volume.shape)
        inner = volume[low[0] : high[0], low[1] : high[1], low[2] : high[2]].float()
        pads = [int(n) for axis in (2, 1, 0) for n in (low[axis] - start[axis], stop[axis] - high[axis])]
        return F.pad(inner, pads, value=outside) if any(pads) else inner.clone()

    def _sample(self, volume: Tensor, outside: float | None, mode: str) -> Tensor:
        assert self.matrix is not None
        size = np.array(volume.shape, dtype=np.float64)
        half = np.array(self.shape, dtype=np.float64) / 2
        linear = self.matrix * half[None, :] * (2 / size[:, None])
        centre = (2 * (self.start + half - 0.5) + 1) / size - 1
        theta = np.concatenate([linear[::-1, ::-1], centre[::-1, None]], axis=1)
        grid = F.affine_grid(torch.from_numpy(theta[None].astype(np.float32)), [1, 1, *self.shape], align_corners=False)
        base = 0.0 if outside is None else outside
        source = (volume.float() - base)[None, None]
        padding = "border" if outside is None else "zeros"
        patch = F.grid_sample(source, grid, mode=mode, padding_mode=padding, align_corners=False)[0, 0]
        return patch + base if base else patch


def draw_placement(
    rng: np.random.Generator,
    recipe: Augmentation,
    sample: Triple,
    patch: Triple,
    target: npt.NDArray[np.int64] | None = None,
) -> Placement:
    """Where the next patch lies.

    A patch smaller than its sample lies anywhere inside; one that is larger holds the sample anywhere.

    Args:
        target: sample position (k, j, i) to be near the middle of the patch; None for anywhere.
    """
    slack = np.subtract(sample, patch)
    low, high = np.minimum(slack, 0), np.maximum(slack, 0)
    if target is None:
        start = rng.integers(low, high + 1).astype(np.float64)
    else:
        jitter = rng.uniform(-0.25, 0.25, 3) * patch
        start = np.clip(np.rint(target - np.divide(patch, 2) + jitter), low, high).astype(np.float64)
    matrix = None
    if rng.random() < recipe.spatial_probability and (recipe.rotation_deg or recipe.scale or recipe.shift):
        angles = np.deg2rad(rng.uniform(-recipe.rotation_deg, recipe.rotation_deg, 3))
        matrix = _rotation(angles) @ np.diag(1 + rng.uniform(-recipe.scale, recipe.scale, 3))
        start = start + rng.uniform(-recipe.shift, recipe.shift, 3) * patch
    return Placement(patch, start, matrix, bool(rng.random() < recipe.flip))


def change_intensities(rng: np.random.Generator, recipe: Augmentation, window: Window, patch_hu: Tensor) -> Tensor:
    """HU ``[k, j, i]`` to -1 ... 1 over the window, with random brightness, contrast, gamma, blur, thinning, noise."""
    contrast = 1 + rng.uniform(-recipe.contrast, recipe.contrast)
    level = window.level - rng.uniform(-recipe.brightness_hu, recipe.brightness_hu)
    values = ((patch_hu - level) * (2 * contrast / window.width)).clamp_(-1, 1)
    if rng.random() < recipe.coarse_probability:
        values = _thinned(rng, values, recipe.coarse)
    if rng.random() < recipe.blur_probability:
        values = _blurred(values, rng.uniform(0.3, max(recipe.blur, 0.3)))
    if recipe.gamma:
        gamma = np.exp(rng.uniform(-1, 1) * np.log1p(recipe.gamma))
        # Blurring rounds to a hair below -1, and a power of a negative number is not a number.
        values = ((values + 1) * 0.5).clamp_(min=0).pow_(gamma).mul_(2).sub_(1)
    if recipe.noise and rng.random() < recipe.noise_probability:
        noise = torch.from_numpy(rng.standard_normal(values.shape, dtype=np.float32))
        values = values.add_(noise, alpha=rng.uniform(0, recipe.noise))
    return values.clamp_(-1, 1)


def jitter_mask(rng: np.random.Generator, mask: Tensor) -> Tensor:
    """A mask ``[k, j, i]`` whose border is moved in or out by up to about a voxel, as a network's border is."""
    smooth = F.avg_pool3d(mask[None, None], 3, stride=1, padding=1)[0, 0]
    moved = (smooth > rng.uniform(0.2, 0.8)).float()
    return moved if bool(moved.any()) else mask


def _rotation(angles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        one, two = (other for other in range(3) if other != axis)
        turn[[one, one, two, two], [one, two, one, two]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        matrix = matrix @ turn
    return matrix


def _thinned(rng: np.random.Generator, values: Tensor, largest: float) -> Tensor:
    factor = rng.uniform(1, max(largest, 1))
    axes = range(3) if rng.random() < 0.5 else [int(rng.integers(3))]
    small = [max(2, round(n / factor)) if axis in axes else n for axis, n in enumerate(values.shape)]
    thin = F.interpolate(values[None, None], size=small, mode="area")
    return F.interpolate(thin, size=values.shape, mode="trilinear", align_corners=False)[0, 0]


def _blurred(values: Tensor, sigma: float) -> Tensor:
    """Gaussian blur; sums of shifted views, which on a CPU beats a convolution of one channel."""
    radius = max(1, round(2.5 * sigma))
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    weights /= weights[0] + 2 * weights[1:].sum()
    for axis in range(3):
        size = values.shape[axis]
        pads = [0] * 6
        pads[2 * (2 - axis)] = pads[2 * (2 - axis) + 1] = radius
        padded = F.pad(values[None, None], pads, mode="replicate")[0, 0]
        values = values * float(weights[0])
        for step in range(1, radius + 1):
            for shift in (radius - step, radius + step):
                values.add_(padded.narrow(axis, shift, size), alpha=float(weights[step]))
    return values
