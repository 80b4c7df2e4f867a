"""highdicom, which writes DICOM objects: an extra that the engine works without."""

from __future__ import annotations

from typing import Any

from ..errors import InputError


def highdicom() -> Any:
    """The package, imported with its part for segmentations.

    Raises:
        InputError: it is not installed.
    """
    try:
        import highdicom
        import highdicom.seg
    except ModuleNotFoundError as problem:
        raise InputError(
            f"DICOM segmentations need the package highdicom ({problem.name} is missing): pip install 'renalai[dicom]'"
        ) from problem
    return highdicom
