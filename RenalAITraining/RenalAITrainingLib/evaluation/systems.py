"""Systems: who says something about a CT. A bundle that runs now, or results that lie there already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

from RenalAILib.bundles.bundle import Bundle
from RenalAILib.bundles.stages.phase_fusion import PhaseFusionStages
from RenalAILib.errors import InputError
from RenalAILib.findings import Findings
from RenalAILib.phases.scans import PhasedScan
from RenalAILib.pipelines.running import segment
from RenalAILib.reading import read_labels
from RenalAILib.volume import Volume

from ..dataset.case import Case
from ..dataset.folder import Dataset
from ..dataset.patient_phases import other_phases, scan_of
from .cases import Prediction
from .pairs import Pair

_LABELS, _FINDINGS = "labels.nii.gz", "findings.json"


class System(Protocol):
    """What is evaluated."""

    @property
    def name(self) -> str:
        """For headings."""

    def key(self, pair: Pair) -> str:
        """What its word on a case depends on, beside the case's own files: another text, another evaluation."""

    def predict(self, pair: Pair, ct: Volume) -> Prediction:
        """Its word on one case. Raises InputError."""


class BundleSystem:
    """The networks of a bundle, run on each case.

    Args:
        bundle: verified.
        device: ``auto``, ``cpu`` or ``cuda``.
        fast: one network in place of an ensemble.
        dataset: that the cases are of, where a bundle that fuses phases finds a patient's other scans.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        device: str = "auto",
        fast: bool = False,
        dataset: Dataset | None = None,
    ) -> None:
        self._bundle, self._device, self._fast = bundle, device, fast
        self._dataset = dataset if isinstance(bundle.stages, PhaseFusionStages) else None

    @property
    def name(self) -> str:
        return f"{self._bundle.name} {self._bundle.version}" + (" (fast)" if self._fast else "")

    def key(self, pair: Pair) -> str:
        others = ",".join(case.name for case in self._others(pair))
        return f"bundle {self._bundle.sha256} fast={self._fast}" + (f" with {others}" if others else "")

    def predict(self, pair: Pair, ct: Volume) -> Prediction:
        outcome = segment(ct, self._bundle, device=self._device, fast=self._fast, phases=self._scans(pair, ct))
        labels = Volume(outcome.labels, ct.ijk_to_ras, f"labels of {pair.case}")
        return Prediction(labels, outcome.findings, outcome.findings.timings_s["total"])

    def _others(self, pair: Pair) -> list[Case]:
        """The patient's scans in other phases that the bundle has networks for."""
        if self._dataset is None or pair.case not in self._dataset:
            return []
        assert isinstance(self._bundle.stages, PhaseFusionStages)
        return other_phases(self._dataset, self._dataset.case(pair.case), self._bundle.stages.phases)

    def _scans(self, pair: Pair, ct: Volume) -> list[PhasedScan]:
        """The CT and the others with the phases that the dataset says; none for bundles that know no phases."""
        if self._dataset is None or pair.case not in self._dataset:
            return []
        first = scan_of(self._dataset, self._dataset.case(pair.case), ct)
        return [first, *(scan_of(self._dataset, other) for other in self._others(pair))]


class ResultsSystem:
    """Results that lie there already: ``FOLDER/CASE/labels.nii.gz``, and ``findings.json`` beside it if there is one.

    Without findings there are no probabilities: masks of another program or of a second reader can be measured too.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder of results")
        self._folder = folder

    @property
    def name(self) -> str:
        return f"results in {self._folder.resolve().name}"

    def key(self, pair: Pair) -> str:
        folder = self._folder / pair.case
        stamps = [
            (path.name, status.st_size, status.st_mtime_ns)
            for path in (folder / _LABELS, folder / _FINDINGS)
            if path.is_file() and (status := path.stat())
        ]
        return f"results {folder.resolve()} {stamps}"

    def predict(self, pair: Pair, ct: Volume) -> Prediction:
        folder = self._folder / pair.case
        if not (folder / _LABELS).is_file():
            raise InputError(f"{self._folder} holds no result of {pair.case} ({folder / _LABELS} is missing)")
        labels = read_labels(folder / _LABELS)
        findings = _findings(folder / _FINDINGS) if (folder / _FINDINGS).is_file() else None
        return Prediction(labels, findings, findings.timings_s.get("total") if findings else None)


def _findings(path: Path) -> Findings:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Findings.from_json(data)
    except (OSError, ValueError, AttributeError) as problem:
        raise InputError(f"{path} cannot be read as findings ({problem})") from problem
