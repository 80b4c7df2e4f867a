"""The parameter node: what the user chose, kept in the scene. Each parameter has one widget in ``RenalAI.ui``."""

# No `from __future__ import annotations`: the wrapper needs the types themselves.

import enum
import pathlib
from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


class Mode(enum.Enum):
    """How much time the networks may take. Scenes store the names: never rename one."""

    ACCURATE = "accurate"
    FAST = "fast"

    def label(self) -> str:
        return {Mode.ACCURATE: _("Accurate"), Mode.FAST: _("Fast")}[self]


class Device(enum.Enum):
    """Where the networks run; values as the engine has them."""

    AUTO = "auto"
    GPU = "cuda"
    CPU = "cpu"

    def label(self) -> str:
        return {Device.AUTO: _("Auto"), Device.GPU: _("GPU"), Device.CPU: _("CPU")}[self]


class Overlay(enum.Enum):
    """How prediction and manual segmentation are shown together."""

    PREDICTION = "prediction"
    OUTLINES = "outlines"
    AGREEMENT = "agreement"

    def label(self) -> str:
        return {
            Overlay.PREDICTION: _("Prediction only"),
            Overlay.OUTLINES: _("Outlines"),
            Overlay.AGREEMENT: _("Agreement"),
        }[self]


@parameterNodeWrapper
class RenalAIParameterNode:
    """Everything the panel remembers.

    Attributes:
        inputVolume: the CT.
        secondPhase: another phase of the same patient, or None.
        manualSegmentation: what to compare with, or None.
        bundle: name or folder of the model; empty for the shipped one.
        mode: fast or accurate.
        device: where the networks run.
        result: the segmentation whose findings are shown.
        overlay: how prediction and manual segmentation are shown together.
        overlayOpacity: of that display.
        showSaliency: whether the Grad-CAM of the chosen mass lies over the CT.
        saliencyOpacity: of that map.
        saliencyThreshold: weaker places of it stay uncoloured.
        exportFolder: where exports go, each in a folder of its own.
        exportReport: whether to write HTML, CSV, JSON and label map.
        exportPdf: whether to print the report to PDF.
        exportSegmentation: whether to write ``.seg.nrrd``.
        exportDicom: whether to write a DICOM segmentation.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    secondPhase: vtkMRMLScalarVolumeNode
    manualSegmentation: vtkMRMLSegmentationNode
    bundle: str = ""
    mode: Mode = Mode.ACCURATE
    device: Device = Device.AUTO
    result: vtkMRMLSegmentationNode
    overlay: Overlay = Overlay.PREDICTION
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    showSaliency: bool = False
    saliencyOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    saliencyThreshold: Annotated[float, WithinRange(0.0, 1.0)] = 0.3
    exportFolder: pathlib.Path = pathlib.Path.home() / "RenalAI"
    exportReport: bool = True
    exportPdf: bool = False
    exportSegmentation: bool = True
    exportDicom: bool = False
