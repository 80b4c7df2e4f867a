"""What leaves Slicer through other modules: DICOM by QuantitativeReporting, training cases by RenalAITraining."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from RenalAIScene.results import ct_of


def why_no_dicom(segmentation: Any) -> str | None:
    """Why a DICOM segmentation cannot be written, in words; None where it can."""
    ct = ct_of(segmentation)
    if ct is None:
        return _("The CT of this result is no longer in the scene.")
    if not ct.GetAttribute("DICOM.instanceUIDs"):
        return _("The CT was not loaded from the DICOM database, so there is no study to add to.")
    if find_spec("DICOMSegmentationPlugin") is None:
        return _("Install the extension QuantitativeReporting; it writes DICOM segmentations.")
    return None


def write_dicom(segmentation: Any, folder: Path) -> Path:
    """Writes a DICOM SEG object into ``folder``, with the terminology and algorithm that the segments carry.

    Raises:
        RuntimeError: it cannot be written, with the reason.
    """
    reason = why_no_dicom(segmentation)
    if reason is not None:
        raise RuntimeError(reason)
    import DICOMSegmentationPlugin

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    plugin = DICOMSegmentationPlugin.DICOMSegmentationPluginClass()
    exportables = plugin.examineForExport(hierarchy.GetItemByDataNode(segmentation))
    if not exportables:
        raise RuntimeError(_("QuantitativeReporting cannot export this segmentation."))
    folder.mkdir(parents=True, exist_ok=True)
    for exportable in exportables:
        exportable.directory = str(folder)
    problem = plugin.export(exportables)
    if problem:
        raise RuntimeError(problem)
    return folder


def why_no_training(segmentation: Any) -> str | None:
    """Why the case cannot be handed to the training module, in words; None where it can."""
    if getattr(slicer.modules, "renalaitraining", None) is None:
        return _("The module RenalAITraining is not installed.")
    if ct_of(segmentation) is None:
        return _("The CT of this result is no longer in the scene.")
    return None


def add_to_training(segmentation: Any) -> None:
    """Hands the CT and its segmentation, as corrected, to the training module."""
    import RenalAITraining

    RenalAITraining.RenalAITrainingLogic().addCase(ct_of(segmentation), segmentation)
