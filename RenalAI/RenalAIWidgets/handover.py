"""What leaves Slicer with the help of others: DICOM and training cases."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAIScene.results import ct_of


def why_no_dicom(segmentation: Any) -> str | None:
    """Why a DICOM segmentation cannot be written, in words; None where it can."""
    ct = ct_of(segmentation)
    if ct is None:
        return _("The CT of this result is no longer in the scene.")
    if not ct.GetAttribute("DICOM.instanceUIDs"):
        return _("The CT was not loaded from the DICOM database, so there is no study to add to.")
    if not has_highdicom():
        if find_spec("DICOMSegmentationPlugin") is not None:
            return None
        return _(
            "Install the Python package highdicom, which writes segmentations and measurements as DICOM: "
            "slicer.util.pip_install('highdicom'); or the extension QuantitativeReporting, for segmentations alone."
        )
    first = ct.GetAttribute("DICOM.instanceUIDs").split()[
        0
    ]  # all of them only on Export: this is asked at every change
    if not slicer.dicomDatabase.fileForInstance(first):
        return _("The files of the CT are no longer in the DICOM database. Import the study again.")
    return None


def has_highdicom() -> bool:
    """Whether the engine can write DICOM objects; without it QuantitativeReporting may write the segmentation."""
    return find_spec("highdicom") is not None


def source_files(ct: Any) -> tuple[Path, ...]:
    """The DICOM files that a CT was loaded from, by Slicer's DICOM database.

    Raises:
        InputError: the CT was not loaded from there, or files are no longer there; the text is for the user.
    """
    uids = (ct.GetAttribute("DICOM.instanceUIDs") or "").split()
    if not uids:
        raise InputError(_("The CT was not loaded from the DICOM database, so there is no study to add to."))
    database = slicer.dicomDatabase
    files = [database.fileForInstance(uid) for uid in uids]
    gone = sum(not file or not Path(file).is_file() for file in files)
    if gone:
        text = _(
            "{gone} of the {all} DICOM files of the CT are no longer in the DICOM database. Import the study again."
        )
        raise InputError(text.format(gone=gone, all=len(files)))
    return tuple(Path(file) for file in files)


def write_dicom(segmentation: Any, folder: Path) -> Path:
    """QuantitativeReporting writes a DICOM SEG object into ``folder``, with the terminology the segments carry.

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


def add_to_training(segmentation: Any) -> str:
    """Hands the CT and its segmentation, as corrected, to the training module; what became of it, in words."""
    import RenalAITraining

    answer = RenalAITraining.RenalAITrainingLogic().addCase(ct_of(segmentation), segmentation)
    text = _("{case} is in the training dataset, one of {cases}.")
    return text.format(case=answer["case"], cases=answer["cases"])
