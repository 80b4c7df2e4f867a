"""Distances between two surfaces, by the definitions of Google DeepMind's ``surface-distance`` package.

A surface element is a 2x2x2 neighbourhood that is neither empty nor full; its area comes from that package's own
table, its place is the corner the eight voxels share. KiTS scores are defined by it. The distances are computed here,
with SimpleITK's threaded distance map on the box around both masks: several times faster, and right where one of the
masks is empty (the package, 0.1, fails there with numpy 2).

Source: Nikolov S. et al., Clinically applicable segmentation of head and neck anatomy for radiotherapy, JMIR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import Mask
from ..boxes import Box

_FULL = 255


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """Distance to the other surface and area of every surface element of two masks, sorted by distance.

    Attributes:
        to_second, first_areas: of the first mask's elements, mm and mm2.
        to_first, second_areas: of the second mask's elements.
    """

    to_second: npt.NDArray[np.float64]
    first_areas: npt.NDArray[np.float64]
    to_first: npt.NDArray[np.float64]
    second_areas: npt.NDArray[np.float64]

    def surface_dice(self, tolerance_mm: float) -> float | None:
        """Share of both surfaces that lies within ``tolerance_mm`` of the other; None where there is no surface."""
        total = self.first_areas.sum() + self.second_areas.sum()
        if total == 0:
            return None
        near = self.first_areas[self.to_second <= tolerance_mm].sum()
        near += self.second_areas[self.to_first <= tolerance_mm].sum()
        return float(near / total)

    def hausdorff_mm(self, percent: float = 100.0) -> float | None:
        """The distance within which ``percent`` of either surface's area lies; None where one mask is empty."""
        if self.to_second.size == 0 or self.to_first.size == 0:
            return None
        return max(
            _percentile(self.to_second, self.first_areas, percent),
            _percentile(self.to_first, self.second_areas, percent),
        )


def surface_distances(first: Mask, second: Mask, spacing_mm: npt.ArrayLike) -> SurfaceDistances:
    """Compare the surfaces of two masks ``[k, j, i]`` on one grid of ``spacing_mm`` (k, j, i)."""
    from surface_distance.lookup_tables import create_table_neighbour_code_to_surface_area

    spacing = np.asarray(spacing_mm, dtype=np.float64)
    box = Box.around(first | second)
    if box is None:
        nothing = np.zeros(0)
        return SurfaceDistances(nothing, nothing, nothing, nothing)
    areas = create_table_neighbour_code_to_surface_area(spacing)
    codes = [_neighbour_codes(mask[box.slices]) for mask in (first, second)]
    borders = [(code != 0) & (code != _FULL) for code in codes]
    sides = []
    for mine, other in ((0, 1), (1, 0)):
        distance = _distance_map(borders[other], spacing)[borders[mine]]
        area = areas[codes[mine][borders[mine]]]
        order = np.argsort(distance, kind="stable")
        sides.append((distance[order], area[order]))
    if not borders[0].any() or not borders[1].any():
        sides = [(np.full(len(area), np.inf), area) for _, area in sides]
    return SurfaceDistances(*sides[0], *sides[1])


def _neighbour_codes(mask: Mask) -> npt.NDArray[np.uint8]:
    """One byte for each corner of the voxel grid: which of the eight voxels around it belong to the mask."""
    padded = np.pad(mask, 1).view(np.uint8)
    k, j, i = (n + 1 for n in mask.shape)
    code = np.zeros((k, j, i), np.uint8)
    for bit, (a, b, c) in enumerate(np.ndindex(2, 2, 2)):
        code |= padded[a : a + k, b : b + j, c : c + i] << np.uint8(7 - bit)
    return code


def _distance_map(border: Mask, spacing: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """mm from every point of a grid to the nearest True one; meaningless where there is none."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(border.view(np.uint8))
    image.SetSpacing([float(value) for value in spacing[::-1]])
    squared = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=True, useImageSpacing=True)
    return np.asarray(np.sqrt(np.maximum(sitk.GetArrayFromImage(squared), 0.0)), dtype=np.float64)


def _percentile(distance: npt.NDArray[np.float64], area: npt.NDArray[np.float64], percent: float) -> float:
    share = np.cumsum(area) / area.sum()
    return float(distance[min(int(np.searchsorted(share, percent / 100.0)), len(distance) - 1)])
