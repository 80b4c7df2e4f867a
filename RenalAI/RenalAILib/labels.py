"""The closed sets everything else is built on: label values, sides, mass classes."""

from __future__ import annotations

from enum import Enum, IntEnum


class Side(Enum):
    """The patient's side, never the screen's.

    Example:
        >>> Side("left")
        <Side.LEFT: 'left'>
    """

    RIGHT = "right"
    LEFT = "left"


class MassClass(Enum):
    """What a renal mass is, by the reference standard of Zhao 2023 (macroscopic fat, fluid, enhancing tissue).

    Example:
        >>> MassClass("cystic").label
        <Label.CYSTIC: 4>
    """

    AML = "aml"
    CYSTIC = "cystic"
    SOLID = "solid"
    UNKNOWN = "unknown"

    @property
    def label(self) -> Label:
        """The value of this class in a label map."""
        return _LABEL_OF_CLASS[self]


class Label(IntEnum):
    """Values of ``labels.nii.gz`` and of every training mask. A mass overrides kidney.

    Example:
        >>> Label.kidney(Side.LEFT), Label(5).name
        (<Label.KIDNEY_LEFT: 2>, 'SOLID')
    """

    BACKGROUND = 0
    KIDNEY_RIGHT = 1
    KIDNEY_LEFT = 2
    AML = 3
    CYSTIC = 4
    SOLID = 5
    UNKNOWN = 6

    @classmethod
    def kidney(cls, side: Side) -> Label:
        """The kidney's value on ``side``."""
        return cls.KIDNEY_RIGHT if side is Side.RIGHT else cls.KIDNEY_LEFT


_LABEL_OF_CLASS = {
    MassClass.AML: Label.AML,
    MassClass.CYSTIC: Label.CYSTIC,
    MassClass.SOLID: Label.SOLID,
    MassClass.UNKNOWN: Label.UNKNOWN,
}

KIDNEY_LABELS = (Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT)
MASS_LABELS = (Label.AML, Label.CYSTIC, Label.SOLID, Label.UNKNOWN)
