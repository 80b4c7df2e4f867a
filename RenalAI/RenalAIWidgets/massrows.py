"""A renal mass in the Findings section: as a row of the table, and all of them in words."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from RenalAILib.findings import Findings, Mass
from RenalAILib.radiologist.readings import Reading
from RenalAILib.terminology import CLASS_COLORS

from .texts import class_in_words, side_in_words, verdict_in_words

COLUMNS = ("mass", "class", "diameter", "volume", "hu", "reading")


def headings() -> tuple[str, ...]:
    """Of the table."""
    return (_("Mass"), _("Class"), _("Ø mm"), _("ml"), _("HU"), _("Yours"))


def cells(mass: Mass, reading: Reading | None, removed: bool = False) -> tuple[Any, ...]:
    """Items of one row; the class carries its color, what the radiologist drew or took out says so."""
    probability = mass.probabilities.get(mass.mass_class, max(mass.probabilities.values(), default=0.0))
    share = f" {100 * probability:.0f} %" if mass.probabilities else ""
    texts = (
        _name(mass),
        f"{class_in_words(mass.mass_class)}{share}",
        f"{mass.diameter_mm.average:.0f}" + (" " + _("small") if mass.small else ""),
        f"{mass.volume_ml:.1f}",
        f"{mass.mean_hu:.0f}",
        _("Removed") if removed else _("Drawn") if mass.drawn else verdict_in_words(reading),
    )
    items = []
    for column, text in zip(COLUMNS, texts, strict=True):
        item = qt.QTableWidgetItem(text)
        if column == "class":
            item.setData(qt.Qt.DecorationRole, qt.QColor(*CLASS_COLORS[mass.mass_class]))
        if column in ("diameter", "volume", "hu"):
            item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        item.setToolTip(_hint(mass, reading, removed))
        items.append(item)
    return tuple(items)


def in_words(found: Findings) -> str:
    """The kidneys with their volumes, and how many masses."""
    if not found.kidneys:
        return _("No kidney was found.")
    kidneys = [
        (
            _("{side} kidney {volume:.0f} ml, drawn by you") if kidney.drawn else _("{side} kidney {volume:.0f} ml")
        ).format(side=side_in_words(kidney.side), volume=kidney.volume_ml)
        for kidney in found.kidneys
    ]
    count = len(found.masses)
    masses = _("no mass") if count == 0 else _("1 mass") if count == 1 else _("{count} masses").format(count=count)
    drawn = sum(bool(mass.drawn) for mass in found.masses)
    if drawn:
        masses = _("{masses}, {drawn} of them drawn by you").format(masses=masses, drawn=drawn)
    return " · ".join([*kidneys, masses])


def _name(mass: Mass) -> str:
    if mass.drawn:
        return _("{side} D{number}").format(side=side_in_words(mass.side), number=mass.drawn)
    return f"{side_in_words(mass.side)} {mass.segment_id.rsplit('_', 1)[-1]}"


def _hint(mass: Mass, reading: Reading | None, removed: bool) -> str:
    if removed:
        return _("You removed its segment. The row says what the networks had found.")
    if reading is not None and reading.note:
        return reading.note
    return _("Under 5 mm: the class is not reliable.") if mass.small and not mass.drawn else ""
