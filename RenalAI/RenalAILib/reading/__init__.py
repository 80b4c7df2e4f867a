"""Reading: files to :class:`~RenalAILib.volume.Volume`. What cannot be a CT is refused in one sentence."""

from __future__ import annotations

from .dicom_series import Series, list_series
from .files import Scan, read_ct, read_labels, read_volume
from .plausibility import check_ct

__all__ = ["Scan", "Series", "check_ct", "list_series", "read_ct", "read_labels", "read_volume"]
