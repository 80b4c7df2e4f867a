"""Grad-CAM in the scene: one small hidden volume a mass, laid over the CT as foreground when it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import slicer.util
import vtk

from RenalAILib.boxes import Box
from RenalAILib.findings import Outcome, Saliency
from RenalAILib.pictures.layers import HEAT_COLORS
from RenalAILib.volume import Volume

from .resultsegmentation import ct_of
from .volumes import place

ROLE = "RenalAI.saliency."  # node reference from the segmentation, by segment ID
SHOWN = "RenalAI.shownMap"  # attribute of the segmentation: the mass whose fill makes room for its map
REPLACED = "RenalAI.replacedForeground"  # attribute of a composite node: what lay there before
COLORS = "RenalAISaliency"


def add_saliency(outcome: Outcome, segmentation: Any, ct: Any) -> list[Any]:
    """A volume node for every map of the outcome, on the CT's own voxels and under its transform.

    They are hidden from selectors: nobody should segment one.
    """
    grid = _grid(ct)
    nodes = []
    for segment_id, saliency in outcome.saliency.items():
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
        node.UnRegister(None)  # the scene owns it from the next line on
        node.SetHideFromEditors(True)
        node.SetName(f"{segmentation.GetName()} Grad-CAM {segment_id}")
        slicer.mrmlScene.AddNode(node)
        place(node, _on_box(saliency, grid))
        slicer.util.updateVolumeFromArray(node, np.asarray(saliency.values, np.float32))
        node.SetAndObserveTransformNodeID(ct.GetTransformNodeID())
        segmentation.SetNodeReferenceID(ROLE + segment_id, node.GetID())
        nodes.append(node)
    return nodes


def saliency_node(segmentation: Any, segment_id: str) -> Any:
    """The map of one mass, None where the scene has none."""
    return segmentation.GetNodeReference(ROLE + segment_id)


def saliency_of(segmentation: Any) -> dict[str, Saliency]:
    """The maps of a segmentation as the engine has them, on the CT's voxels."""
    ct = ct_of(segmentation)
    found = {}
    for segment_id in segmentation.GetSegmentation().GetSegmentIDs():
        node = saliency_node(segmentation, segment_id)
        if node is not None:
            values = slicer.util.arrayFromVolume(node)
            to_ct = np.linalg.inv(_grid(ct)) @ _grid(node)
            k, j, i = (int(index) for index in np.rint(to_ct[:3, 3][::-1]))
            box = Box((k, j, i), (k + values.shape[0], j + values.shape[1], i + values.shape[2]))
            found[segment_id] = Saliency(box, values)
    return found


def show_saliency(segmentation: Any, segment_id: str, opacity: float, threshold: float) -> bool:
    """Lay the map of one mass over the slices; what is weaker than ``threshold`` (0 to 1) stays uncoloured.

    Returns:
        False where the scene has no map of this mass; then nothing is shown.
    """
    node = saliency_node(segmentation, segment_id)
    if node is None:
        hide_saliency()
        return False
    _fill_again()
    segmentation.SetAttribute(SHOWN, segment_id)
    segmentation.GetDisplayNode().SetSegmentVisibility2DFill(segment_id, False)  # it would tint the map
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    with slicer.util.NodeModify(display):
        display.SetAndObserveColorNodeID(_color_node().GetID())
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(1.0, 0.5)
        display.SetInterpolate(True)
        display.SetThreshold(max(threshold, 1e-3), 10.0)
        display.SetApplyThreshold(True)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        before = composite.GetForegroundVolumeID() or ""
        if composite.GetAttribute(REPLACED) is None:
            composite.SetAttribute(REPLACED, f"{before} {composite.GetForegroundOpacity()}")
        composite.SetForegroundVolumeID(node.GetID())
        composite.SetForegroundOpacity(opacity)
    return True


def hide_saliency() -> None:
    """Take the map away and put back what lay there before."""
    _fill_again()
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        replaced = composite.GetAttribute(REPLACED)
        if replaced is not None:
            before, opacity = replaced.split(" ")
            composite.SetForegroundVolumeID(before if before and slicer.mrmlScene.GetNodeByID(before) else None)
            composite.SetForegroundOpacity(float(opacity))
            composite.RemoveAttribute(REPLACED)


def _fill_again() -> None:
    """Give the mass whose map was shown its fill back."""
    for segmentation in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        segment_id = segmentation.GetAttribute(SHOWN)
        if segment_id is not None:
            segmentation.GetDisplayNode().SetSegmentVisibility2DFill(segment_id, True)
            segmentation.RemoveAttribute(SHOWN)


def _grid(node: Any) -> npt.NDArray[np.float64]:
    """IJK to RAS of a volume node, without its parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.asarray(slicer.util.arrayFromVTKMatrix(matrix))


def _on_box(saliency: Saliency, grid: npt.NDArray[np.float64]) -> Volume:
    """The map as a volume: the grid moved to the first voxel of its box."""
    moved = grid.copy()
    moved[:3, 3] += grid[:3, :3] @ np.array(saliency.box.start[::-1], float)
    return Volume(saliency.values, moved)


def _color_node() -> Any:
    """The colour table of every map, made when it is first needed and again after a scene was closed."""
    node = slicer.mrmlScene.GetSingletonNode(COLORS, "vtkMRMLColorTableNode")
    if node is None:
        node = slicer.vtkMRMLColorTableNode()
        node.SetTypeToUser()
        node.SetName("RenalAI Grad-CAM")
        node.SetSingletonTag(COLORS)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node.SetNumberOfColors(256)
        stops = np.linspace(0, 255, len(HEAT_COLORS))
        for index in range(256):
            rgb = [float(np.interp(index, stops, channel)) / 255 for channel in zip(*HEAT_COLORS, strict=True)]
            node.SetColor(index, *rgb, 1.0)
        node = slicer.mrmlScene.AddNode(node)
    return node
