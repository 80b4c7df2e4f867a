"""What Slicer's four views would show, drawn offscreen by Slicer's own displayable managers.

The slices are those of the double's layout (Red axial, Green coronal, Yellow sagittal) with its 3-D view, so a picture
shows what the code under test did to them. Needs EGL or an X server; the first one says so where neither is.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

Pixels = npt.NDArray[np.uint8]
BARS = {"Red": (243, 74, 51), "Green": (110, 176, 75), "Yellow": (237, 213, 76), "3D": (120, 120, 200)}
BAR_PIXELS = 6


def _group(factory: Any, managers: Iterable[str], renderer: Any, node: Any) -> Any:
    """The displayable managers that draw the nodes of the scene into one renderer."""
    for name in managers:
        manager = f"vtkMRML{name}"
        if not factory.IsDisplayableManagerRegistered(manager):
            factory.RegisterDisplayableManager(manager)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(renderer)
    group.Initialize(factory, renderer)
    group.SetMRMLDisplayableNode(node)
    return group


class OffscreenView:
    """A window without a screen."""

    def __init__(self, size: int) -> None:
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(True)
        self.window.SetMultiSamples(0)
        self.window.SetSize(size, size)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.Initialize()  # without it the views stay empty

    def pixels(self) -> Pixels:
        """RGB, rows from the top, shape (size, size, 3)."""
        self.interactor.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        width, height, _one = grab.GetOutput().GetDimensions()
        flat = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars())
        return np.ascontiguousarray(flat.reshape(height, width, 3)[::-1])


class SliceView(OffscreenView):
    """One slice view: the grey image and whatever lies over it."""

    MANAGERS = ("SegmentationsDisplayableManager2D", "MarkupsDisplayableManager", "RulerDisplayableManager")

    def __init__(self, logic: Any, size: int) -> None:
        super().__init__(size)
        self.logic = logic
        # The image comes first: props are drawn in the order they were added, and a fill must lie over it.
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._image = vtk.vtkActor2D()
        self._image.SetMapper(self._mapper)
        self._image.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(self._image)
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._managers = _group(factory, self.MANAGERS, self.renderer, logic.GetSliceNode())

    def pixels(self) -> Pixels:
        self._mapper.SetInputConnection(self.logic.GetImageDataConnection())
        return super().pixels()


class SolidView(OffscreenView):
    """The 3-D view, from the front."""

    MANAGERS = ("CameraDisplayableManager", "ViewDisplayableManager", "ModelDisplayableManager",
                "SegmentationsDisplayableManager3D", "OrientationMarkerDisplayableManager")  # fmt: skip

    def __init__(self, node: Any, size: int) -> None:
        super().__init__(size)
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        node.SetOrientationMarkerType(node.OrientationMarkerTypeCube)
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        self._managers = _group(factory, self.MANAGERS, self.renderer, node)

    def pixels(self) -> Pixels:
        super().pixels()
        camera = self._managers.GetDisplayableManagerByClassName("vtkMRMLCameraDisplayableManager").GetCameraNode()
        camera.RotateTo(slicer.vtkMRMLCameraNode.Anterior)
        self.renderer.ResetCamera()
        return super().pixels()


class FourUp:
    """Slicer's usual layout: axial and 3-D above, coronal and sagittal below. Make one a process and keep it."""

    def __init__(self, size: int = 360) -> None:
        layout = slicer.app.layoutManager()
        self.size = size
        self.slices = {name: SliceView(layout.sliceWidget(name).sliceLogic(), size) for name in layout.sliceViewNames()}
        self.solid = SolidView(layout.threeDWidget(0).mrmlViewNode(), size)

    def look_at(
        self, volume: Any, ras: tuple[float, float, float] | None = None, field_mm: float | None = None
    ) -> None:
        """Show a volume through a point: the whole of it, or ``field_mm`` around that point."""
        slicer.util.setSliceViewerLayers(background=volume)
        for view in self.slices.values():
            view.logic.ResizeSliceNode(self.size, self.size)
            view.logic.FitSliceToBackground()
            node = view.logic.GetSliceNode()
            if field_mm is not None:
                node.SetFieldOfView(field_mm, field_mm, node.GetFieldOfView()[2])
            if ras is not None:
                jump = node.JumpSliceByOffsetting if field_mm is None else node.JumpSliceByCentering
                jump(*ras)

    def picture(self) -> Pixels:
        """All four, a bar in Slicer's colour over each."""
        tiles = {name: view.pixels() for name, view in self.slices.items()} | {"3D": self.solid.pixels()}
        for name, tile in tiles.items():
            tile[:BAR_PIXELS] = BARS[name]
        return np.vstack([np.hstack([tiles["Red"], tiles["3D"]]), np.hstack([tiles["Green"], tiles["Yellow"]])])


def write_png(pixels: Pixels, path: Path) -> None:
    """RGB pixels, rows from the top, as a PNG file."""
    image = vtk.vtkImageData()
    image.SetDimensions(pixels.shape[1], pixels.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(pixels[::-1]).reshape(-1, 3), deep=1))
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()
