"""The agreement of prediction and manual segmentation as rows and words, from its JSON form (``agreement.json``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

AGREEMENT = "RenalAI.agreement"  # node attribute of the result: what was measured last


def kept(segmentation: Any) -> dict[str, Any] | None:
    """What was measured before, kept in the scene; None where nothing was."""
    text = segmentation.GetAttribute(AGREEMENT)
    return None if text is None else dict(json.loads(text))


def keep(segmentation: Any, agreement: Mapping[str, Any]) -> None:
    """Keeps a measurement in the scene."""
    segmentation.SetAttribute(AGREEMENT, json.dumps(agreement))


def rows(agreement: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row a structure: name, Dice, surface Dice, HD95, HD (mm), volume difference (ml)."""
    return []


def summary(agreement: Mapping[str, Any]) -> str:
    """Detection in words."""
    return ""


def domains(agreement: Mapping[str, Any]) -> list[tuple[str, str, tuple[float, float, float]]]:
    """Missed and false masses: name, diameter, place in RAS mm."""
    return []
