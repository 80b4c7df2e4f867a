"""The compare job: how a prediction agrees with a reference."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..steps import Report
from ..volume import Volume
from .arrays import read_volume, write_volume


@dataclass(frozen=True)
class CompareJob:
    """What ``renalai compare`` measures.

    Attributes:
        prediction: label values of :class:`RenalAILib.labels.Label`.
        reference: likewise, on the same grid.
    """

    task: ClassVar[str] = "compare"

    prediction: Volume
    reference: Volume

    def write(self, folder: Path) -> dict[str, Any]:
        return {
            "prediction": write_volume(self.prediction, folder, "prediction"),
            "reference": write_volume(self.reference, folder, "reference"),
        }

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> CompareJob:
        return cls(read_volume(fields["prediction"], folder), read_volume(fields["reference"], folder))

    def run(self, output: Path, report: Report) -> None:
        from ..compare import compare_labels

        report("compare", 0.1, self.reference.name)
        agreement = compare_labels(self.prediction, self.reference)
        (output / "agreement.json").write_text(json.dumps(agreement.to_json(), indent=1), encoding="utf-8")

    def load(self, output: Path) -> dict[str, Any]:
        """The content of ``agreement.json``."""
        agreement: dict[str, Any] = json.loads((output / "agreement.json").read_text(encoding="utf-8"))
        return agreement
