"""Volumes: a CT node as the engine sees it, and voxels of the engine as nodes."""

from __future__ import annotations

from typing import Any

import slicer
import slicer.util
import vtk

from RenalAILib.errors import InputError
from RenalAILib.volume import Volume


def volume_of(node: Any) -> Volume:
    """A scalar volume node as a :class:`Volume` in world RAS, parent transforms included. The voxels are not copied.

    Raises:
        InputError: the node holds no single-channel 3-D image, or lies under a non-linear transform.
    """
    name = node.GetName()
    image = node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        raise InputError(f"{name} holds no image")
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(f"{name} is a color image with {image.GetNumberOfScalarComponents()} channels, not a CT")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    vtk.vtkMatrix4x4.Multiply4x4(_to_world(node), matrix, matrix)
    return Volume(slicer.util.arrayFromVolume(node), slicer.util.arrayFromVTKMatrix(matrix), name)


def add_volume(volume: Volume, name: str | None = None) -> Any:
    """A new scalar volume node with a copy of the voxels, shown nowhere yet."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name or volume.name)
    place(node, volume)
    slicer.util.updateVolumeFromArray(node, volume.voxels)
    node.CreateDefaultDisplayNodes()
    return node


def place(node: Any, volume: Volume) -> None:
    """Give a volume node (in no transform) the grid of ``volume``."""
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(volume.ijk_to_ras))


def _to_world(node: Any) -> Any:
    """The parent transforms of a node as one matrix."""
    matrix = vtk.vtkMatrix4x4()
    transform = node.GetParentTransformNode()
    if transform is not None:
        if not transform.IsTransformToWorldLinear():
            name = transform.GetName()
            raise InputError(f"{node.GetName()} lies under the non-linear transform {name}; harden it first")
        transform.GetMatrixTransformToWorld(matrix)
    return matrix
