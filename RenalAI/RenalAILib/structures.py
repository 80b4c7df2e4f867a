"""Structures: what a segmentation network may draw, by the name that recipes and bundles give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .labels import KIDNEY_LABELS, MASS_LABELS, Label, MassClass, Side


@dataclass(frozen=True)
class Structure:
    """One structure.

    Attributes:
        labels: the label values that belong to it.
        side: where it is drawn on one side only; of a mass the side of its kidney.
        mass_class: where it is a mass of one class.
    """

    labels: tuple[Label, ...]
    side: Side | None = None
    mass_class: MassClass | None = None

    @property
    def is_mass(self) -> bool:
        """Whether no kidney belongs to it."""
        return not set(self.labels) & set(KIDNEY_LABELS)


_ORGAN = (*KIDNEY_LABELS, *MASS_LABELS)

STRUCTURES: Mapping[str, Structure] = {
    "kidney": Structure(_ORGAN),
    "kidney_right": Structure((Label.KIDNEY_RIGHT, *MASS_LABELS), Side.RIGHT),
    "kidney_left": Structure((Label.KIDNEY_LEFT, *MASS_LABELS), Side.LEFT),
    "parenchyma": Structure(KIDNEY_LABELS),
    "mass": Structure(MASS_LABELS),
    "mass_right": Structure(MASS_LABELS, Side.RIGHT),
    "mass_left": Structure(MASS_LABELS, Side.LEFT),
    "aml": Structure((Label.AML,), None, MassClass.AML),
    "cystic": Structure((Label.CYSTIC,), None, MassClass.CYSTIC),
    "solid": Structure((Label.SOLID,), None, MassClass.SOLID),
}
"""``kidney`` is the organ with its masses, ``parenchyma`` the organ without them."""
