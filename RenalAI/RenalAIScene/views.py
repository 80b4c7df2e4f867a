"""Where the views look, and what stands out in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import slicer.util

from RenalAILib.findings import Mass

from .candidateboxes import centre_of, highlight_candidate
from .drawnmasses import drawn_masses
from .resultsegmentation import findings

_OTHER_FILL, _OTHER_LINE, _OTHER_SOLID = 0.3, 0.6, 0.4  # of what stands back, as a share of the node's own opacities


def go_to_point(ras: tuple[float, float, float]) -> None:
    """Center every slice view and 3-D view on a point (RAS, mm).

    A slice is jumped to, not given an offset: with the patient's right on the left of the screen the sagittal axis
    points to -R, and an offset of R would show the mirrored place.
    """
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        node.JumpSliceByCentering(*ras)
    for camera in slicer.util.getNodesByClass("vtkMRMLCameraNode"):
        move = np.subtract(ras, camera.GetFocalPoint())
        camera.SetFocalPoint(*ras)
        camera.SetPosition(*np.add(camera.GetPosition(), move))


def go_to(segmentation: Any, segment_id: str) -> None:
    """Center every view on a mass or a candidate and highlight it.

    Raises:
        ValueError: the findings of the segmentation have no such mass or candidate.
    """
    known = segmentation.GetSegmentation().GetSegmentIDs()
    centroid = {mass.segment_id: mass.centroid_ras for mass in _masses(segmentation, segment_id)}
    candidate = centre_of(segmentation, segment_id)
    if candidate is not None:
        highlight_candidate(segmentation, segment_id)
        go_to_point(candidate)
        return
    if segment_id not in centroid:
        raise ValueError(f"{segmentation.GetName()} has no mass {segment_id}")
    highlight(segmentation, segment_id if segment_id in known else None)  # a removed one has a place, but no outline
    go_to_point(centroid[segment_id])


def _masses(segmentation: Any, segment_id: str) -> tuple[Mass, ...]:
    """The networks' masses; those drawn by hand only where one of them is asked for: they are measured anew."""
    found = findings(segmentation)
    if found is None:
        return ()
    theirs = {mass.segment_id for mass in found.masses}
    return found.masses if segment_id in theirs else drawn_masses(segmentation)


def highlight(segmentation: Any, segment_id: str | None) -> None:
    """Let one segment stand out by letting the others stand back. None treats all alike again."""
    display = segmentation.GetDisplayNode()
    with slicer.util.NodeModify(display):
        for other in segmentation.GetSegmentation().GetSegmentIDs():
            back = segment_id is not None and other != segment_id
            display.SetSegmentOpacity2DFill(other, _OTHER_FILL if back else 1.0)
            display.SetSegmentOpacity2DOutline(other, _OTHER_LINE if back else 1.0)
            display.SetSegmentOpacity3D(other, _OTHER_SOLID if back else 1.0)
