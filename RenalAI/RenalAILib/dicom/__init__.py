"""DICOM objects of a result, for the study that the CT came from. Reading DICOM is the business of ``reading``."""

from __future__ import annotations
