"""``slicer.app``: a QApplication with what the modules ask of Slicer's."""

from __future__ import annotations

import os
import tempfile
from types import SimpleNamespace
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from . import mrml
from .fileio import IOManager
from .qtmodule import Settings


class Application(QtWidgets.QApplication):
    """One per process."""

    SIGNATURES = {"startupCompleted()": "startupCompleted"}
    startupCompleted = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self._directory = tempfile.TemporaryDirectory(prefix="slicerdouble-")
        self.temporaryPath = self._directory.name
        self.slicerHome = self._directory.name
        self.applicationVersion = "5.13.0-double"
        self.revision = "double"
        self.majorVersion, self.minorVersion = 5, 13
        self.setApplicationName("Slicer")
        self.testing = True
        self.renders_paused = 0
        self._scene, self._logic = mrml.create_scene(os.path.join(self.temporaryPath, "cache"))
        self._layout = LayoutManager(self._scene, self._logic)
        self._io = IOManager(self._scene)
        self._modules = ModuleManager()

    def testingEnabled(self) -> bool:
        return self.testing

    def translate(self, context: str, text: str, *_more: Any) -> str:
        return text

    def applicationLogic(self) -> Any:
        return self._logic

    def mrmlScene(self) -> Any:
        return self._scene

    def layoutManager(self) -> LayoutManager:
        return self._layout

    def coreIOManager(self) -> IOManager:
        return self._io

    ioManager = coreIOManager

    def moduleManager(self) -> ModuleManager:
        return self._modules

    def settings(self) -> Settings:
        return Settings()

    userSettings = revisionUserSettings = settings

    def commandOptions(self) -> Any:
        return SimpleNamespace(noMainWindow=True, testingEnabled=self.testing)

    def startupEnvironment(self) -> dict[str, str]:
        return dict(os.environ)

    def pauseRender(self) -> None:
        self.renders_paused += 1

    def resumeRender(self) -> None:
        self.renders_paused -= 1


class ModuleManager(QtCore.QObject):
    """``slicer.app.moduleManager()``."""

    SIGNATURES = {"moduleAboutToBeUnloaded(QString)": "moduleAboutToBeUnloaded"}
    moduleAboutToBeUnloaded = QtCore.Signal(str)

    def module(self, name: str) -> Any:
        return getattr(slicer.modules, name.lower(), None)

    def factoryManager(self) -> Any:
        return SimpleNamespace(loadedModuleNames=lambda: sorted(m.name for m in vars(slicer.modules).values()))


class LayoutManager(QtCore.QObject):
    """Three slice views and a 3-D view as nodes and logics; nothing is drawn (see the scene tests' views for that)."""

    SIGNATURES = {"layoutChanged(int)": "layoutChanged"}
    layoutChanged = QtCore.Signal(int)
    SLICES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}

    def __init__(self, scene: Any, application: Any) -> None:
        super().__init__()
        self._slices: dict[str, Any] = {}
        for name, orientation in self.SLICES.items():
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(application)
            application.GetSliceLogics().AddItem(logic)
            logic.SetMRMLScene(scene)
            logic.AddSliceNode(name).SetOrientation(orientation)
            self._slices[name] = logic
        self._three = slicer.vtkMRMLViewLogic()
        self._three.SetMRMLApplicationLogic(application)
        self._three.SetMRMLScene(scene)
        application.GetViewLogics().AddItem(self._three)
        self._view = self._three.AddViewNode("View1")  # kept: the logic forgets it when the scene is cleared
        self._application = application
        self.layout = 3
        self.resets: list[str] = []
        self.threeDViewCount, self.tableViewCount, self.plotViewCount = 1, 0, 0

    def sliceViewNames(self) -> tuple[str, ...]:
        return tuple(self.SLICES)

    def sliceWidget(self, name: str) -> Any:
        logic = self._slices[name]
        return SimpleNamespace(
            sliceLogic=lambda: logic,
            mrmlSliceNode=logic.GetSliceNode,
            mrmlSliceCompositeNode=logic.GetSliceCompositeNode,
        )

    def mrmlSliceLogics(self) -> Any:
        return self._application.GetSliceLogics()

    def threeDWidget(self, index: int) -> Any:
        view = SimpleNamespace(
            mrmlViewNode=lambda: self._view,
            resetFocalPoint=lambda: self.resets.append("focal"),
            resetCamera=lambda: self.resets.append("camera"),
        )
        return SimpleNamespace(threeDView=lambda: view, mrmlViewNode=lambda: self._view)

    def setLayout(self, layout: int) -> None:
        self.layout = layout
        self.layoutChanged.emit(layout)

    def resetThreeDViews(self) -> None:
        self.resets.append("three-d")

    def resetSliceViews(self) -> None:
        self.resets.append("slices")
        for logic in self._slices.values():
            logic.FitSliceToBackground()
