"""LUNA16: scans as MetaImage, nodules as spheres in ``annotations.csv`` (Setio et al., Med Image Anal 42, 2017).

https://luna16.grand-challenge.org: ``subset0`` to ``subset9`` hold ``SERIESUID.mhd`` with its ``.raw``; the table has
the columns seriesuid, coordX, coordY, coordZ (LPS, mm) and diameter_mm, one row a nodule that three of four readers
marked.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from RenalAILib.errors import InputError
from RenalAILib.orientation import canonical
from RenalAILib.reading import read_volume
from RenalAILib.volume import Volume

from ..lesion_boxes import LesionBox
from .boxed_scan import NODULE, BoxedScan

TABLE = "annotations.csv"
_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")


@dataclass(frozen=True)
class Sphere:
    """A nodule: RAS mm."""

    centre_ras: tuple[float, float, float]
    diameter_mm: float


def read_annotations(path: Path) -> dict[str, list[Sphere]]:
    """The nodules of each series.

    Raises:
        InputError: no such table; a sentence that names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as LUNA16's table of nodules ({error})") from error
    if rows and not set(_COLUMNS) <= set(rows[0]):
        raise InputError(f"{path} is no table of LUNA16: it needs the columns {', '.join(_COLUMNS)}")
    found: dict[str, list[Sphere]] = {}
    for number, row in enumerate(rows, 2):
        try:
            x, y, z, diameter = (float(row[name]) for name in _COLUMNS[1:])
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}, line {number}, has no numbers where its coordinates should be") from error
        if not np.isfinite([x, y, z]).all() or not 0 < diameter < 500:
            raise InputError(f"{path}, line {number}, has no possible nodule: {diameter:g} mm")
        found.setdefault(row["seriesuid"], []).append(Sphere((-x, -y, z), diameter))  # LPS to RAS
    return found


def scans(folder: Path) -> list[Path]:
    """Every ``.mhd`` below ``folder``, sorted by name. Raises InputError where there is none."""
    found = sorted(folder.rglob("*.mhd"), key=lambda path: path.name)
    if not found:
        raise InputError(f"{folder} holds no .mhd file; give the folder of LUNA16's subsets")
    return found


def read_scan(path: Path, spheres: Sequence[Sphere]) -> BoxedScan:
    """One scan with its nodules. Raises InputError where it cannot be read."""
    return boxed(canonical(read_volume(path)), spheres)


def boxed(view: Volume, spheres: Sequence[Sphere]) -> BoxedScan:
    """Spheres as boxes in the slices that they cut; parts beyond the CT are cut off.

    Args:
        view: canonical.
    """
    boxes: dict[int, list[LesionBox]] = {}
    centres: dict[int, int] = {}
    for number, sphere in enumerate(spheres, 1):
        middle = view.kji(sphere.centre_ras)
        radius = sphere.diameter_mm / 2
        reach = radius / float(view.spacing_mm[0])
        for k in range(max(0, int(np.ceil(middle[0] - reach))), min(view.shape[0] - 1, int(middle[0] + reach)) + 1):
            off = abs(k - middle[0]) * float(view.spacing_mm[0])
            half = np.sqrt(max(radius**2 - off**2, 0.0)) / view.spacing_mm[1:]
            top, left = np.maximum(middle[1:] - half + 0.5, 0.0)
            bottom, right = np.minimum(middle[1:] + half + 0.5, view.shape[1:])
            if bottom - top >= 1 and right - left >= 1:
                box = LesionBox((float(top), float(left), float(bottom), float(right)), NODULE, number)
                boxes.setdefault(k, []).append(box)
        nearest = int(np.rint(middle[0]))
        if any(box.lesion == number for box in boxes.get(nearest, ())):
            centres[number] = nearest
    return BoxedScan(view, boxes, centres)
