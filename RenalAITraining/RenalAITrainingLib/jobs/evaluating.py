"""The evaluate job: a bundle measured on a dataset, with the page of tables and figures."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from RenalAILib.steps import Report


@dataclass(frozen=True)
class EvaluateJob:
    """What ``renalai evaluate`` does; one that was cancelled goes on where it was.

    Attributes:
        dataset: its folder.
        part: of its split; empty for all cases.
        bundle: name or folder; empty for the shipped one.
        folder: of the report; absent, empty or an older report, which is replaced.
        fast: one network in place of an ensemble.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    task: ClassVar[str] = "RenalAITrainingLib.jobs.evaluating:EvaluateJob"

    dataset: Path
    part: str
    bundle: str
    folder: Path
    fast: bool = False
    device: str = "auto"

    def write(self, folder: Path) -> dict[str, Any]:
        return vars(self) | {"dataset": str(self.dataset), "folder": str(self.folder)}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> EvaluateJob:
        return cls(**fields | {"dataset": Path(fields["dataset"]), "folder": Path(fields["folder"])})

    def run(self, output: Path, report: Report) -> None:
        from RenalAILib.bundles.store import load_bundle
        from RenalAILib.writing.whole import check_replaceable

        from ..evaluation.pairs import dataset_of, select
        from ..evaluation.report_folder import FILES, write_report
        from ..evaluation.request import Request
        from ..evaluation.running import CaseStore, run_cases
        from ..evaluation.systems import BundleSystem
        from ..evaluation.without_segments import GIVES, evaluate_without_segments

        def told(stage: str, fraction: float, message: str) -> None:
            report("evaluate", 0.9 * fraction, message)

        bundle = load_bundle(self.bundle or None)
        if bundle.pipeline in GIVES:
            request = Request(self.dataset, self.part or None, self.folder, self.device, self.fast)
            evaluate_without_segments(request, [bundle], told)
            shutil.copyfile(self.folder / "evaluation.json", output / "evaluation.json")
            return
        check_replaceable(self.folder, FILES)
        system = BundleSystem(bundle, device=self.device, fast=self.fast, dataset=dataset_of(self.dataset))
        selection = select(self.dataset, self.part or None).with_sinus()  # as RenalAI's own networks are taught
        kept = self.folder.resolve().with_name(self.folder.resolve().name + ".unfinished")
        run = run_cases(selection.pairs, system, CaseStore(kept), told)
        report("evaluate", 0.95, "Drawing tables and figures")
        write_report(selection, self.part or None, [run], self.folder)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copyfile(self.folder / "evaluation.json", output / "evaluation.json")

    def load(self, output: Path) -> dict[str, Any]:
        """The content of ``evaluation.json``."""
        content: dict[str, Any] = json.loads((output / "evaluation.json").read_text(encoding="utf-8"))
        return content
