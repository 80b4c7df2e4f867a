"""What a segment is called, which colour it has, and which standard codes stand for it.

One table for the scene, the files and the report, so that a mass looks the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from .findings import Kidney, Mass
from .labels import MassClass, Side

Rgb = tuple[int, int, int]

KIDNEY_COLOR: Rgb = (185, 102, 83)  # Slicer's own colour of a kidney
CLASS_COLORS: dict[MassClass, Rgb] = {
    # Chosen by search: told apart from each other and from the kidney also with protanopia, deuteranopia and
    # tritanopia (CIE76 difference above 25 in each), and bright enough for a line on a dark CT.
    MassClass.AML: (245, 205, 40),
    MassClass.CYSTIC: (85, 210, 250),
    MassClass.SOLID: (240, 25, 150),
    MassClass.UNKNOWN: (180, 75, 240),
}
CLASS_NAMES: dict[MassClass, str] = {
    MassClass.AML: "AML",
    MassClass.CYSTIC: "cystic",
    MassClass.SOLID: "solid",
    MassClass.UNKNOWN: "unknown class",
}


@dataclass(frozen=True)
class Code:
    """A coded concept: scheme, value, meaning (DICOM PS3.3 section 8.8). The empty code says "not given"."""

    scheme: str = ""
    value: str = ""
    meaning: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}^{self.value}^{self.meaning}"


@dataclass(frozen=True)
class Terminology:
    """What a segment is, in codes of SNOMED CT.

    Attributes:
        category: the kind of thing (an anatomical structure, an altered structure).
        kind: the thing itself (kidney, mass, cyst).
        modifier: the side, where the thing itself has one.
        region: where it lies, for what is not anatomy itself.
        region_modifier: the side of that region.
    """

    category: Code
    kind: Code
    modifier: Code = Code()
    region: Code = Code()
    region_modifier: Code = Code()

    @property
    def slicer_entry(self) -> str:
        """The value of Slicer's ``TerminologyEntry`` tag."""
        return "~".join(
            (
                "Segmentation category and type - 3D Slicer General Anatomy list",
                str(self.category),
                str(self.kind),
                str(self.modifier),
                "Anatomic codes - DICOM master list",
                str(self.region),
                str(self.region_modifier),
            )
        )


_ANATOMY = Code("SCT", "123037004", "Anatomical Structure")
_ALTERED = Code("SCT", "49755003", "Morphologically Altered Structure")
KIDNEY = Code("SCT", "64033007", "Kidney")
_MASS = Code("SCT", "4147007", "Mass")
_CYST = Code("SCT", "367643001", "Cyst")
_SIDES = {Side.RIGHT: Code("SCT", "24028007", "Right"), Side.LEFT: Code("SCT", "7771000", "Left")}


def segment_terminology(segment: Kidney | Mass) -> Terminology:
    """The codes of a kidney or a mass: types of Slicer's general anatomy list, so that Slicer and DICOM know them."""
    side = _SIDES[segment.side]
    if isinstance(segment, Kidney):
        return Terminology(_ANATOMY, KIDNEY, modifier=side)
    kind = _CYST if segment.mass_class is MassClass.CYSTIC else _MASS
    return Terminology(_ALTERED, kind, region=KIDNEY, region_modifier=side)


def segment_color(segment: Kidney | Mass) -> Rgb:
    """Red, green, blue, 0 to 255."""
    return KIDNEY_COLOR if isinstance(segment, Kidney) else CLASS_COLORS[segment.mass_class]


def segment_name(segment: Kidney | Mass) -> str:
    """The segment in words: ``Right kidney``, ``Left mass 1 (solid)``, ``Left drawn mass 1 (AML)``.

    Example:
        >>> segment_name(Kidney("kidney_left_2", Side.LEFT, 80.0, 140.0))
        'Left kidney 2'
        >>> segment_name(Kidney("Segment_1", Side.LEFT, 80.0, 140.0, drawn=True))
        'Left drawn kidney'
    """
    if isinstance(segment, Mass) and segment.drawn:
        return f"{segment.side.value.capitalize()} drawn mass {segment.drawn} ({CLASS_NAMES[segment.mass_class]})"
    if isinstance(segment, Kidney) and segment.drawn:
        return f"{segment.side.value.capitalize()} drawn kidney"
    number = segment.segment_id.rpartition("_")[2]
    what = "kidney" if isinstance(segment, Kidney) else "mass"
    words = f"{segment.side.value.capitalize()} {what}" + (f" {number}" if number.isdecimal() else "")
    return words if isinstance(segment, Kidney) else f"{words} ({CLASS_NAMES[segment.mass_class]})"


def short_name(mass: Mass) -> str:
    """What fits into a picture: ``R1``, ``L2``; ``LD1`` for one that a radiologist drew."""
    number = f"D{mass.drawn}" if mass.drawn else mass.segment_id.rpartition("_")[2]
    return mass.side.value[0].upper() + number
