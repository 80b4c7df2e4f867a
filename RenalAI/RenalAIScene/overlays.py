"""Prediction and manual segmentation together: outlines, or a fill that says where they agree."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import slicer.util

from RenalAILib.labels import KIDNEY_LABELS, Label

from .labelmaps import new_segmentation
from .matching import matches
from .reference import corrected_labels, reference_labels
from .resultsegmentation import FILL_OPACITY, ct_of, put_beside

PREDICTION_COLOR = (0.90, 0.15, 0.15)
MANUAL_COLOR = (0.15, 0.80, 0.25)
BOTH_COLOR = (0.98, 0.85, 0.10)
AGREEMENT = "RenalAI.agreementFill"  # node reference from the prediction
MADE_OF = "RenalAI.madeOf"  # attribute of the fill: what it was computed from
SURFACE = "Closed surface"
LOOK = "RenalAI.look"  # attribute of a manual segmentation: how it looked before

_SEGMENTS = (
    ("both", "Both", BOTH_COLOR), ("prediction_only", "RenalAI only", PREDICTION_COLOR),
    ("manual_only", "Manual only", MANUAL_COLOR),
)  # fmt: skip


class Style(Enum):
    """How the two are shown."""

    PREDICTION = "prediction"
    OUTLINES = "outlines"
    AGREEMENT = "agreement"


def show(style: Style, prediction: Any, manual: Any, opacity: float) -> None:
    """Show a prediction with or without a manual segmentation; their own colours come back with ``PREDICTION``.

    Args:
        style: without a manual segmentation only ``PREDICTION``.
        prediction: RenalAI's segmentation node.
        manual: the manual one, or None.
        opacity: 0 to 1, of the fill; lines are full from one half on.

    Raises:
        InputError: ``AGREEMENT``, but no manual segment is matched.
        ValueError: a comparison without a manual segmentation.
    """
    if manual is None and style is not Style.PREDICTION:
        raise ValueError(f"{style.value} needs a manual segmentation")
    line = min(1.0, 2 * opacity)
    if style is Style.AGREEMENT:
        fill = _agreement(prediction, manual)
        display = fill.GetDisplayNode()
        display.SetVisibility(True)
        display.SetOpacity2DFill(opacity)
        display.SetOpacity2DOutline(0.0)
    else:
        drop_agreement(prediction)
    if manual is not None:
        _show_manual(manual, style, line)
    display = prediction.GetDisplayNode()
    with slicer.util.NodeModify(display):
        display.SetVisibility(style is not Style.AGREEMENT)
        display.SetOpacity2DFill(2 * FILL_OPACITY * opacity if style is Style.PREDICTION else 0.0)
        display.SetOpacity2DOutline(line)
        _paint(prediction, PREDICTION_COLOR if style is Style.OUTLINES else None)
    if prediction.GetSegmentation().ContainsRepresentation(SURFACE):  # the user wants 3-D: of all that is compared
        for node in {Style.OUTLINES: [manual], Style.AGREEMENT: [prediction.GetNodeReference(AGREEMENT)]}.get(
            style, []
        ):
            node.CreateClosedSurfaceRepresentation()


def drop_agreement(prediction: Any) -> None:
    """Remove the agreement fill from the scene, if there is one."""
    node = prediction.GetNodeReference(AGREEMENT)
    if node is not None:
        for display in [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]:
            slicer.mrmlScene.RemoveNode(display)
        slicer.mrmlScene.RemoveNode(node)
    prediction.SetNodeReferenceID(AGREEMENT, None)


def agreement_map(predicted: npt.NDArray[np.uint8], manual: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """1 where two label maps agree, 2 where the prediction has more, 3 where the manual one has more, 0 outside both.

    What counts is background, kidney of either side, mass of any class, in rising order: a mass where the manual one
    has kidney is red, a missed mass green.
    """
    rank = np.full(max(Label) + 1, 2, np.uint8)
    rank[[Label.BACKGROUND, *KIDNEY_LABELS]] = (0, 1, 1)
    found, wanted = rank[predicted], rank[manual]
    result = np.where(found > wanted, 2, np.where(found < wanted, 3, 1)).astype(np.uint8)
    result[(found == 0) & (wanted == 0)] = 0
    return result


def _agreement(prediction: Any, manual: Any) -> Any:
    """The fill as a segmentation node; made anew only when one of the two, or a match, has changed."""
    found = matches(manual)
    stamp = json.dumps([
        manual.GetID(), manual.GetSegmentation().GetMTime(), prediction.GetSegmentation().GetMTime(),
        {segment_id: str(match) for segment_id, match in found.items()},
    ])  # fmt: skip
    node = prediction.GetNodeReference(AGREEMENT)
    if node is not None and node.GetAttribute(MADE_OF) == stamp:
        return node
    ct = ct_of(prediction)
    compared = agreement_map(corrected_labels(prediction, ct), reference_labels(manual, found, ct))
    drop_agreement(prediction)
    identifiers = [segment_id for segment_id, _name, _color in _SEGMENTS]
    node = new_segmentation(f"{ct.GetName()} agreement", compared, identifiers, ct)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    for segment_id, name, color in _SEGMENTS:
        node.GetSegmentation().GetSegment(segment_id).SetName(name)
        node.GetSegmentation().GetSegment(segment_id).SetColor(*color)
    put_beside(node, ct)
    node.SetAttribute(MADE_OF, stamp)
    prediction.SetNodeReferenceID(AGREEMENT, node.GetID())
    return node


def _show_manual(manual: Any, style: Style, line: float) -> None:
    """Outline the manual segmentation in green, or give it back the look it had."""
    manual.CreateDefaultDisplayNodes()
    display = manual.GetDisplayNode()
    with slicer.util.NodeModify(display):
        if manual.GetAttribute(LOOK) is None:
            surface = manual.GetSegmentation().ContainsRepresentation(SURFACE)
            look = (display.GetVisibility(), display.GetOpacity2DFill(), display.GetOpacity2DOutline(),
                    display.GetSliceIntersectionThickness(), display.GetOpacity3D(), surface)  # fmt: skip
            manual.SetAttribute(LOOK, json.dumps(look))
        if style is Style.OUTLINES:
            display.SetVisibility(True)
            display.SetOpacity2DFill(0.0)
            display.SetOpacity2DOutline(line)
            display.SetSliceIntersectionThickness(2)
            display.SetOpacity3D(0.4)
            _paint(manual, MANUAL_COLOR)
            return
        _paint(manual, None)
        visible, fill, outline, thickness, solid, surface = json.loads(manual.GetAttribute(LOOK))
        display.SetOpacity2DFill(fill)
        display.SetOpacity2DOutline(outline)
        display.SetSliceIntersectionThickness(thickness)
        display.SetOpacity3D(solid)
        display.SetVisibility(False if style is Style.AGREEMENT else visible)
        if style is Style.PREDICTION:
            manual.RemoveAttribute(LOOK)
    if not surface:
        manual.RemoveClosedSurfaceRepresentation()


def _paint(node: Any, color: tuple[float, float, float] | None) -> None:
    """Show every segment in one colour, or in its own; the segments themselves keep theirs."""
    display = node.GetDisplayNode()
    for segment_id in node.GetSegmentation().GetSegmentIDs():
        if color is None:
            display.UnsetSegmentOverrideColor(segment_id)
        else:
            display.SetSegmentOverrideColor(segment_id, *color)
