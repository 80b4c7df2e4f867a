"""A detector's candidates in the Findings section: in words, and as rows of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from RenalAILib.detections import Detection
from RenalAILib.pictures.layers import BOX_COLOR

from .texts import side_in_words


def headings() -> tuple[str, ...]:
    """Of the table."""
    return (_("Box"), _("Class"), _("Score"), _("mm"), _("Slices"))


def cells(detection: Detection) -> tuple[Any, ...]:
    """Items of one row; the class carries the color of the boxes."""
    number = detection.detection_id.rpartition("_")[2]
    side = f"{side_in_words(detection.side)} " if detection.side is not None else ""
    texts = (
        f"{side}{number}",
        detection.label,
        f"{detection.score:.2f}",
        f"{max(detection.size_mm):.0f}",
        str(len(detection.slices)),
    )
    items = [qt.QTableWidgetItem(text) for text in texts]
    for item in items[2:]:
        item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    items[1].setData(qt.Qt.DecorationRole, qt.QColor(*BOX_COLOR))
    items[2].setToolTip(_("Of the network, for the best slice; not the probability of a lesion."))
    items[3].setToolTip(_("Longest edge of the box; not a diameter."))
    return tuple(items)


def in_words(detections: Sequence[Detection]) -> str:
    """How many there are, and that a box is no finding yet."""
    if not detections:
        return _("The detector found no candidate.")
    if len(detections) == 1:
        return _("1 candidate: a box is a suspicion, nothing was outlined.")
    return _("{count} candidates: a box is a suspicion, nothing was outlined.").format(count=len(detections))
