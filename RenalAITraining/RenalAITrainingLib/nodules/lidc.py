"""LIDC-IDRI: four readers' contours in one XML file a scan (Armato et al., Med Phys 38, 915, 2011).

A contour runs through the first pixels outside the nodule, in columns (x) and rows (y) of the slice at
``imageZposition``. A contour with ``inclusion`` FALSE is a hole. Nodules under 3 mm and what is none are single points;
they are left out. Readings are joined to nodules, and a nodule counts where enough readers marked it (LUNA16: three).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from RenalAILib.errors import InputError
from RenalAILib.orientation import Orientation, canonical
from RenalAILib.volume import Volume

from ..lesion_boxes import LesionBox, Rect
from .boxed_scan import NODULE, BoxedScan

LEAST_READERS = 3
MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Reading:
    """One nodule as one reader drew it.

    Attributes:
        reader: number of the reading session, from 0.
        rects: by the slice's z (mm, as the file says it), in pixel edges.
    """

    reader: int
    rects: tuple[tuple[float, Rect], ...]

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the middle."""
        corners = np.array([rect for _, rect in self.rects])
        row, column = ((corners[:, :2] + corners[:, 2:]) / 2).mean(axis=0)
        return float(row), float(column)

    @property
    def edge(self) -> float:
        """The longest edge of its boxes, pixels."""
        corners = np.array([rect for _, rect in self.rects])
        return float((corners[:, 2:] - corners[:, :2]).max())


def read_readings(path: Path) -> list[Reading]:
    """Every reader's nodules of 3 mm and more. Raises InputError where the file is none of LIDC's."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is too large for LIDC's annotations of one scan")
        text = path.read_bytes()
        if any(sign in text for sign in (b"<!DOCTYPE", b"<!ENTITY", b"\0")):  # NUL: UTF-16, where signs look otherwise
            raise InputError(f"{path} declares entities, which LIDC's annotations do not; it is not read")
        root = ElementTree.fromstring(text)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error})") from error
    except ElementTree.ParseError as error:
        raise InputError(f"{path} is not XML ({error})") from error
    sessions = _below(root, "readingSession")
    if not root.tag.endswith("LidcReadMessage") or not sessions:
        raise InputError(f"{path} holds no reading sessions of LIDC")
    readings = []
    for number, session in enumerate(sessions):
        for nodule in _below(session, "unblindedReadNodule"):
            rects = _rects(nodule, path)
            if rects:
                readings.append(Reading(number, tuple(rects)))
    return readings


def agreed(readings: Sequence[Reading], least: int = LEAST_READERS) -> list[list[Reading]]:
    """Readings of the same nodule by at least ``least`` readers.

    Two readings are of one nodule where a slice shows both (or their slices touch) and their middles lie closer than
    half the longer edge.
    """
    groups: list[list[Reading]] = []
    for reading in readings:
        same = [group for group in groups if any(_same(reading, other) for other in group)]
        merged = [reading, *(other for group in same for other in group)]
        groups = [group for group in groups if group not in same] + [merged]
    return [group for group in groups if len({reading.reader for reading in group}) >= least]


def boxed(ct: Volume, nodules: Sequence[Sequence[Reading]], name: str = "the annotations") -> BoxedScan:
    """Boxes in the slices that at least half of a nodule's readers drew: the mean of theirs.

    Raises:
        InputError: the CT is not stored as LIDC's slices are, or does not reach to a nodule.
    """
    orientation = Orientation.of(ct)
    if orientation.axes != (0, 1, 2) or orientation.flipped[1:] != (False, False):
        raise InputError(f"{ct.name} is not stored in axial slices with rows to the back, as {name} needs it")
    view = canonical(ct)
    middle = view.ras(np.subtract(view.shape, 1) / 2)
    boxes: dict[int, list[LesionBox]] = {}
    centres: dict[int, int] = {}
    for number, group in enumerate(nodules, 1):
        readers = {reading.reader for reading in group}
        by_slice: dict[int, list[Rect]] = {}
        for reading in group:
            for z, rect in reading.rects:
                k = float(view.kji((middle[0], middle[1], z))[0])
                if not -0.5 <= k <= view.shape[0] - 0.5:
                    raise InputError(f"{ct.name} does not reach to z = {z:g} mm, where {name} has a nodule")
                by_slice.setdefault(round(k), []).append(rect)
        for k, rects in by_slice.items():
            if 2 * len(rects) >= len(readers):
                top, left, bottom, right = np.mean(rects, axis=0).tolist()
                boxes.setdefault(k, []).append(LesionBox((top, left, bottom, right), NODULE, number))
        shown = sorted(k for k, some in boxes.items() if any(box.lesion == number for box in some))
        if shown:
            centres[number] = shown[len(shown) // 2]
    return BoxedScan(view, boxes, centres)


def _same(one: Reading, other: Reading) -> bool:
    depths = [[z for z, _ in reading.rects] for reading in (one, other)]
    touching = min(abs(a - b) for a in depths[0] for b in depths[1]) <= 5.0  # mm; LIDC's slices are up to 5 mm apart
    apart = float(np.hypot(*np.subtract(one.centre, other.centre)))
    return touching and apart < max(one.edge, other.edge) / 2


def _rects(nodule: ElementTree.Element, path: Path) -> list[tuple[float, Rect]]:
    found = []
    for roi in _below(nodule, "roi"):
        try:
            z = float(_text(roi, "imageZposition"))
            columns = [int(_text(point, "xCoord")) for point in _below(roi, "edgeMap")]
            rows = [int(_text(point, "yCoord")) for point in _below(roi, "edgeMap")]
        except ValueError as error:
            raise InputError(f"{path} has a contour that cannot be read ({error})") from error
        solid = _text(roi, "inclusion").strip().upper() == "TRUE"
        if solid and len(rows) > 1 and max(rows) - min(rows) >= 2 and max(columns) - min(columns) >= 2:
            found.append((z, (min(rows) + 1.0, min(columns) + 1.0, float(max(rows)), float(max(columns)))))
    return found


def _below(parent: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Direct children by their name, whatever the namespace (LIDC's files have two)."""
    return [child for child in parent if child.tag.rpartition("}")[2] == name]


def _text(parent: ElementTree.Element, name: str) -> str:
    found = _below(parent, name)
    if not found or found[0].text is None:
        raise ValueError(f"a {parent.tag.rpartition('}')[2]} lacks its {name}")
    return found[0].text
