"""Connected domains: the paper's unit of a mass. Voxels that share a face, an edge or a corner belong together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..boxes import Box, Triple

Mask = npt.NDArray[np.bool_]


def connected_domains(mask: Mask) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Number the connected domains (26 neighbours) of a 3-D mask by falling size.

    Returns:
        The numbers on the mask's grid (0 background, 1 the largest domain) and the voxel counts,
        ``counts[n - 1]`` of domain ``n``.

    Example:
        >>> mask = np.zeros((1, 1, 6), bool)
        >>> mask[0, 0, [0, 2, 3]] = True
        >>> connected_domains(mask)[0].tolist(), connected_domains(mask)[1].tolist()
        ([[[2, 0, 1, 1, 0, 0]]], [2, 1])
    """
    numbers = np.zeros(mask.shape, dtype=np.uint32)
    box = Box.around(mask)
    if box is None:
        return numbers, np.zeros(0, dtype=np.int64)
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(mask[box.slices]).view(np.uint8))
    joined = sitk.ConnectedComponent(image, True)
    found = sitk.GetArrayViewFromImage(joined)
    counts = np.bincount(found.ravel())[1:]
    order = np.argsort(-counts, kind="stable")
    rank = np.zeros(counts.size + 1, dtype=np.uint32)
    rank[order + 1] = np.arange(1, counts.size + 1)
    numbers[box.slices] = rank[found]
    return numbers, counts[order].astype(np.int64)


def dilated(mask: Mask, radius: Triple) -> Mask:
    """``mask`` grown by an ellipsoid of ``radius`` voxels along (k, j, i)."""
    grown = np.zeros(mask.shape, dtype=np.bool_)
    box = Box.around(mask)
    if box is None:
        return grown
    import SimpleITK as sitk

    crop = box.padded(radius, (mask.shape[0], mask.shape[1], mask.shape[2])).slices
    image = sitk.GetImageFromArray(np.ascontiguousarray(mask[crop]).view(np.uint8))
    result = sitk.BinaryDilate(image, [radius[2], radius[1], radius[0]], sitk.sitkBall)
    grown[crop] = sitk.GetArrayViewFromImage(result)
    return grown


def eroded(mask: Mask) -> Mask:
    """``mask`` without the voxels that have one of their 6 face neighbours outside; the array's border is outside."""
    padded = np.pad(mask, 1)
    inner = mask.copy()
    for axis in range(3):
        for shift in (-1, 1):
            inner &= np.roll(padded, shift, axis=axis)[1:-1, 1:-1, 1:-1]
    return inner
