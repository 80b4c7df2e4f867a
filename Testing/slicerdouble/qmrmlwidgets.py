"""Stand-ins for the qMRML widgets that the modules use; they follow a real MRML scene."""

from __future__ import annotations

import weakref
from typing import Any

import shiboken6
import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from . import uiloader


class Following:
    """Observers of MRML objects that end with the widget that wanted them."""

    def __init__(self, widget: QtWidgets.QWidget, refresh: str) -> None:
        self._widget = weakref.ref(widget)
        self._refresh = refresh
        self._tags: list[tuple[Any, int]] = []
        widget.destroyed.connect(self.end)

    def follow(self, subject: Any, *events: int) -> None:
        """Call the widget's refresh method at these events of ``subject`` (None: nothing), and at no others."""
        self.end()
        if subject is not None:
            self.add(subject, *events)

    def add(self, subject: Any, *events: int) -> None:
        """Also at these events."""
        self._tags += [(subject, subject.AddObserver(event, self._happened)) for event in events]

    def end(self, *_destroyed: Any) -> None:
        for subject, tag in self._tags:
            subject.RemoveObserver(tag)
        self._tags = []

    def _happened(self, *_caller: Any) -> None:
        widget = self._widget()
        if widget is None or not shiboken6.isValid(widget):
            self.end()
        else:
            getattr(widget, self._refresh)()


class qMRMLWidget(QtWidgets.QWidget):
    """The top widget of a module's form: hands the scene on by ``mrmlSceneChanged``."""

    STANDS_FOR_CPP = True
    SIGNATURES = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}
    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._entered = False

    @property
    def isEntered(self) -> bool:
        """As the panel of a module: whether it is the one shown."""
        return self._entered

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self._scene


class qMRMLNodeComboBox(QtWidgets.QComboBox):
    """Chooses a node of the scene; rows appear and go with the nodes."""

    STANDS_FOR_CPP = True
    SIGNATURES = {
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeChanged(bool)": "currentNodeChangedToAny",
        "currentNodeIDChanged(QString)": "currentNodeIDChanged",
        "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
    }
    currentNodeChanged = QtCore.Signal(object)
    currentNodeChangedToAny = QtCore.Signal(bool)
    currentNodeIDChanged = QtCore.Signal(str)
    nodeAddedByUser = QtCore.Signal(object)
    NONE = "None"

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._following = Following(self, "_on_scene")
        self._renaming = Following(self, "_rename")
        self._types: list[str] = []
        self._attributes: list[tuple[str, str, str | None]] = []
        self._none_display = self.NONE
        self._flags = dict.fromkeys(("addEnabled", "removeEnabled", "editEnabled", "renameEnabled"), True)
        self._flags |= dict.fromkeys(("noneEnabled", "showHidden", "selectNodeUponCreation"), False)
        self._flags["showChildNodeTypes"] = True
        self._hidden_types: list[str] = []
        self._base_name = ""
        self._announced: str | None = None
        self.setMinimumContentsLength(6)
        self.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.currentIndexChanged.connect(self._announce)

    def setMRMLScene(self, scene: Any) -> None:
        events = slicer.vtkMRMLScene
        self._scene = scene
        self._following.follow(
            scene,
            events.NodeAddedEvent,
            events.NodeRemovedEvent,
            events.EndBatchProcessEvent,
            events.EndImportEvent,
            events.EndCloseEvent,
        )
        self._rebuild()

    def mrmlScene(self) -> Any:
        return self._scene

    def _on_scene(self) -> None:
        if not self._scene.IsBatchProcessing():
            self._rebuild()

    def showPopup(self) -> None:
        self._rebuild()
        super().showPopup()

    def nodes(self) -> list[Any]:
        """The nodes offered, in scene order."""
        return (
            []
            if self._scene is None
            else [node for node in slicer.util.getNodesByClass("vtkMRMLNode", self._scene) if self._offers(node)]
        )

    def _offers(self, node: Any) -> bool:
        exact = node.GetClassName() in self._types
        derived = self._flags["showChildNodeTypes"] and any(node.IsA(kind) for kind in self._types)
        if not (exact or derived) or node.GetClassName() in self._hidden_types:
            return False
        if node.GetHideFromEditors() and not self._flags["showHidden"]:
            return False
        return all(
            not node.IsA(kind)
            or (node.GetAttribute(name) is not None if value is None else node.GetAttribute(name) == value)
            for kind, name, value in self._attributes
        )

    def _rebuild(self) -> None:
        keep = self.currentNodeID
        nodes = self.nodes()
        with QtCore.QSignalBlocker(self):
            self.clear()
            if self._flags["noneEnabled"] or not nodes:
                self.addItem(self._none_display, "")
            self._renaming.end()
            for node in nodes:
                self.addItem(node.GetName(), node.GetID())
                self._renaming.add(node, vtk.vtkCommand.ModifiedEvent)
            index = self.findData(keep) if keep else -1
            self.setCurrentIndex(index if index >= 0 else 0)
        self._announce()

    def _rename(self) -> None:
        for index in range(self.count):
            node = self._scene.GetNodeByID(self.itemData(index)) if self.itemData(index) else None
            if node is not None and node.GetName() != self.itemText(index):
                self.setItemText(index, node.GetName())

    def _announce(self, *_index: Any) -> None:
        now = self.currentNodeID
        if now != self._announced:
            self._announced = now
            node = self.currentNode()
            self.currentNodeChanged.emit(node)
            self.currentNodeChangedToAny.emit(node is not None)
            self.currentNodeIDChanged.emit(now)

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self.currentNodeID) if self._scene is not None and self.currentNodeID else None

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID("" if node is None else node if isinstance(node, str) else node.GetID())

    def setCurrentNodeID(self, identifier: str) -> None:
        index = self.findData(identifier)
        self.setCurrentIndex(index)

    def addAttribute(self, nodeType: str, name: str, value: str | None = None) -> None:
        self._attributes.append((nodeType, name, value))
        self._rebuild()

    def addNode(self, nodeType: str = "") -> Any:
        node = self._scene.AddNewNodeByClass(nodeType or self._types[0], self._base_name)
        self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def nodeCount(self) -> int:
        return len(self.nodes())

    def _set(self, name: str, value: Any) -> None:
        setattr(self, name, value)
        self._rebuild()

    def _flag(self, name: str, value: bool) -> None:
        self._flags[name] = value
        self._rebuild()

    nodeTypes = QtCore.Property("QStringList", lambda s: s._types, lambda s, v: s._set("_types", list(v)))
    hideChildNodeTypes = QtCore.Property(
        "QStringList", lambda s: s._hidden_types, lambda s, v: s._set("_hidden_types", list(v))
    )
    noneDisplay = QtCore.Property(str, lambda s: s._none_display, lambda s, v: s._set("_none_display", v))
    baseName = QtCore.Property(str, lambda s: s._base_name, lambda s, v: setattr(s, "_base_name", v))
    currentNodeID = QtCore.Property(str, lambda s: s.itemData(s.currentIndex) or "", setCurrentNodeID)
    noneEnabled = QtCore.Property(bool, lambda s: s._flags["noneEnabled"], lambda s, v: s._flag("noneEnabled", v))
    addEnabled = QtCore.Property(bool, lambda s: s._flags["addEnabled"], lambda s, v: s._flag("addEnabled", v))
    removeEnabled = QtCore.Property(bool, lambda s: s._flags["removeEnabled"], lambda s, v: s._flag("removeEnabled", v))
    editEnabled = QtCore.Property(bool, lambda s: s._flags["editEnabled"], lambda s, v: s._flag("editEnabled", v))
    renameEnabled = QtCore.Property(bool, lambda s: s._flags["renameEnabled"], lambda s, v: s._flag("renameEnabled", v))
    showHidden = QtCore.Property(bool, lambda s: s._flags["showHidden"], lambda s, v: s._flag("showHidden", v))
    showChildNodeTypes = QtCore.Property(
        bool, lambda s: s._flags["showChildNodeTypes"], lambda s, v: s._flag("showChildNodeTypes", v)
    )
    selectNodeUponCreation = QtCore.Property(
        bool, lambda s: s._flags["selectNodeUponCreation"], lambda s, v: s._flag("selectNodeUponCreation", v)
    )


class qMRMLSegmentsTableView(QtWidgets.QTableWidget):
    """The segments of a segmentation node: colour and name, selection by ID."""

    STANDS_FOR_CPP = True
    SIGNATURES = {"selectionChanged(QItemSelection,QItemSelection)": "itemSelectionChanged"}

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._following = Following(self, "_refresh")
        self.setColumnCount(1)
        self.setHorizontalHeaderLabels(["Name"])
        self.horizontalHeader().setStretchLastSection(True)
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is None:
            self.setSegmentationNode(None)

    def setSegmentationNode(self, node: Any) -> None:
        self._node = node
        events = slicer.vtkSegmentation
        self._following.follow(node, events.SegmentAdded, events.SegmentRemoved, events.SegmentModified)
        self._refresh()

    def segmentationNode(self) -> Any:
        return self._node

    def _refresh(self) -> None:
        segmentation = None if self._node is None else self._node.GetSegmentation()
        identifiers = [] if segmentation is None else list(segmentation.GetSegmentIDs())
        self.setRowCount(len(identifiers))
        for row, identifier in enumerate(identifiers):
            item = QtWidgets.QTableWidgetItem(segmentation.GetSegment(identifier).GetName())
            item.setData(256, identifier)  # Qt.UserRole
            self.setItem(row, 0, item)

    def selectedSegmentIDs(self) -> list[str]:
        return [self.item(index.row(), 0).data(256) for index in self.selectionModel().selectedRows()]

    def setSelectedSegmentIDs(self, identifiers: list[str]) -> None:
        self.clearSelection()
        for row in range(self.rowCount):
            if self.item(row, 0).data(256) in identifiers:
                self.selectRow(row)


class qMRMLSegmentationShow3DButton(QtWidgets.QPushButton):
    """Makes and shows the closed surfaces of a segmentation while it is pressed."""

    STANDS_FOR_CPP = True

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("Show 3D", parent)
        self._node: Any = None
        self.setCheckable(True)
        self.toggled.connect(self._toggle)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is None:
            self.setSegmentationNode(None)

    def setSegmentationNode(self, node: Any) -> None:
        self._node = node
        self.setEnabled(node is not None)
        with QtCore.QSignalBlocker(self):
            self.setChecked(node is not None and node.GetSegmentation().ContainsRepresentation("Closed surface"))

    def segmentationNode(self) -> Any:
        return self._node

    def _toggle(self, on: bool) -> None:
        if self._node is not None and on:
            self._node.CreateClosedSurfaceRepresentation()
        elif self._node is not None:
            self._node.RemoveClosedSurfaceRepresentation()


WIDGETS = (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentsTableView, qMRMLSegmentationShow3DButton)


def put_into(module: Any) -> None:
    """Add the widgets to the module ``slicer``, where Slicer has them."""
    for cls in WIDGETS:
        setattr(module, cls.__name__, cls)
    uiloader.register(*WIDGETS)
