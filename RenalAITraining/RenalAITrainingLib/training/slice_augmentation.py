"""Random changes of one axial slice: those of the DeepHealth systems (Bolocan 2023), for classifiers and 2-D U-Nets.

How to use it: a recipe's section becomes a `SliceAugmentation`; a task calls `augment_slice` once a sample and step::

    image, masks = augment_slice(rng, recipe, image, masks)

with ``image`` ``[j, i]`` already windowed to -1 ... 1 and ``masks`` ``[channel, j, i]`` (or None for a classifier).
Mirror, rotation, scale, grid distortion and elastic deformation are one cubic interpolation of the image and one
nearest-neighbour look-up of the masks, so that both stay on each other; noise, gamma, blur and dropout change the image
alone. All draws come from the given generator. All settings at their defaults change nothing.

The meaning and the ranges of the settings are those of the ECVL library that the paper's authors used: their pipeline
(deephealthproject/use-case-pipelines, ``kidney_classification.cpp``) mirrors half, rotates by up to 30 degrees, adds
Poisson noise of 0 to 10 grey levels, gamma 0.5 to 1.5, blurs by a sigma of 0 to 0.8 pixels, and drops up to 3 % of
squares of up to 5 % of the side; ``kidney_segmentation.cpp`` deforms elastically (alpha 30 to 120, sigma 3 to 6) or by
a grid (2 to 5 steps, limit 0.3).
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..recipes.slice_settings import SliceAugmentation

GREY_LEVELS = 255.0  # noise is given in steps of an 8-bit picture, as in ECVL


def augment_slice(
    rng: np.random.Generator, recipe: SliceAugmentation, image: Tensor, masks: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """One slice changed at random, with its masks on it.

    Args:
        image: float32 ``[j, i]`` in -1 ... 1; outside it lies -1.
        masks: ``[channel, j, i]`` of any type, 0 outside; None where there are none.

    Returns:
        Both, of the same shapes and types; nothing given is changed in place.

    Example:
        >>> image = torch.rand(8, 8) * 2 - 1
        >>> mirrored, _ = augment_slice(np.random.default_rng(0), SliceAugmentation(mirror=1.0), image)
        >>> torch.equal(mirrored, image.flip(1))
        True
    """
    where = deformation(rng, recipe, (image.shape[-2], image.shape[-1]))
    if where is not None:
        image = _cubic(image, where)
        masks = None if masks is None else _nearest(masks, where)
    if rng.random() < recipe.mirror:
        image = image.flip(-1)
        masks = None if masks is None else masks.flip(-1)
    return change_grey(rng, recipe, image), masks


def deformation(rng: np.random.Generator, recipe: SliceAugmentation, shape: tuple[int, int]) -> Tensor | None:
    """For each pixel of the result where it comes from: ``[j, i, 2]`` in pixels (j, i); None for itself everywhere."""
    drawn = [_affine(rng, recipe, shape)]
    if rng.random() < recipe.grid_probability:
        drawn.append(_grid(rng, recipe, shape))
    if rng.random() < recipe.elastic_probability:
        drawn.append(_elastic(rng, recipe, shape))
    shifts = [shift for shift in drawn if shift is not None]
    if not shifts:
        return None
    total = shifts[0]
    for shift in shifts[1:]:
        total = total + shift
    return _positions(shape) + total


def change_grey(rng: np.random.Generator, recipe: SliceAugmentation, image: Tensor) -> Tensor:
    """``image`` ``[j, i]`` in -1 ... 1 with noise, gamma, blur and dropped squares, in ECVL's order."""
    grey = (image + 1) * 0.5
    if recipe.poisson[1] > 0:
        noise = rng.poisson(rng.uniform(*recipe.poisson), grey.shape) * rng.choice((-1.0, 1.0), grey.shape)
        grey = grey + torch.from_numpy((noise / GREY_LEVELS).astype(np.float32))
    if recipe.gamma != (1.0, 1.0):
        grey = grey.clamp(0, 1).pow(rng.uniform(*recipe.gamma))
    if recipe.blur[1] > 0:
        grey = _blurred(grey, rng.uniform(*recipe.blur))
    if recipe.dropout[1] > 0:
        grey = grey * _kept(rng, recipe, grey.shape)
    return (grey * 2 - 1).clamp(-1, 1)


def _positions(shape: tuple[int, int]) -> Tensor:
    rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in shape), indexing="ij")
    return torch.stack([rows, columns], dim=-1)


def _affine(rng: np.random.Generator, recipe: SliceAugmentation, shape: tuple[int, int]) -> Tensor | None:
    """Shifts of a rotation and scaling about the middle."""
    if not recipe.rotation_deg and not recipe.scale:
        return None
    angle = math.radians(rng.uniform(-recipe.rotation_deg, recipe.rotation_deg))
    size = 1 + rng.uniform(-recipe.scale, recipe.scale)
    matrix = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) / size
    middle = (torch.tensor(shape, dtype=torch.float32) - 1) / 2
    offsets = _positions(shape) - middle
    return offsets @ matrix.T - offsets


def _grid(rng: np.random.Generator, recipe: SliceAugmentation, shape: tuple[int, int]) -> Tensor:
    """Shifts of a grid whose rows and columns were made wider and narrower; the border stays where it is."""
    steps = int(rng.integers(recipe.grid_steps[0], recipe.grid_steps[1] + 1))
    shifts = []
    for size in shape:
        widths = 1 + rng.uniform(-recipe.grid_limit, recipe.grid_limit, steps)
        source = np.concatenate([[0.0], np.cumsum(widths) / widths.sum()]) * (size - 1)
        at = np.arange(size)
        shifts.append(np.interp(at, np.linspace(0, size - 1, steps + 1), source) - at)
    rows, columns = (torch.from_numpy(shift.astype(np.float32)) for shift in shifts)
    return torch.stack([rows[:, None].expand(shape), columns[None, :].expand(shape)], dim=-1)


def _elastic(rng: np.random.Generator, recipe: SliceAugmentation, shape: tuple[int, int]) -> Tensor:
    """Shifts of a smoothed random field (Simard et al., ICDAR 2003)."""
    sigma, alpha = rng.uniform(*recipe.elastic_sigma), rng.uniform(*recipe.elastic_alpha)
    fields = [torch.from_numpy(rng.uniform(-1, 1, shape).astype(np.float32)) for _ in range(2)]
    return torch.stack([_blurred(field, sigma) * alpha for field in fields], dim=-1)


def _cubic(image: Tensor, where: Tensor) -> Tensor:
    """``image`` at ``where``; beyond its border lies its darkest value, -1."""
    found = F.grid_sample((image + 1)[None, None], _normal(where), mode="bicubic", align_corners=True)[0, 0] - 1
    return found.clamp(-1, 1)  # cubic interpolation overshoots


def _nearest(masks: Tensor, where: Tensor) -> Tensor:
    found = F.grid_sample(masks.float()[None], _normal(where), mode="nearest", align_corners=True)[0]
    return found.to(masks.dtype)


def _normal(where: Tensor) -> Tensor:
    """Pixels ``[j, i, 2]`` as torch wants them: (i, j) from -1 to 1."""
    size = torch.tensor(where.shape[:2], dtype=torch.float32)
    return (where * 2 / (size - 1).clamp(min=1) - 1).flip(-1)[None]


def _blurred(values: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of ``[j, i]``, its border repeated."""
    radius = min(math.ceil(3 * sigma), min(values.shape) - 1)
    if radius < 1 or sigma < 0.1:
        return values
    weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    weights = weights / weights.sum()
    padded = F.pad(values[None, None], [radius] * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))[0, 0]


def _kept(rng: np.random.Generator, recipe: SliceAugmentation, shape: torch.Size) -> Tensor:
    """1 where a pixel stays, 0 in the dropped squares."""
    side = max(1, round(rng.uniform(*recipe.dropout_size) * max(shape)))
    cells = [-(-n // side) for n in shape]
    kept = rng.random(cells) >= rng.uniform(*recipe.dropout)
    wide = np.kron(kept, np.ones((side, side), dtype=np.bool_))[: shape[0], : shape[1]]
    return torch.from_numpy(wide.astype(np.float32))
