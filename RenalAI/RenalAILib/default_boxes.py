"""Default boxes: the fixed boxes of a single-shot detector, whose classes and corrections its network gives.

W. Liu et al., SSD: Single Shot MultiBox Detector, ECCV 2016 (arXiv 1512.02325), section 2.2. Boxes in a slice are
``(top, left, bottom, right)``, that is (j, i) of two corners, as shares of the slice's height and width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]
"""``(n, 4)``: top, left, bottom, right; shares of the slice, top < bottom and left < right."""


@dataclass(frozen=True)
class DefaultBoxes:
    """K boxes about the centre of every cell of several maps, larger ones on coarser maps.

    Map ``m`` has ``ceil(shape / strides[m])`` cells. Its boxes have the edge ``s_m``, evenly spaced from ``smallest``
    to ``largest``, in every ratio of width to height, and one square more of edge ``sqrt(s_m * s_(m+1))``, so that
    K is the number of ratios and one.

    Attributes:
        shape: of the network's input, (height, width) in pixels.
        strides: pixels of the input per cell, from the finest map to the coarsest.
        smallest, largest: edge of the square on the first and last map, as a share of the slice.
        ratios: of width to height; 1 among them.

    Raises:
        ValueError: no map, strides that do not rise, edges that do not rise within 0 to 1, or no square.

    Example:
        >>> boxes = DefaultBoxes((430, 418), (16, 32), 0.1, 0.4, (1.0, 2.0))
        >>> boxes.maps, boxes.per_cell, boxes.boxes.shape
        (((27, 27), (14, 14)), 3, (2775, 4))
    """

    shape: tuple[int, int]
    strides: tuple[int, ...]
    smallest: float
    largest: float
    ratios: tuple[float, ...] = (1.0, 2.0, 0.5, 3.0, 1 / 3)

    def __post_init__(self) -> None:
        if not self.strides or any(b <= a for a, b in zip(self.strides, self.strides[1:], strict=False)):
            raise ValueError(f"strides must rise from map to map, got {list(self.strides)}")
        if min(self.shape) < 1 or self.strides[0] < 1:
            raise ValueError(f"shape and strides must be at least 1, got {self.shape} and {self.strides}")
        if not 0 < self.smallest < self.largest <= 1:
            raise ValueError(f"0 < smallest < largest <= 1 is needed, got {self.smallest} and {self.largest}")
        if 1.0 not in self.ratios or min(self.ratios) <= 0:
            raise ValueError(f"ratios must be above 0 and hold 1, got {list(self.ratios)}")

    @property
    def per_cell(self) -> int:
        """K: boxes about one cell."""
        return len(self.ratios) + 1

    @property
    def maps(self) -> tuple[tuple[int, int], ...]:
        """(M, N) of every map: cells down and across."""
        height, width = self.shape
        return tuple((math.ceil(height / stride), math.ceil(width / stride)) for stride in self.strides)

    @property
    def scales(self) -> tuple[float, ...]:
        """Edge of the square of every map, and one more beyond the last, as shares of the slice."""
        count = len(self.strides)
        step = (self.largest - self.smallest) / max(count - 1, 1)
        return tuple(self.smallest + step * n for n in range(count + 1))

    @cached_property
    def boxes(self) -> Boxes:
        """All default boxes ``(sum of K*M*N, 4)``: map by map, row by row, cell by cell. They may reach outside."""
        parts = []
        for number, (down, across) in enumerate(self.maps):
            edge, between = self.scales[number], math.sqrt(self.scales[number] * self.scales[number + 1])
            heights = np.array([edge / math.sqrt(ratio) for ratio in self.ratios] + [between])
            widths = np.array([edge * math.sqrt(ratio) for ratio in self.ratios] + [between])
            y, x, _ = np.meshgrid(
                (np.arange(down) + 0.5) / down,
                (np.arange(across) + 0.5) / across,
                np.arange(self.per_cell),
                indexing="ij",
            )
            part = np.stack([y - heights / 2, x - widths / 2, y + heights / 2, x + widths / 2], axis=-1)
            parts.append(part.reshape(-1, 4))
        result = np.concatenate(parts)
        result.setflags(write=False)
        return result
