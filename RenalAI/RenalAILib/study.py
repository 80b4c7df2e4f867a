"""Study: a CT's file or folder in, its result folder out; what the command, the demonstration and a batch do alike."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from .bundle_store import load_bundle
from .cascade.pipeline import segment
from .cascade.steps import Progress
from .findings import Findings, Outcome
from .reading import read_ct
from .report import FILES, write_outcome
from .writing import check_replaceable


def segment_study(
    source: Path,
    output: Path,
    *,
    bundle: str | None = None,
    device: str = "auto",
    fast: bool = False,
    series: str | None = None,
    second_phase: Path | None = None,
    report: Progress,
) -> tuple[Outcome, dict[str, Path]]:
    """Read, segment and write one study; what can be refused is refused before the work starts.

    Returns:
        the outcome, and the files written by name.

    Raises:
        InputError: bad input, an unknown bundle or device, an output that cannot be written.
    """
    check_replaceable(output, FILES)
    weights = load_bundle(bundle)
    begin = time.perf_counter()
    scan = read_ct(source, series=series)
    notes = scan.notes
    second = None
    if second_phase is not None:
        second_scan = read_ct(second_phase)
        second, notes = second_scan.volume, (*notes, *second_scan.notes)
    read_s = time.perf_counter() - begin
    report("read", 0.0, f"Read {scan.volume.name}")
    outcome = segment(scan.volume, weights, device=device, fast=fast, second_phase=second, progress=report)
    outcome = replace(outcome, findings=_with_reading(outcome.findings, notes, read_s))
    return outcome, write_outcome(outcome, output)


def _with_reading(findings: Findings, notes: tuple[str, ...], read_s: float) -> Findings:
    timings = {"read": round(read_s, 3), **findings.timings_s}
    timings["total"] = timings.get("total", 0.0) + read_s
    return replace(findings, warnings=(*notes, *findings.warnings), timings_s=timings)
