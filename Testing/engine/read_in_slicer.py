"""Opens .seg.nrrd files with Slicer's own storage node; prints what it finds, a line of JSON a file.

Usage: read_in_slicer.py FILE... The voxels of each go to FILE.npy.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import slicer
import slicer.util
import vtk
from vtk.util.numpy_support import vtk_to_numpy


def main(paths: list[str]) -> None:
    scene, logic = slicer.vtkMRMLScene(), slicer.vtkSlicerSegmentationsModuleLogic()
    logic.SetMRMLScene(scene)
    slicer.mrmlScene, slicer.modules = scene, SimpleNamespace(segmentations=SimpleNamespace(logic=lambda: logic))
    for path in paths:
        print(json.dumps(read(scene, path)))


def read(scene: slicer.vtkMRMLScene, path: str) -> dict[str, object]:
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(path)
    assert storage.ReadData(node), storage.GetUserMessages().GetAllMessagesAsString()
    segmentation = node.GetSegmentation()
    found = []
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        tags = {}
        for tag in ("TerminologyEntry", "DICOM.SegmentAlgorithmType", "DICOM.SegmentAlgorithmName"):
            value = vtk.mutable("")
            tags[tag] = str(value) if segment.GetTag(tag, value) else None
        found.append(
            {
                "id": segment_id,
                "name": segment.GetName(),
                "color": [round(255 * value) for value in segment.GetColor()],
                "value": segment.GetLabelValue(),
                "tags": tags,
            }
        )
    image = segmentation.GetSegment(found[0]["id"]).GetRepresentation("Binary labelmap")
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    reference = segmentation.GetConversionParameter("Reference image geometry")
    extent = image.GetExtent()
    voxels = vtk_to_numpy(image.GetPointData().GetScalars())
    shape = [high - low + 1 for low, high in zip(extent[4::-2], extent[5::-2], strict=True)]
    np.save(f"{path}.npy", voxels.reshape(shape))
    rows = [[matrix.GetElement(row, column) for column in range(4)] for row in range(4)]
    layers = segmentation.GetNumberOfLayers("Binary labelmap")
    return {"segments": found, "matrix": rows, "reference": reference, "layers": layers}


if __name__ == "__main__":
    main(sys.argv[1:])
