"""Resampling: the one way from a box of voxels to a network's grid and back, in training and at work alike.

Separable linear interpolation, averaged over the step where the grid gets coarser (so that noise is averaged, not
aliased), one axis after the other as a sum of a few shifted copies: on one core faster than matrix products, and no
thread pool to fight with the networks' own. A whole CT is first thinned to block means of at most two samples an axis.
Linear ramps come back exactly, away from the border.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .boxes import Box, Triple

_SUBSAMPLES = 4  # positions averaged within one step of a coarser grid


def resample(array: np.ndarray, box: Box, shape: Triple, part: Box | None = None) -> npt.NDArray[np.float32]:
    """The voxels of ``box`` on a grid of ``shape`` that covers the same extent.

    Sample ``n`` along an axis lies at ``start + (n + 0.5) * (stop - start) / shape - 0.5``. Outside the array its edge
    is repeated, so ``box`` may reach past it. Going back is ``resample(grid, Box.whole(grid.shape), box.shape)``.

    Args:
        array: ``[k, j, i]``, any numeric type, any strides.
        box: in indices of ``array``; it must touch the array.
        shape: of the result, (k, j, i).
        part: the samples of the result that are wanted, where not all are; the rest is not computed.

    Raises:
        ValueError: the box lies wholly outside the array.

    Example:
        >>> resample(np.arange(8.0).reshape(1, 1, 8), Box((0, 0, 0), (1, 1, 8)), (1, 1, 4)).round(2).tolist()
        [[[0.5, 2.5, 4.5, 6.5]]]
    """
    inside = box.clipped((array.shape[0], array.shape[1], array.shape[2]))
    source, offset, factor = _block_means(array[inside.slices], box, inside, shape)
    wanted = Box.whole(shape) if part is None else part
    order = sorted(range(3), key=lambda axis: wanted.shape[axis] / source.shape[axis])  # shrink first, grow last
    result = source.astype(np.float32, copy=False)
    for axis in order:
        indices, weights = _taps(box, shape, offset, factor, source.shape, axis)
        samples = wanted.slices[axis]
        result = _along(result, indices[:, samples], weights[:, samples], axis)
    return np.ascontiguousarray(result)


def interpolate(array: np.ndarray, positions: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float32]:
    """``array`` where the positions of its axes cross, linear, for grids that `resample` cannot place: pictures.

    Args:
        array: any number of axes, any numeric type.
        positions: for each axis, indices with fractions in any order; outside the array its edge is repeated.

    Example:
        >>> interpolate(np.array([0.0, 10.0, 20.0]), [np.array([1.5, 0.25, -1.0])]).tolist()
        [15.0, 2.5, 0.0]
    """
    result = array
    for axis, wanted in enumerate(positions):
        at = np.clip(wanted, 0, array.shape[axis] - 1)
        below = np.floor(at).astype(np.intp)
        above = np.minimum(below + 1, array.shape[axis] - 1)
        share = (at - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(array.ndim)])
        result = result.take(below, axis) * (1 - share) + result.take(above, axis) * share
    return np.asarray(result, dtype=np.float32)


def coarse_shape(shape: Triple, spacing_mm: npt.ArrayLike, target_mm: float) -> Triple:
    """The shape that gives a volume of ``shape`` voxels nearly ``target_mm`` between samples on every axis."""
    k, j, i = np.maximum(np.round(np.multiply(shape, spacing_mm) / target_mm), 1).astype(int)
    return int(k), int(j), int(i)


def window(array: npt.NDArray[np.float32], width_hu: float, level_hu: float) -> npt.NDArray[np.float32]:
    """HU to -1 ... 1 over the window, clipped outside it."""
    scaled = (array - np.float32(level_hu)) * np.float32(2.0 / width_hu)
    return np.clip(scaled, -1.0, 1.0, out=scaled)


def _block_means(
    crop: np.ndarray, box: Box, inside: Box, shape: Triple
) -> tuple[np.ndarray, npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """``crop`` thinned by whole factors; index ``x`` of the result lies at ``offset + factor * x`` of the array."""
    factor = np.maximum(np.floor(np.divide(box.shape, shape) + 1e-6).astype(int), 1)
    factor = np.minimum(factor, inside.shape)
    if factor.max() == 1:
        return crop, np.asarray(inside.start, dtype=np.float64), factor
    counts = np.array(inside.shape) // factor
    picks = [sorted({int(f) // 4, int(f) - 1 - int(f) // 4}) for f in factor]
    total = np.zeros(counts, dtype=np.float32)
    for a in picks[0]:
        for b in picks[1]:
            for c in picks[2]:
                total += crop[a :: factor[0], b :: factor[1], c :: factor[2]][: counts[0], : counts[1], : counts[2]]
    total /= len(picks[0]) * len(picks[1]) * len(picks[2])
    return total, np.add(inside.start, (factor - 1) / 2), factor


def _taps(
    box: Box, shape: Triple, offset: npt.NDArray[np.float64], factor: npt.NDArray[np.int64], have: Triple, axis: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """What each sample of one axis is made of: indices there ``(taps, wanted)`` and their weights, which sum to 1."""
    step = box.shape[axis] / shape[axis]
    centres = box.start[axis] + (np.arange(shape[axis]) + 0.5) * step - 0.5
    spread = max(step - factor[axis], 0.0) * (np.arange(_SUBSAMPLES) + 0.5 - _SUBSAMPLES / 2) / _SUBSAMPLES
    at = np.clip((centres[:, None] + spread[None, :] - offset[axis]) / factor[axis], 0, have[axis] - 1)
    low = np.floor(at).astype(np.int64)
    first = low[:, 0]
    count = int((low[:, -1] - first).max()) + 2
    weights = np.zeros((count, shape[axis]))
    samples = np.arange(shape[axis])
    for n in range(_SUBSAMPLES):
        share = (at - low)[:, n] / _SUBSAMPLES
        weights[low[:, n] - first, samples] += 1 / _SUBSAMPLES - share
        weights[low[:, n] - first + 1, samples] += share
    indices = np.minimum(first + np.arange(count)[:, None], have[axis] - 1)  # past the end the weight is 0
    return indices, weights.astype(np.float32)


def _along(
    array: npt.NDArray[np.float32], indices: npt.NDArray[np.int64], weights: npt.NDArray[np.float32], axis: int
) -> npt.NDArray[np.float32]:
    """The weighted sum of the parts of ``array`` that ``indices`` name along one axis."""
    shape = [1, 1, 1]
    shape[axis] = -1
    result: npt.NDArray[np.float32] = array.take(indices[0], axis=axis)
    result *= weights[0].reshape(shape)
    for index, weight in zip(indices[1:], weights[1:], strict=True):
        part = array.take(index, axis=axis)
        part *= weight.reshape(shape)
        result += part
    return result
