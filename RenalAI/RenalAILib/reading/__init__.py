"""Reading: files to :class:`~RenalAILib.volume.Volume`. What cannot be a CT is refused in one sentence."""

from __future__ import annotations

from .dicom_archive import opened
from .dicom_series import Series, described, list_series, phase_name
from .files import PhaseScan, Scan, read_ct, read_labels, read_phases, read_thinned, read_volume
from .plausibility import check_ct

__all__ = [
    "PhaseScan",
    "Scan",
    "Series",
    "check_ct",
    "described",
    "list_series",
    "opened",
    "phase_name",
    "read_ct",
    "read_labels",
    "read_phases",
    "read_thinned",
    "read_volume",
]
