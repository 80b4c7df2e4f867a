"""One MRML scene with the logics Slicer would have given it. Once per process: the factories are global."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import slicer
import vtk

#: Order matters: the Segmentations logic registers the conversion rules a segmentation node needs.
MODULE_LOGICS = {
    "Colors": "vtkMRMLColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Plots": "vtkSlicerPlotsLogic",
}


def create_scene(cache_directory: str) -> tuple[Any, Any]:
    """Scene and application logic, with ``slicer.mrmlScene`` and ``slicer.modules`` set."""
    scene, application = slicer.vtkMRMLScene(), slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    application.GetColorLogic().SetMRMLScene(scene)
    application.GetColorLogic().AddDefaultColorNodes()
    application.SetSliceLogics(vtk.vtkCollection())
    application.SetViewLogics(vtk.vtkCollection())
    for kind in ("SliceView", "ThreeDView"):
        factory = getattr(slicer, f"vtkMRML{kind}DisplayableManagerFactory")
        factory.GetInstance().SetMRMLApplicationLogic(application)
    slicer.mrmlScene, slicer.modules = scene, SimpleNamespace()
    for name, class_name in MODULE_LOGICS.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLApplicationLogic(application)
        logic.SetMRMLScene(scene)
        application.SetModuleLogic(name, logic)
        setattr(slicer.modules, name.lower(), SimpleNamespace(name=name, logic=lambda logic=logic: logic))
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLScene(scene)
    remote.AddDataIOToScene()
    scene.GetCacheManager().SetRemoteCacheDirectory(cache_directory)
    application.remote_io = remote  # the scene does not keep it alive
    scene.AddObserver(scene.NodeAddedEvent, _into_hierarchy)
    scene.AddObserver(scene.NodeAboutToBeRemovedEvent, _out_of_hierarchy)
    return scene, application


@vtk.calldata_type(vtk.VTK_OBJECT)
def _into_hierarchy(scene: Any, _event: str, node: Any) -> None:
    """Give a data node its item in Subject Hierarchy, as the plugins of Slicer do for what is not hidden."""
    data = (
        "vtkMRMLVolumeNode",
        "vtkMRMLSegmentationNode",
        "vtkMRMLTableNode",
        "vtkMRMLTransformNode",
        "vtkMRMLMarkupsNode",
    )
    if not scene.IsImporting() and not node.GetHideFromEditors() and any(node.IsA(kind) for kind in data):
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        if not hierarchy.GetItemByDataNode(node):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


@vtk.calldata_type(vtk.VTK_OBJECT)
def _out_of_hierarchy(scene: Any, _event: str, node: Any) -> None:
    """Take a removed node's item away, as Slicer's plugins do."""
    if scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)
