"""Label maps between arrays and segmentation nodes, without a temporary node in the scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import slicer.util
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from RenalAILib.boxes import Box
from RenalAILib.volume import Volume

from .volumes import volume_of

Crop = tuple[Box, npt.NDArray[np.bool_], Volume]
"""Where a segment lies in the CT, its voxels there, and that part of the CT."""


def new_segmentation(name: str, instances: np.ndarray, segment_ids: Sequence[str], ct: Any) -> Any:
    """A segmentation node on a CT's grid and under its transform: value ``n`` of the label map becomes the ``n``-th ID.

    The segments share one layer. All IDs must be named, also of absent values (they give empty segments): Slicer counts
    on.

    Raises:
        RuntimeError: Slicer refused the label map; then there is no node.
    """
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    labelmap = slicer.vtkMRMLLabelMapVolumeNode()  # never enters the scene, so no display or colour node stays behind
    labelmap.CopyOrientation(ct)
    slicer.util.updateVolumeFromArray(labelmap, instances)
    identifiers = vtk.vtkStringArray()
    for segment_id in segment_ids:
        identifiers.InsertNextValue(segment_id)
    if segment_ids and not slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(
        labelmap, node, identifiers
    ):
        slicer.mrmlScene.RemoveNode(node.GetDisplayNode())
        slicer.mrmlScene.RemoveNode(node)
        raise RuntimeError(f"Slicer could not put the segments of {ct.GetName()} into the scene")
    # The transform comes after the import, which would resample a label map that is under none.
    node.SetAndObserveTransformNodeID(ct.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    return node


def segment_array(segmentation: Any, segment_id: str, ct: Any) -> npt.NDArray[np.uint8]:
    """One segment as 0 and 1, ``[k, j, i]`` on the CT's grid; a copy. As :func:`segment_part`, on the whole grid."""
    result = np.zeros(volume_of(ct).shape, np.uint8)
    part = segment_part(segmentation, segment_id, ct)
    if part is not None:
        box, mask = part
        result[box.slices] = mask
    return result


def segment_part(segmentation: Any, segment_id: str, ct: Any) -> tuple[Box, npt.NDArray[np.bool_]] | None:
    """Where one segment lies on the CT's grid, and its voxels there; None for an empty one. A copy.

    A segment on the CT's own voxels is copied exactly, another one resampled to the nearest voxel. Parent transforms
    of both nodes are respected; contours and surfaces are converted, the node keeps what it has.

    Raises:
        RuntimeError: Slicer cannot make a label map of the segment.
    """
    image = slicer.vtkOrientedImageData()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if not logic.GetSegmentBinaryLabelmapRepresentation(segmentation, segment_id, image, True):
        raise RuntimeError(f"segment {segment_id} of {segmentation.GetName()} has no label map")
    segment = segmentation.GetSegmentation().GetSegment(segment_id)
    shared = segment.GetRepresentation("Binary labelmap") is not None  # a layer may hold several segments by value
    value = segment.GetLabelValue() if shared else 1
    grid = volume_of(ct)
    if image.GetNumberOfPoints() == 0:
        return None
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    to_ct = np.linalg.inv(grid.ijk_to_ras) @ slicer.util.arrayFromVTKMatrix(matrix)
    offset = np.rint(to_ct[:3, 3])
    exact = np.eye(4)
    exact[:3, 3] = offset
    if np.abs(to_ct - exact).max() > 1e-4:
        _resample(image, grid.ijk_to_ras, grid.shape)
        offset = np.zeros(3)
    extent = np.array(image.GetExtent()).reshape(3, 2)[::-1] + offset[::-1, None].astype(int)  # (k, j, i) in the CT
    first, last = np.maximum(extent[:, 0], 0), np.minimum(extent[:, 1] + 1, grid.shape)
    if (first >= last).any():
        return None
    source = tuple(slice(a, b) for a, b in zip(first - extent[:, 0], last - extent[:, 0], strict=True))
    mask = _array(image)[source] == value
    tight = Box.around(mask)
    if tight is None:
        return None
    k, j, i = (int(index) for index in first)
    return tight.moved((k, j, i)), np.array(mask[tight.slices])


def segment_crop(segmentation: Any, segment_id: str, ct: Any) -> Crop | None:
    """One segment with the part of the CT that it lies in; None for an empty one. As :func:`segment_part`."""
    found = segment_part(segmentation, segment_id, ct)
    if found is None:
        return None
    box, mask = found
    volume = volume_of(ct)
    grid = volume.ijk_to_ras.copy()
    grid[:3, 3] += grid[:3, :3] @ np.array(box.start[::-1], float)
    return box, mask, Volume(volume.voxels[box.slices], grid, volume.name)


def voxel_counts(segmentation: Any) -> dict[str, int]:
    """How many voxels each segment has, by ID, from one look at each layer; -1 for one that has no label map yet."""
    segments = segmentation.GetSegmentation()
    layers: dict[str, npt.NDArray[np.intp]] = {}
    counts = {}
    for segment_id in segments.GetSegmentIDs():
        segment = segments.GetSegment(segment_id)
        image = segment.GetRepresentation("Binary labelmap")
        if image is None:
            counts[segment_id] = -1
        elif image.GetNumberOfPoints() == 0 or image.GetPointData().GetScalars() is None:
            counts[segment_id] = 0
        else:
            key = image.GetAddressAsString("")
            if key not in layers:
                layers[key] = _histogram(_array(image))
            value = int(segment.GetLabelValue())
            counts[segment_id] = int(layers[key][value]) if value < len(layers[key]) else 0
    return counts


def _histogram(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """How many voxels have each value. Slice by slice: numpy counts in 8 bytes a voxel, ours have 1."""
    counts = np.zeros(int(labels.max()) + 1, np.intp)
    for plane in labels:
        counts += np.bincount(plane.reshape(-1), minlength=counts.size)
    return counts


def _array(image: Any) -> np.ndarray:
    """The voxels of an oriented image, ``[k, j, i]`` over its extent."""
    shape = image.GetDimensions()[::-1]
    return np.asarray(vtk_to_numpy(image.GetPointData().GetScalars())).reshape(shape)


def _resample(image: Any, ijk_to_ras: np.ndarray, shape: tuple[int, ...]) -> None:
    """Bring a label map to another grid, in place."""
    reference = slicer.vtkOrientedImageData()
    reference.SetExtent(0, shape[2] - 1, 0, shape[1] - 1, 0, shape[0] - 1)
    reference.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
    reference.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    resample = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage
    if not resample(image, reference, image, False):
        raise RuntimeError("Slicer could not bring a segment to the grid of the CT")
