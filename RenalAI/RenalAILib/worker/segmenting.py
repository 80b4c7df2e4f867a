"""The segment job: one CT through a bundle's pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..findings import Outcome
from ..steps import Report
from ..volume import Volume
from .arrays import read_outcome, read_volume, write_outcome, write_volume


@dataclass(frozen=True)
class SegmentJob:
    """Kidneys and masses of one CT.

    Attributes:
        volume: the CT, in HU.
        second_phase: another contrast phase of the same patient, on any grid.
        bundle: a bundle's name or folder; empty for the default one.
        device: ``auto``, ``cpu`` or ``cuda``.
        fast: fewer networks for less time.
    """

    task: ClassVar[str] = "segment"

    volume: Volume
    second_phase: Volume | None = None
    bundle: str = ""
    device: str = "auto"
    fast: bool = False

    def write(self, folder: Path) -> dict[str, Any]:
        second = None if self.second_phase is None else write_volume(self.second_phase, folder, "second-phase")
        return {
            "volume": write_volume(self.volume, folder, "volume"),
            "second_phase": second,
            "bundle": self.bundle,
            "device": self.device,
            "fast": self.fast,
        }

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> SegmentJob:
        second = fields.get("second_phase")
        return cls(
            read_volume(fields["volume"], folder),
            None if second is None else read_volume(second, folder),
            str(fields.get("bundle", "")),
            str(fields.get("device", "auto")),
            bool(fields.get("fast", False)),
        )

    def run(self, output: Path, report: Report) -> None:
        from ..bundles.store import load_bundle
        from ..pipelines.running import segment
        from ..reading import check_ct

        def within(stage: str, fraction: float, message: str) -> None:
            report(stage, 0.02 + 0.93 * fraction, message)

        report("read", 0.0, self.volume.name)
        for volume in (self.volume, self.second_phase):
            if volume is not None:  # a file was checked when it was read; what comes from a Slicer scene was not
                check_ct(volume)
        outcome = segment(
            self.volume,
            load_bundle(self.bundle or None),
            device=self.device,
            fast=self.fast,
            second_phase=self.second_phase,
            progress=within,
        )
        report("write", 0.95, "")
        write_outcome(outcome, output)

    def load(self, output: Path) -> Outcome:
        return read_outcome(self.volume, output)
