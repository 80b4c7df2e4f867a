"""Texts of the panel: severity by color that reads on light and dark, numbers as radiologists write them."""

from __future__ import annotations

import html
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass, Side
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAIScene.matching import BOTH, BothKidneys

PROBLEM_COLORS = {  # (severe, on dark)
    (True, True): "#ff8a80", (True, False): "#b3261e", (False, True): "#ffd180", (False, False): "#7a4f01",
}  # fmt: skip


def dark(widget: Any) -> bool:
    """Whether the widget is drawn light on dark."""
    return widget.palette.color(qt.QPalette.Window).lightness() < 128


def show_problem(label: Any, words: str | None, severe: bool = True) -> None:
    """Shows ``words`` in red, or amber where not severe; without words the label is empty and takes no place."""
    label.setVisible(True)
    if words is None:
        label.text = ""
        label.minimumHeight = 0
        return
    color = PROBLEM_COLORS[severe, dark(label)]
    label.text = f'<span style="color:{color}">{html.escape(words)}</span>'
    _fit(label)


def show_error(text: str, problem: Exception) -> None:
    """A message box; its details have the log that a worker left, or the fault where it was none of the user's."""
    log = getattr(problem, "log", "") or ("" if isinstance(problem, InputError) else repr(problem))
    details = {"detailedText": log} if log else {}
    slicer.util.errorDisplay(text, windowTitle=_("RenalAI"), **details)


def show_plain(label: Any, words: str) -> None:
    """Shows ``words`` as they are; an empty label takes no place."""
    # Qt takes a text without tags for plain, in which an entity would be seen as such.
    special = any(sign in words for sign in "<>&")
    label.text = f"<span>{html.escape(words, quote=False)}</span>".replace("\n", "<br>") if special else words
    label.setVisible(bool(words))
    _fit(label)


def show_rich(label: Any, markup: str) -> None:
    """Shows rich text whose words were escaped."""
    label.text = markup
    label.setVisible(True)
    _fit(label)


def _fit(label: Any) -> None:
    """Lets a wrapped label keep its lines: a collapsible section asks its contents for one-line heights only."""
    if label.visible and label.wordWrap:
        label.minimumHeight = label.heightForWidth(label.width)


def stage_in_words(stage: str) -> str:
    """What the engine does, for the line under the progress bar."""
    known = {
        "start": _("Starting the engine"),
        "read": _("Reading the CT"),
        "locate": _("Finding the kidneys"),
        "delineate": _("Outlining kidneys and masses"),
        "characterise": _("Classifying the masses"),
        "vote": _("Classifying slices"),
        "detect": _("Looking for boxes in slices"),
        "compare": _("Comparing the outlines"),
        "phases": _("Measuring in the other phases"),
        "versions": _("Looking at versions"),
        "engines": _("Trying the engines"),
        "bundles": _("Verifying the models"),
        "write": _("Collecting the findings"),
        "done": _("Done"),
    }
    return known.get(stage, stage.capitalize())


def time_left(fraction: float, elapsed_s: float) -> str:
    """The rest of the time in words, empty while it cannot be told."""
    if fraction < 0.1 or elapsed_s < 1.0:
        return ""
    seconds = elapsed_s * (1.0 - fraction) / fraction
    if seconds < 60:
        return _("about {seconds:.0f} s left").format(seconds=max(1.0, seconds))
    return _("about {minutes:.0f} min left").format(minutes=seconds / 60)


def class_in_words(mass_class: MassClass) -> str:
    """A class as the table has it."""
    return {
        MassClass.AML: _("AML"),
        MassClass.CYSTIC: _("Cystic"),
        MassClass.SOLID: _("Solid"),
        MassClass.UNKNOWN: _("Unknown"),
    }[mass_class]


def side_in_words(side: Side) -> str:
    """The patient's side."""
    return _("Right") if side is Side.RIGHT else _("Left")


def verdict_in_words(reading: Reading | None) -> str:
    """The radiologist's answer as the table has it; a class stands for itself."""
    if reading is None:
        return ""
    if reading.mass_class is not None:
        return class_in_words(reading.mass_class)
    return {Answer.ACCEPTED: _("Accepted"), Answer.REJECTED: _("Rejected"), Answer.NOTED: _("Note")}[reading.verdict]


def label_in_words(label: Label | BothKidneys | None) -> str:
    """A label value as the table of matches has it."""
    words: dict[Label | BothKidneys | None, str] = {
        None: _("Leave out"),
        Label.BACKGROUND: _("Leave out"),
        Label.KIDNEY_RIGHT: _("Right kidney"),
        Label.KIDNEY_LEFT: _("Left kidney"),
        BOTH: _("Both kidneys"),
        Label.AML: _("AML"),
        Label.CYSTIC: _("Cystic mass"),
        Label.SOLID: _("Solid mass"),
        Label.UNKNOWN: _("Mass, any class"),
    }
    return words[label]
