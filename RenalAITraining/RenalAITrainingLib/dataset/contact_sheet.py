"""Contact sheet: one glance over all cases, each as an axial and a coronal section with its mask's outlines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from RenalAILib.boxes import Box
from RenalAILib.labels import MASS_LABELS, MassClass
from RenalAILib.pictures.layers import outline_layer
from RenalAILib.pictures.png import png
from RenalAILib.pictures.sections import Plane, Section
from RenalAILib.terminology import CLASS_COLORS, KIDNEY_COLOR, Rgb
from RenalAILib.volume import Volume

from .check import Inspected, Severity

COLUMNS, ROWS = 5, 10
"""Cases beside and below each other on one sheet."""

Tile = npt.NDArray[np.uint8]

_EDGE = 180  # pixels of one picture
_FRAME = 3
_FIELD_MM = (180.0, 420.0)
_DARKEST_HU, _BRIGHTEST_HU = -160.0, 240.0
_LEFT_KIDNEY: Rgb = (110, 160, 225)
_COLORS: list[Rgb] = [KIDNEY_COLOR, _LEFT_KIDNEY, *(CLASS_COLORS[mass_class] for mass_class in MassClass)]
"""Of the labels, from 1. The kidneys differ, so that sides that are mixed up show: blue belongs on the right."""

_FRAMES: dict[Severity | None, Rgb] = {
    None: (70, 70, 70), Severity.WARNING: (240, 180, 0), Severity.ERROR: (230, 40, 40),
}  # fmt: skip
_DIGITS = (  # 3 x 5 pixels each, a row as an octal digit
    "75557", "26227", "71747", "71717", "55711", "74717", "74757", "71111", "75757", "75717",
)  # fmt: skip
_DIGIT_SCALE = 3


class ContactSheets:
    """Collects a tile of each case; a sheet holds `COLUMNS` x `ROWS` of them, in the order of the dataset.

    Each tile bears the case's number in ``renalai dataset list``; its frame is red where the case has an error, yellow
    where it has a warning.
    """

    def __init__(self) -> None:
        self._tiles: list[Tile] = []

    def add(self, number: int, seen: Inspected) -> None:
        """Draw one case; for the argument ``look`` of `check`."""
        severities = {finding.severity for finding in seen.findings}
        worst = next((severity for severity in Severity if severity in severities), None)
        self._tiles.append(_tile(number, seen.ct, seen.labels, worst))

    def pages(self) -> list[bytes]:
        """The PNG files."""
        step = COLUMNS * ROWS
        return [_page(self._tiles[start : start + step]) for start in range(0, len(self._tiles), step)]


def _page(tiles: list[Tile]) -> bytes:
    height, width, _ = tiles[0].shape
    page = np.zeros((-(-len(tiles) // COLUMNS) * height, min(COLUMNS, len(tiles)) * width, 3), np.uint8)
    for n, tile in enumerate(tiles):
        row, column = divmod(n, COLUMNS)
        page[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    return png(page)


def _tile(number: int, ct: Volume | None, labels: Volume | None, worst: Severity | None) -> Tile:
    tile = np.empty((_EDGE + 2 * _FRAME, 2 * _EDGE + 2 * _FRAME, 3), np.uint8)
    tile[:] = _FRAMES[worst]
    inside = tile[_FRAME:-_FRAME, _FRAME:-_FRAME]
    inside[:] = 0
    grid = labels if labels is not None else ct
    if grid is not None:
        middle, field_mm = _middle(grid, labels)
        for n, plane in enumerate((Plane.AXIAL, Plane.CORONAL)):
            inside[:, n * _EDGE : (n + 1) * _EDGE] = _picture(plane, middle, field_mm, grid, ct, labels)
    _write_number(inside, number)
    return tile


def _middle(grid: Volume, labels: Volume | None) -> tuple[tuple[float, float, float], float]:
    """Where to cut (axial: most of the masses, else of the kidneys; coronal: most of all), and the width to show."""
    box = None if labels is None else Box.around(labels.voxels)
    if labels is None or box is None:
        k, j, i = (float(n - 1) / 2 for n in grid.shape)
        return (k, j, i), _FIELD_MM[1]
    part = labels.voxels[box.slices]
    masses = np.isin(part, MASS_LABELS)
    wanted = masses if masses.any() else part > 0
    k = box.start[0] + int(wanted.sum(axis=(1, 2)).argmax())
    j = box.start[1] + int((part > 0).sum(axis=(0, 2)).argmax())
    middle_i = (box.start[2] + box.stop[2] - 1) / 2
    widest = float((np.array(box.shape) * grid.spacing_mm).max()) + 60.0
    return (float(k), float(j), middle_i), float(np.clip(widest, *_FIELD_MM))


def _picture(
    plane: Plane,
    middle: tuple[float, float, float],
    field_mm: float,
    grid: Volume,
    ct: Volume | None,
    labels: Volume | None,
) -> Tile:
    k, j, i = (float(mm) for mm in grid.spacing_mm)
    section = Section(plane, middle, (k, j, i), (_EDGE, _EDGE), field_mm / _EDGE)
    grey = np.full((_EDGE, _EDGE), 40.0, np.float32)
    if ct is not None:
        hu = section.sample(ct.voxels, outside=-1e4)
        grey = np.clip((hu - _DARKEST_HU) * np.float32(255 / (_BRIGHTEST_HU - _DARKEST_HU)), 0, 255)
    picture = np.repeat(grey[..., None].astype(np.float32), 3, axis=2)
    if labels is not None and labels.shape == grid.shape:
        lines = outline_layer(section, labels.voxels, _COLORS, kidneys=2).astype(np.float32)
        share = lines[..., 3:] / 255
        picture = np.asarray(picture * (1 - share) + lines[..., :3] * share, dtype=np.float32)
    return picture.astype(np.uint8)


def _write_number(picture: Tile, number: int) -> None:
    """The number in white on black in the upper left corner."""
    for place, digit in enumerate(str(number)):
        rows = [[bool(int(row, 8) >> (2 - bit) & 1) for bit in range(3)] for row in _DIGITS[int(digit)]]
        block = np.pad(np.repeat(np.repeat(np.array(rows), _DIGIT_SCALE, 0), _DIGIT_SCALE, 1), 2)
        height, width = block.shape
        picture[:height, place * (width - 2) : place * (width - 2) + width] = np.where(block, 255, 0)[..., None]
