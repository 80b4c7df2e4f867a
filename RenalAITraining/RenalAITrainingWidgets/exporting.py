"""From the scene to the add job: who the patient is becomes a pseudonym here, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from RenalAILib.errors import InputError
from RenalAILib.pseudonyms import Pseudonyms
from RenalAILib.volume import Volume
from RenalAIScene.reference import corrected_labels, reference_labels
from RenalAIScene.results import matches as matches_of
from RenalAIScene.resultsegmentation import findings
from RenalAIScene.volumes import volume_of
from RenalAITrainingLib.dataset.deidentified import reader_word
from RenalAITrainingLib.jobs.adding import AddCaseJob

HASHED_VOXELS = 500_000


def labels_of(ct: Any, segmentation: Any, matches: Mapping[str, Any] | None = None) -> Volume:
    """A segmentation as label values on the CT's grid; overlaps by ``RenalAIScene.reference.PAINT_ORDER``.

    Args:
        ct: the CT's node.
        segmentation: drawn by hand, or a result of RenalAI, whose corrections count as the radiologist made them.
        matches: what the segments are; as the user said, else guessed, where not given.

    Raises:
        InputError: no segment is matched, or the two do not lie at one place.
    """
    grid = volume_of(ct)
    if matches is None and findings(segmentation) is not None:
        voxels = corrected_labels(segmentation, ct)
    else:
        voxels = reference_labels(segmentation, matches_of(segmentation) if matches is None else matches, ct)
    return grid.with_voxels(voxels)


def patient_of(ct: Any) -> str:
    """What names the patient of a CT from the DICOM database; empty for another CT."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(ct)
    patient = hierarchy.GetItemAncestorAtLevel(item, "Patient") if item else 0
    return str(hierarchy.GetItemAttribute(patient, "DICOM.PatientID")) if patient else ""


def case_name(ct: Any, dataset: Path, patient: str = "") -> str:
    """The pseudonym of a CT in a dataset: the same for the same voxels and patient, whoever reads it.

    Args:
        ct: the CT's node.
        dataset: its folder.
        patient: what names the patient; by default DICOM's patient ID, and without one the scan stands for itself.

    Raises:
        InputError: the secret of the pseudonyms cannot be used.
    """
    scan = _fingerprint(volume_of(ct))
    identity = patient.strip() or patient_of(ct) or f"scan {scan}"
    return Pseudonyms.of_user(dataset).case(identity, scan)


def case_job(
    ct: Any,
    labels: Volume,
    dataset: Path,
    reader: str,
    patient: str = "",
    *,
    phase: str = "unknown",
    source: str = "unknown",
    licence: str = "unknown",
    histologies: Sequence[str] = (),
) -> AddCaseJob:
    """The job that adds a CT and a reader's labels to a dataset.

    Raises:
        InputError: the reader's word or the dataset's folder cannot be used.
    """
    if not str(dataset).strip() or str(dataset) == ".":
        raise InputError(_("Choose the folder of the dataset."))
    return AddCaseJob(
        dataset,
        case_name(ct, dataset, patient),
        volume_of(ct),
        labels,
        reader_word(reader),
        datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        phase=phase,
        source=source,
        licence=licence,
        histologies=tuple(histologies),
    )


def _fingerprint(volume: Volume) -> str:
    """Digest of a CT's grid and of some hundred thousand of its voxels."""
    step = max(1, volume.voxels.size // HASHED_VOXELS)
    digest = hashlib.sha256(repr((volume.shape, np.round(volume.ijk_to_ras, 4).tolist())).encode())
    digest.update(np.ascontiguousarray(volume.voxels.reshape(-1)[::step]).astype("<i4").tobytes())
    return digest.hexdigest()
