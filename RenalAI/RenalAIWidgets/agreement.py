"""The agreement of prediction and manual segmentation as rows and words, from its JSON form (``agreement.json``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _


def rows(agreement: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row a structure: name, Dice, surface Dice, HD95, HD (mm), volume difference (ml)."""
    return []


def summary(agreement: Mapping[str, Any]) -> str:
    """Detection in words."""
    return ""


def domains(agreement: Mapping[str, Any]) -> list[tuple[str, str, tuple[float, float, float]]]:
    """Missed and false masses: name, diameter, place in RAS mm."""
    return []
