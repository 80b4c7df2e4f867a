"""Study: a CT's file or folder in, its result folder out; what the command, the demonstration and a batch do alike."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..bundles.bundle import Bundle
from ..bundles.store import load_bundle
from ..dicom.installed import highdicom
from ..dicom.results import dicom_writers
from ..dicom.source_images import read_source_images
from ..errors import InputError
from ..findings import Findings, Outcome
from ..phases.measuring import OtherPhase, PhaseTable, measure_phases
from ..phases.scans import PhasedScan
from ..pipelines.running import segment
from ..reading import PhaseScan, opened, read_ct, read_phases
from ..reading.dicom_series import is_dicom
from ..report import OWNED, PHASES, write_outcome
from ..steps import Report
from ..writing.whole import check_replaceable, write_text

_NOTHING = "No DICOM result was written: there is no kidney and no mass to put into one."


def segment_study(
    source: str | Path,
    output: str | Path,
    *,
    bundle: str | Bundle | None = None,
    device: str = "auto",
    fast: bool = False,
    series: str | None = None,
    second_phase: str | Path | None = None,
    phases: bool = False,
    dicom: bool = False,
    report: Report | None = None,
) -> tuple[Outcome, dict[str, Path]]:
    """Read, segment and write one study; what can be refused is refused before the work starts.

    ``dicom`` adds ``segmentation.dcm``, ``measurements.dcm`` and ``gradcam.dcm`` to the result of a CT read from DICOM
    (see :func:`.dicom.results.dicom_writers`). Where neither kidney nor mass is found, there is nothing to put into
    them; a warning in the findings says so. ``phases`` measures what was found in all contrast phases of the study and
    adds ``phases.json`` (see :func:`.phases.measuring.measure_phases`).

    Args:
        source: a file or a folder; a zip file or a DICOMDIR stands for the folder in it or around it.
        report: told of each step, as :func:`.pipelines.running.segment` tells it.

    Returns:
        the outcome, and the files written by name.

    Example:
        >>> import tempfile
        >>> from RenalAILib.phantom import make_phantom
        >>> from RenalAILib.report.nifti import nifti_ct
        >>> made = make_phantom(7, shape=(92, 160, 192), spacing_mm=(3.0, 2.0, 2.0)).volume
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     scan = Path(folder, "scan.nii.gz")
        ...     _ = scan.write_bytes(nifti_ct(made, "a phantom"))
        ...     outcome, files = segment_study(scan, Path(folder, "result"), bundle="zhao2023-demo", fast=True)
        >>> len(outcome.findings.kidneys), files["report.html"].name
        (2, 'report.html')

    Raises:
        InputError: bad input, an unknown bundle or device, an output that cannot be written, or DICOM results or phases
            asked for where the CT is no DICOM or a package is missing.
    """
    source, output = Path(source), Path(output)
    report = report or _silently
    check_replaceable(output, OWNED)
    if phases and second_phase is not None:
        raise InputError("the phases of a study and a second phase from elsewhere cannot both be measured")
    weights = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    begin = time.perf_counter()
    with opened(source) as place:
        if dicom:
            _check_dicom(place)
        scans = read_phases(place, series=series) if phases else []
        scan = scans[0].scan if phases else read_ct(place, series=series)
        source_images = None
        if dicom:
            source_images = read_source_images(scan.slices)  # what it lacks is told now, not after the networks
    notes, second = scan.notes, None
    if second_phase is not None:
        second_scan = read_ct(second_phase)
        second, notes = second_scan.volume, (*notes, *second_scan.notes)
    read_s = time.perf_counter() - begin
    report("read", 0.0, f"Read {scan.volume.name}")
    known = [PhasedScan(one.label, one.guess.phase.value, one.scan.volume) for one in scans]
    outcome = segment(
        scan.volume, weights, device=device, fast=fast, second_phase=second, phases=known, progress=report
    )
    outcome = replace(outcome, findings=_with_reading(outcome.findings, notes, read_s))
    more: dict[str, Callable[[Outcome, Path], None]] = {}
    if phases:
        outcome, table = _in_all_phases(outcome, scans, report)
        text = json.dumps(table.to_json(), indent=1) + "\n"
        more[PHASES] = lambda _, path: write_text(path, text)
    if source_images is not None:
        objects = dicom_writers(outcome, source_images)
        if not objects:
            outcome = _warned(outcome, _NOTHING)
        more |= objects
    return outcome, write_outcome(outcome, output, more=more)


def _silently(stage: str, fraction: float, message: str) -> None:
    """Progress that nobody asked for."""


def _in_all_phases(outcome: Outcome, scans: Sequence[PhaseScan], report: Report) -> tuple[Outcome, PhaseTable]:
    begin = time.perf_counter()
    first, *others = scans
    outcome, table = measure_phases(
        outcome,
        first.label,
        first.guess,
        [OtherPhase(other.label, other.guess, other.scan.volume) for other in others],
        lambda _, sentence: report("phases", 1.0, sentence),
    )
    seconds = time.perf_counter() - begin
    timings = dict(outcome.findings.timings_s)
    timings |= {"phases": round(seconds, 3), "total": timings.get("total", 0.0) + seconds}
    return replace(outcome, findings=replace(outcome.findings, timings_s=timings)), table


def _warned(outcome: Outcome, sentence: str) -> Outcome:
    return replace(outcome, findings=replace(outcome.findings, warnings=(*outcome.findings.warnings, sentence)))


def _check_dicom(source: Path) -> None:
    highdicom()
    if source.is_file() and not is_dicom(source):
        raise InputError(f"{source.name} is no DICOM; DICOM results need a CT read from a folder of DICOM files")


def _with_reading(findings: Findings, notes: tuple[str, ...], read_s: float) -> Findings:
    timings = {"read": round(read_s, 3), **findings.timings_s}
    timings["total"] = timings.get("total", 0.0) + read_s
    return replace(findings, warnings=(*notes, *findings.warnings), timings_s=timings)
