"""The basic profile of PS3.15, table E.1-1, and the options of it that are offered.

The table is that of dicom-anonymizer (Kitware), which generates it from the standard. Its own program is not used: it
leaves sequences that the table does not name as they are, and draws UIDs at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from ...errors import InputError
from ...terminology import Code

EDITION = "2026c"


class Action(Enum):
    """What is done to an attribute; where the table leaves a choice by object, the one that keeps objects readable."""

    REMOVE = "removed"  # X
    EMPTY = "emptied"  # Z, X/Z
    DUMMY = "replaced"  # D, Z/D, X/D, X/Z/D
    UID = "UID replaced"  # U
    REFER = "references replaced"  # X/Z/U*


class Dates(Enum):
    """Moved by a number of days that is the patient's own, or removed."""

    SHIFT = "shift"
    REMOVE = "remove"


@dataclass(frozen=True)
class Options:
    """Options of the profile (PS3.15 E.3). Structured content and graphics are always cleaned.

    Attributes:
        dates: SHIFT is "Retain Longitudinal Temporal Information With Modified Dates".
        keep_descriptions: of series, study and protocol, the words of a closed list ("Clean Descriptors").
        keep_patient: sex, age (90 years and above as 90), size and weight ("Retain Patient Characteristics").
    """

    dates: Dates = Dates.SHIFT
    keep_descriptions: bool = False
    keep_patient: bool = False

    @property
    def codes(self) -> tuple[Code, ...]:
        """For the De-identification Method Code Sequence (PS3.16 CID 7050)."""
        found = [
            Code("DCM", "113100", "Basic Application Confidentiality Profile"),
            Code("DCM", "113103", "Clean Graphics Option"),
            Code("DCM", "113104", "Clean Structured Content Option"),
        ]
        if self.keep_descriptions:
            found.append(Code("DCM", "113105", "Clean Descriptors Option"))
        if self.dates is Dates.SHIFT:
            found.append(Code("DCM", "113107", "Retain Longitudinal Temporal Information Modified Dates Option"))
        if self.keep_patient:
            found.append(Code("DCM", "113108", "Retain Patient Characteristics Option"))
        return tuple(found)


_ACTIONS = {
    "X_TAGS": Action.REMOVE,
    "Z_TAGS": Action.EMPTY,
    "X_Z_TAGS": Action.EMPTY,
    "D_TAGS": Action.DUMMY,
    "Z_D_TAGS": Action.DUMMY,
    "X_D_TAGS": Action.DUMMY,
    "X_Z_D_TAGS": Action.DUMMY,
    "U_TAGS": Action.UID,
    "X_Z_U_STAR_TAGS": Action.REFER,
}


@cache
def profile() -> Mapping[tuple[int, int], Action]:
    """The action by tag. Curves, overlays and private attributes, which have no single tag, are not in it.

    Raises:
        InputError: dicom-anonymizer is not installed.
    """
    try:
        from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
    except ModuleNotFoundError as problem:
        raise InputError(
            f"de-identification needs the package dicom-anonymizer ({problem.name} is missing):"
            " pip install 'renalai[dicom]'"
        ) from problem
    table = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    return {(tag[0], tag[1]): action for name, action in _ACTIONS.items() for tag in table[name] if len(tag) == 2}
