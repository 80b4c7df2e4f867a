"""The agreement of prediction and manual segmentation as rows and words, from its JSON form (``agreement.json``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

from RenalAILib.labels import MassClass, Side

from .texts import side_in_words

AGREEMENT = "RenalAI.agreement"  # node attribute of the result: what was measured last
_CLASSES = {
    MassClass.AML: _("AML"), MassClass.CYSTIC: _("cystic"), MassClass.SOLID: _("solid"),
    MassClass.UNKNOWN: _("unknown class"),
}  # fmt: skip


def kept(segmentation: Any) -> dict[str, Any] | None:
    """What was measured before, kept in the scene; None where nothing was."""
    text = segmentation.GetAttribute(AGREEMENT)
    return None if text is None else dict(json.loads(text))


def keep(segmentation: Any, agreement: Mapping[str, Any]) -> None:
    """Keeps a measurement in the scene."""
    segmentation.SetAttribute(AGREEMENT, json.dumps(agreement))


def rows(agreement: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row a structure and side: name, Dice, surface Dice, HD95 and HD in mm, volume difference in ml."""
    names = {"kidney": _("kidney"), "kidney_and_mass": _("kidney + mass"), "mass": _("masses")}
    lines = []
    for structure in agreement["structures"]:
        name = structure["structure"]
        words = names.get(name) or _CLASSES[MassClass(name)]
        lines.append((
            f"{_('R') if Side(structure['side']) is Side.RIGHT else _('L')} {words}",
            _number(structure["dice"], 3),
            _number(structure["surface_dice"], 3),
            _number(structure["hausdorff95_mm"], 1),
            _number(structure["hausdorff_mm"], 1),
            f"{structure['volume_difference_ml']:+.1f}",
        ))  # fmt: skip
    return lines


def summary(agreement: Mapping[str, Any]) -> str:
    """Detection of masses in words, in all and by size."""
    names = {"all": _("Masses"), "from_5_mm": _("from 5 mm"), "under_5_mm": _("under 5 mm")}
    parts = []
    for key, name in names.items():
        counts = agreement["detection"][key]
        if not (counts["true_positive"] or counts["false_positive"] or counts["false_negative"]):
            continue
        words = _("{name}: {true_positive} found, {false_negative} missed, {false_positive} false (F1 {f1})")
        parts.append(words.format(**{**counts, "name": name, "f1": _number(counts["f1"], 2)}))
    notes = [*parts, *agreement["notes"]] or [_("Neither of the two has a mass.")]
    return " · ".join(notes)


def domains(agreement: Mapping[str, Any]) -> list[tuple[str, str, tuple[float, float, float]]]:
    """Missed and false masses: name, diameter, place in RAS mm."""
    found = []
    for domain in agreement["detection"]["domains"]:
        if domain["outcome"] == "true_positive":
            continue
        words = _("Missed, {side}: {name}") if domain["outcome"] == "false_negative" else _("False, {side}: {name}")
        name = _CLASSES[MassClass(domain["true_class"] or domain["predicted_class"])]
        side = side_in_words(Side(domain["side"])).lower()
        r, a, s = domain["centroid_ras"]
        found.append((words.format(side=side, name=name), f"{domain['diameter_mm']:.0f}", (r, a, s)))
    return found


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
