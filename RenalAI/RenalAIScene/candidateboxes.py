"""Candidates of a detector in the scene: a region-of-interest node each, named with its score, not to be dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import slicer.util
import vtk

from RenalAILib.detections import Detection
from RenalAILib.pictures.layers import BOX_COLOR

from .resultsegmentation import findings, put_beside

ROLE = "RenalAI.candidate."  # node reference from the segmentation, by the candidate's ID
SCORE, LABEL, SIDE = "RenalAI.score", "RenalAI.label", "RenalAI.side"  # attributes of a region's node
_OTHER_OPACITY = 0.45  # of what stands back


def add_candidates(segmentation: Any, ct: Any) -> list[Any]:
    """A region node for every detection in the findings of a segmentation, under the CT's transform, in its study."""
    found = findings(segmentation)
    nodes = []
    for detection in (found.detections or ()) if found is not None else ():
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", _name(detection))
        with slicer.util.NodeModify(node):
            node.SetAndObserveObjectToNodeMatrix(_placed(detection))
            node.SetSize(*detection.size_mm)
            node.SetLocked(True)
            node.SetAttribute(SCORE, f"{detection.score:.3f}")
            node.SetAttribute(LABEL, detection.label)
            if detection.side is not None:
                node.SetAttribute(SIDE, detection.side.value)
            node.SetDescription(f"{detection.label}, score {detection.score:.2f}, by RenalAI")
            node.SetAndObserveTransformNodeID(ct.GetTransformNodeID())
        node.CreateDefaultDisplayNodes()
        _look(node.GetDisplayNode())
        put_beside(node, ct)
        segmentation.SetNodeReferenceID(ROLE + detection.detection_id, node.GetID())
        nodes.append(node)
    return nodes


def candidate_node(segmentation: Any, detection_id: str) -> Any:
    """The region of one candidate, None where it was deleted."""
    return segmentation.GetNodeReference(ROLE + detection_id)


def candidate_nodes(segmentation: Any) -> list[Any]:
    """All regions of a result that are still in the scene, by falling score."""
    found = findings(segmentation)
    detections = () if found is None else found.detections or ()
    nodes = [candidate_node(segmentation, one.detection_id) for one in detections]
    return [node for node in nodes if node is not None]


def highlight_candidate(segmentation: Any, detection_id: str | None) -> None:
    """Let one box stand out by letting the others stand back. None treats all alike again."""
    chosen = None if detection_id is None else candidate_node(segmentation, detection_id)
    for node in candidate_nodes(segmentation):
        back = chosen is not None and node is not chosen
        node.GetDisplayNode().SetOpacity(_OTHER_OPACITY if back else 1.0)


def centre_of(segmentation: Any, detection_id: str) -> tuple[float, float, float] | None:
    """The middle of a candidate, RAS mm; where its region was moved, the new place. None for an unknown one."""
    node = candidate_node(segmentation, detection_id)
    if node is not None:
        world = [0.0, 0.0, 0.0]
        node.GetCenterWorld(world)
        return world[0], world[1], world[2]
    found = findings(segmentation)
    known = {} if found is None else {one.detection_id: one.centre_ras for one in found.detections or ()}
    return known.get(detection_id)


def _name(detection: Detection) -> str:
    """Short: slice views write it over the image."""
    return f"Box {detection.detection_id.rpartition('_')[2]}: {detection.label} {detection.score:.2f}"


def _placed(detection: Detection) -> Any:
    """The middle and axes of a box as a matrix. A region's axes are right-handed and at right angles.

    A left-handed grid's box is the same with its last axis turned round; of a sheared grid (gantry tilt) the box is
    straightened, keeping its first two edges' plane.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = _right_handed(np.array(detection.axes_ras, dtype=np.float64).T)
    matrix[:3, 3] = detection.centre_ras
    result: vtk.vtkMatrix4x4 = slicer.util.vtkMatrixFromArray(matrix)
    return result


def _right_handed(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Columns: unit vectors along i and j, at right angles, and the one across both."""
    i = axes[:, 0] / np.linalg.norm(axes[:, 0])
    j = axes[:, 1] - (axes[:, 1] @ i) * i
    j /= np.linalg.norm(j)
    return np.stack([i, j, np.cross(i, j)], axis=1)


def _look(display: Any) -> None:
    """A frame without fill and handles: the CT must stay readable in it."""
    display.SetSelectedColor(*(value / 255.0 for value in BOX_COLOR))
    display.SetColor(*(value / 255.0 for value in BOX_COLOR))
    display.SetFillOpacity(0.0)
    display.SetOutlineOpacity(1.0)
    display.SetHandlesInteractive(False)
    display.SetPropertiesLabelVisibility(True)
    display.SetTextScale(2.0)
    display.SetGlyphScale(0.0)
