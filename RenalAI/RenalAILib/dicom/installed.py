"""highdicom, which writes DICOM objects: an extra that the engine works without."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import InputError


def highdicom() -> Any:
    """The package, imported with its parts for segmentations, structured reports and parametric maps.

    Raises:
        InputError: it is not installed.
    """
    try:
        import highdicom
        import highdicom.pm
        import highdicom.seg
        import highdicom.sr
    except ModuleNotFoundError as problem:
        raise InputError(
            f"DICOM results need the package highdicom ({problem.name} is missing): pip install 'renalai[dicom]'"
        ) from problem
    return highdicom


@contextmanager
def names_unspoken() -> Iterator[None]:
    """highdicom warns of names without a caret by quoting them: a patient's name belongs into no log."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The string .* is unlikely to represent the intended person name")
        yield
