"""Pictures as SVG: the CT once, outlines or Grad-CAM over it, letters and scale bar as sharp as the screen."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import numpy as np

from ..pictures.figures import Picture
from ..pictures.png import png
from ..pictures.sections import Plane
from .markup import Markup, element
from .wording import place

_NORMAL_AXIS = {Plane.AXIAL: 2, Plane.CORONAL: 1, Plane.SAGITTAL: 0}  # of RAS


class SvgPicture:
    """One picture, its layers packed once; it may be drawn several times in one page.

    Args:
        picture: what to draw.
        key: unique in the page; the CT is embedded under it by the first drawing and referred to by the others.
        names: short words for the marks, by segment ID.
    """

    def __init__(self, picture: Picture, key: str, names: Mapping[str, str] | None = None) -> None:
        self._picture = picture
        self._key = key
        self._names = names or {}
        self._embedded = False
        self._grey = _data_uri(picture.grey)
        self._outlines = _data_uri(picture.outlines)
        self._heat = None if picture.heat is None else _data_uri(picture.heat)

    @property
    def has_heat(self) -> bool:
        """Whether there is a Grad-CAM layer."""
        return self._heat is not None

    def figure(self, description: str, heat: bool = False) -> Markup:
        """The picture with its caption; ``description`` is what a screen reader says."""
        rows, columns = self._picture.grey.shape
        extent: dict[str, str | float] = {"width": columns, "height": rows}
        stretched = {**extent, "preserveAspectRatio": "none"}
        if self._embedded:
            base = element("use", href=f"#{self._key}")
        else:
            base = element("image", id=self._key, href=self._grey, **extent)
            self._embedded = True
        heat_layer = element("image", href=self._heat, **stretched) if heat and self._heat else None
        picture = element(
            "svg",
            base,
            heat_layer,
            element("image", href=self._outlines, **extent),
            self._letters(rows, columns),
            self._scale_bar(rows, columns),
            self._marks(),
            viewBox=f"0 0 {columns} {rows}",
            role="img",
            aria_label=description,
        )
        return element("figure", picture, element("figcaption", self._caption()))

    def _caption(self) -> str:
        plane = self._picture.section.plane
        subject = f", {self._picture.subject}" if self._picture.subject else ""
        at = place(self._picture.place_ras, _NORMAL_AXIS[plane])
        return f"{plane.value.capitalize()}{subject} \N{MIDDLE DOT} {at}"

    def _letters(self, rows: int, columns: int) -> Markup:
        left, right, top, bottom = self._picture.section.plane.letters
        middle = rows / 2 + 6
        return element(
            "g",
            element("text", left, x=10, y=middle),
            element("text", right, x=columns - 10, y=middle, text_anchor="end"),
            element("text", top, x=columns / 2, y=24, text_anchor="middle"),
            element("text", bottom, x=columns / 2, y=rows - 10, text_anchor="middle"),
            class_="letters",
        )

    def _scale_bar(self, rows: int, columns: int) -> Markup:
        """1, 2, 5 or 10 cm: the longest that fits into a quarter of the picture."""
        scale = self._picture.section.mm_per_pixel
        length = max([mm for mm in (10, 20, 50, 100) if mm / scale <= columns / 4], default=10)
        x, y = columns - 12 - length / scale, rows - 14
        return element(
            "g",
            element("path", d=f"M{x:.1f} {y - 4}v4h{length / scale:.1f}v-4"),
            element("text", f"{length // 10} cm", x=round(x + length / scale / 2, 1), y=y - 8, text_anchor="middle"),
            class_="scale",
        )

    def _marks(self) -> Markup:
        texts = [
            element("text", self._names[mark.segment_id], x=round(mark.x, 1), y=round(mark.y + 7, 1))
            for mark in self._picture.marks
            if mark.segment_id in self._names
        ]
        return element("g", texts, class_="marks")


def _data_uri(pixels: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")
