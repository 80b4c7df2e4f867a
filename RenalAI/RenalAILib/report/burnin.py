"""Burnt-in pictures: CT, Grad-CAM, outlines, letters and scale bar as one picture, for pages that cannot draw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..pictures.figures import Picture
from ..resampling import interpolate

Rgb8 = npt.NDArray[np.uint8]

_GLYPHS = {
    "R": "#### |#   #|#   #|#### |# #  |#  # |#   #",
    "L": "#    |#    |#    |#    |#    |#    |#####",
    "A": " ### |#   #|#   #|#####|#   #|#   #|#   #",
    "P": "#### |#   #|#   #|#### |#    |#    |#    ",
    "H": "#   #|#   #|#   #|#####|#   #|#   #|#   #",
    "D": "#### |#   #|#   #|#   #|#   #|#   #|#### ",
    "F": "#####|#    |#    |#### |#    |#    |#    ",
    "c": "     |     | ####|#    |#    |#    | ####",
    "m": "     |     |## # |# # #|# # #|# # #|# # #",
    "0": " ### |#   #|#  ##|# # #|##  #|#   #| ### ",
    "1": "  #  | ##  |  #  |  #  |  #  |  #  | ### ",
    "2": " ### |#   #|    #|   # |  #  | #   |#####",
    "3": " ### |#   #|    #|  ## |    #|#   #| ### ",
    "4": "   # |  ## | # # |#  # |#####|   # |   # ",
    "5": "#####|#    |#### |    #|    #|#   #| ### ",
    "6": " ### |#    |#    |#### |#   #|#   #| ### ",
    "7": "#####|    #|   # |  #  |  #  |  #  |  #  ",
    "8": " ### |#   #|#   #| ### |#   #|#   #| ### ",
    "9": " ### |#   #|#   #| ####|    #|    #| ### ",
    " ": "     |     |     |     |     |     |     ",
}  # 5 by 7, for what stands in a picture: sides, a scale, numbers of masses
_DOT = 3  # pixels a dot of a letter: a picture is printed at half its size
_EDGE = 8  # pixels between letters and the border
_LINE = (255, 255, 255)
_SHADE = 0.35  # what is left of the picture around letters, so that they read on bone and on air


def burnt_in(picture: Picture, names: Mapping[str, str] | None = None, heat: bool = False) -> Rgb8:
    """One RGB picture, shape (rows, columns, 3).

    Args:
        picture: its layers.
        names: short words for the marks, by segment ID, of the letters here (``R1``).
        heat: whether Grad-CAM is laid over the CT, where there is one.
    """
    pixels = np.repeat(picture.grey[..., None], 3, axis=2)
    if heat and picture.heat is not None:
        _over(pixels, _stretched(picture.heat, picture.grey.shape))
    _over(pixels, picture.outlines)
    rows, columns = picture.grey.shape
    left, right, top, bottom = picture.section.plane.letters
    _write(pixels, left, (rows // 2, _EDGE), (0.5, 0.0))
    _write(pixels, right, (rows // 2, columns - _EDGE), (0.5, 1.0))
    _write(pixels, top, (_EDGE, columns // 2), (0.0, 0.5))
    _write(pixels, bottom, (rows - _EDGE, columns // 2), (1.0, 0.5))
    _scale_bar(pixels, picture.section.mm_per_pixel)
    for mark in picture.marks:
        if names and mark.segment_id in names:
            _write(pixels, names[mark.segment_id], (round(mark.y), round(mark.x)), (0.5, 0.5))
    return pixels


def _stretched(layer: npt.NDArray[np.uint8], shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A coarser layer of the same extent on the picture's pixels."""
    places = [(np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(shape, layer.shape[:2], strict=True)]
    return np.round(interpolate(layer, places)).astype(np.uint8)


def _over(pixels: Rgb8, layer: npt.NDArray[np.uint8]) -> None:
    """Lays RGBA over RGB, in place."""
    opacity = layer[..., 3:].astype(np.float32) / 255
    pixels[:] = np.round(layer[..., :3] * opacity + pixels * (1 - opacity)).astype(np.uint8)


def _write(pixels: Rgb8, text: str, at: tuple[int, int], anchor: tuple[float, float]) -> None:
    """White letters on a darkened ground; ``anchor`` is the share of their box above and left of ``at``."""
    glyphs = [np.array([[dot == "#" for dot in row] for row in _GLYPHS[letter].split("|")]) for letter in text]
    gap = np.zeros((7, 1), bool)
    dots = np.concatenate([part for glyph in glyphs for part in (glyph, gap)][:-1], axis=1)
    ink = np.pad(np.kron(dots, np.ones((_DOT, _DOT), bool)), _DOT)
    top = int(np.clip(at[0] - anchor[0] * ink.shape[0], 0, max(0, pixels.shape[0] - ink.shape[0])))
    left = int(np.clip(at[1] - anchor[1] * ink.shape[1], 0, max(0, pixels.shape[1] - ink.shape[1])))
    ground = pixels[top : top + ink.shape[0], left : left + ink.shape[1]]
    ink = ink[: ground.shape[0], : ground.shape[1]]
    ground[:] = np.where(ink[..., None], _LINE, (ground * _SHADE).astype(np.uint8))


def _scale_bar(pixels: Rgb8, mm_per_pixel: float) -> None:
    """1, 2, 5 or 10 cm: the longest that fits into a quarter of the picture."""
    rows, columns = pixels.shape[:2]
    mm = max([mm for mm in (10, 20, 50, 100) if mm / mm_per_pixel <= columns / 4], default=10)
    length = min(round(mm / mm_per_pixel), columns - 2 * _EDGE)
    y, x = rows - _EDGE - _DOT, columns - _EDGE - length
    pixels[y : y + _DOT, x : x + length] = _LINE
    for end in (x, x + length - _DOT):
        pixels[y - 2 * _DOT : y + _DOT, end : end + _DOT] = _LINE
    _write(pixels, f"{mm // 10} cm", (y - 3 * _DOT, x + length // 2), (1.0, 0.5))
