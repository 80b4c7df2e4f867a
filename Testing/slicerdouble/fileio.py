"""``slicer.app.coreIOManager()``: reading and writing nodes through their storage nodes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import slicer

#: file type of Slicer -> node class
NODE_CLASSES = {
    "VolumeFile": "vtkMRMLScalarVolumeNode",
    "LabelVolumeFile": "vtkMRMLLabelMapVolumeNode",
    "SegmentationFile": "vtkMRMLSegmentationNode",
    "TableFile": "vtkMRMLTableNode",
    "ColorTableFile": "vtkMRMLColorTableNode",
}


class IOManager:
    """What ``slicer.util.loadVolume``, ``loadSegmentation``, ``saveNode`` and ``saveScene`` ask for."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene

    def fileType(self, path: str) -> str:
        name = Path(path).name.lower()
        if name.endswith((".seg.nrrd", ".seg.nhdr")):
            return "SegmentationFile"
        if name.endswith((".mrml", ".mrb")):
            return "SceneFile"
        return "TableFile" if name.endswith((".csv", ".tsv")) else "VolumeFile"

    def loadNodes(self, fileType: str, properties: Mapping[str, Any], loaded: Any = None, messages: Any = None) -> bool:
        path = str(properties["fileName"])
        if fileType == "SceneFile":
            return self._load_scene(path, bool(properties.get("clear", False)))
        node_class = NODE_CLASSES[fileType]
        if fileType == "VolumeFile" and properties.get("labelmap"):
            node_class = NODE_CLASSES["LabelVolumeFile"]
        stem = Path(path).name.split(".")[0]
        node = self._scene.AddNewNodeByClass(node_class, properties.get("name") or stem)
        node.AddDefaultStorageNode(path)
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        if fileType == "SegmentationFile" and properties.get("colorNodeID"):
            node.SetLabelmapConversionColorTableNodeID(properties["colorNodeID"])
        if not Path(path).is_file() or not storage.ReadData(node):
            self._scene.RemoveNode(storage)
            self._scene.RemoveNode(node)
            return False
        node.CreateDefaultDisplayNodes()
        if loaded is not None:
            loaded.AddItem(node)
        return True

    def saveNodes(self, fileType: str, properties: Mapping[str, Any], *_more: Any) -> bool:
        if fileType == "SceneFile":
            return self._save_scene(str(properties["fileName"]))
        node = self._scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None and not node.AddDefaultStorageNode():
            return False
        storage = node.GetStorageNode()
        storage.SetFileName(str(properties["fileName"]))
        return bool(storage.WriteData(node))

    def exportNodes(self, *arguments: Any) -> bool:
        return self.saveNodes(*arguments)

    def fileWriterFileType(self, node: Any) -> str:
        return next((kind for kind, name in NODE_CLASSES.items() if node.GetClassName() == name), "NoFile")

    def _save_scene(self, path: str) -> bool:
        """A bundle, or a .mrml with the files of its nodes beside it (Slicer asks the user for those)."""
        if path.endswith(".mrb"):
            return bool(self._scene.WriteToMRB(path))
        folder = Path(path).parent
        for node in slicer.util.getNodesByClass("vtkMRMLStorableNode", self._scene):
            if node.GetSaveWithScene() and (node.GetStorageNode() is not None or node.AddDefaultStorageNode()):
                storage = node.GetStorageNode()
                if storage is None:  # a node that lives in the scene file alone
                    continue
                storage.SetFileName(str(folder / f"{node.GetName()}.{storage.GetDefaultWriteFileExtension()}"))
                if not storage.WriteData(node):
                    return False
        self._scene.SetURL(path)
        self._scene.SetRootDirectory(str(folder))
        return bool(self._scene.Commit(path))

    def _load_scene(self, path: str, clear: bool) -> bool:
        if path.endswith(".mrb"):
            return bool(self._scene.ReadFromMRB(path, clear))
        self._scene.SetURL(path)
        return bool(self._scene.Connect() if clear else self._scene.Import())
