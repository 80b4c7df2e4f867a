"""De-identification of DICOM by the basic profile of PS3.15 and its options: files in, files without names out.

:mod:`.profile` holds what the standard says of each attribute, :mod:`.cleaning` does it to one data set, :mod:`.terms`
knows the patient's names and numbers and looks whether one is left, :mod:`.pixels` looks at what the pixels may tell,
:mod:`.folder` goes through a folder and writes the audit.
"""

from __future__ import annotations

from .audit import Audit
from .folder import deidentify
from .profile import Dates, Options

__all__ = ["Audit", "Dates", "Options", "deidentify"]
