"""The audit: what was done with which rules, and what was not written and why. It names nobody."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ...version import __version__
from .profile import EDITION, Options

SCHEMA = "renalai.deidentification/1"


@dataclass(frozen=True)
class PatientAudit:
    """What was done with one patient's files; seconds with reading and writing."""

    pseudonym: str
    studies: int
    files: int
    left_out: int
    seconds: float


@dataclass(frozen=True)
class Audit:
    """Counts of a whole run.

    Attributes:
        left_out: files not written, by reason.
        warnings: files to look at, by what for.
        done: how often what was done to which attribute; no values.
    """

    options: Options
    patients: list[PatientAudit] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    done: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def written(self) -> int:
        """Files in the output, the audit itself not counted."""
        return sum(patient.files for patient in self.patients)

    def to_json(self) -> str:
        """Plain JSON, sorted, the same for the same files but for the seconds."""
        return json.dumps(self._content(), indent=1, ensure_ascii=False) + "\n"

    def _content(self) -> dict[str, Any]:
        from importlib.metadata import version

        attributes: dict[str, dict[str, int]] = {}
        for (keyword, what), count in sorted(self.done.items()):
            attributes.setdefault(keyword, {})[what] = count
        return {
            "schema": SCHEMA,
            "made_by": f"RenalAI {__version__}",
            "profile": f"DICOM PS3.15 {EDITION}, table E.1-1, from dicom-anonymizer {version('dicom_anonymizer')}",
            "methods": [{"code": code.value, "meaning": code.meaning} for code in self.options.codes],
            "files_written": self.written,
            "files_left_out": dict(sorted(self.left_out.items())),
            "look_at": dict(sorted(self.warnings.items())),
            "patients": [vars(patient) for patient in self.patients],
            "attributes": attributes,
        }
