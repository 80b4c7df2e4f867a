"""The report: one folder of files from one outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..findings import Findings, Outcome
from ..pictures.figures import Figures
from ..radiologist.readings import Reading
from ..writing.whole import replaced_folder
from .html import report_html
from .nifti import nifti_fractions, nifti_labels
from .slicer_segmentation import seg_nrrd
from .table import csv_text

FILES = ("findings.json", "findings.csv", "labels.nii.gz", "segmentation.seg.nrrd", "report.html", "gradcam.nii.gz")
DICOM_FILES = ("segmentation.dcm", "measurements.dcm", "gradcam.dcm")  # where they were asked for
PHASES = "phases.json"  # where the phases of a study were measured
OWNED = (*FILES, *DICOM_FILES, PHASES)
"""Every name a result folder may hold."""
MOST_PICTURED = 12  # candidates with pictures of their own; the table has all
_LABELS = "RenalAI: 1 kidney R, 2 kidney L, 3 AML, 4 cystic, 5 solid, 6 unknown mass"
_GRADCAM = "RenalAI: Grad-CAM of every mass, 0 to 1 within its own patch"


def write_outcome(
    outcome: Outcome,
    folder: str | Path,
    *,
    readings: Sequence[Reading] | None = None,
    more: Mapping[str, Callable[[Outcome, Path], None]] | None = None,
) -> dict[str, Path]:
    """Writes the result folder, whole or not at all; an older result of RenalAI there is replaced.

    The files: ``findings.json`` (schema ``renalai.findings/1``, with the readings under ``readings``),
    ``findings.csv``, ``labels.nii.gz`` (values of ``Label``), ``segmentation.seg.nrrd`` (for 3D Slicer),
    ``report.html``, and ``gradcam.nii.gz`` where there is Grad-CAM: 0 to 1 (uint8, scaled by 1/255), the maximum where
    patches of two masses overlap. All images lie on the CT's own grid. The labels stay the engine's: readings stand
    beside them.

    In the files, ``timings_s`` has the seconds of writing (all but the last texts and the renaming) and a total that
    counts them.

    Args:
        outcome: of the engine.
        folder: absent, empty, or an older result.
        readings: radiologists' answers, in order of time.
        more: further files by name (of :data:`OWNED`), each with what writes it to a path.

    Returns:
        The path of each file by its name.

    Example:
        >>> import tempfile
        >>> from RenalAILib.findings import BundleIdentity, describe_volume
        >>> from RenalAILib.volume import Volume
        >>> ct, nothing = Volume(np.zeros((8, 16, 16), np.int16), np.eye(4), "scan"), np.zeros((8, 16, 16), np.uint8)
        >>> found = Findings(BundleIdentity("toy", "1.0", ""), describe_volume(ct), (), (), ("No kidney was found.",))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     files = write_outcome(Outcome(ct, found, nothing, nothing, {}), Path(folder, "result"))
        >>> sorted(files)
        ['findings.csv', 'findings.json', 'labels.nii.gz', 'report.html', 'segmentation.seg.nrrd']

    Raises:
        InputError: the folder holds something else, or cannot be written.
        ValueError: a reading is about no mass of the outcome, or ``more`` has a name that a result may not hold.
    """
    started = time.perf_counter()
    folder = Path(folder)
    readings = tuple(readings or ())
    more = more or {}
    _check_readings(readings, outcome.findings)
    if not set(more) <= set(OWNED) - set(FILES):
        raise ValueError(f"a result holds no {', '.join(sorted(more))} beside its own files")
    with replaced_folder(folder, OWNED) as new:
        with ThreadPoolExecutor(max_workers=2) as pool:  # numpy and zlib let other threads run
            images = [
                pool.submit(_write, new / "labels.nii.gz", _labels, outcome),
                pool.submit(_write, new / "segmentation.seg.nrrd", seg_nrrd, outcome),
            ]
            if outcome.saliency:
                images.append(pool.submit(_write, new / "gradcam.nii.gz", _gradcam, outcome))
            images.extend(pool.submit(write, outcome, new / name) for name, write in more.items())
            figures = Figures(outcome)
            overview = figures.overview()
            pictures = {mass.segment_id: figures.of_mass(mass) for mass in outcome.findings.masses}
            for detection in (outcome.findings.detections or ())[:MOST_PICTURED]:
                pictures[detection.detection_id] = figures.of_detection(detection)
            for image in images:
                image.result()
        findings = _with_write_time(outcome.findings, time.perf_counter() - started)
        texts = {
            "report.html": report_html(findings, overview, pictures, readings),
            "findings.csv": csv_text(findings, readings),
            "findings.json": _json_text(findings, readings),
        }
        for name, text in texts.items():
            (new / name).write_bytes(text.encode("utf-8"))
        names = sorted(path.name for path in new.iterdir())
    return {name: folder / name for name in names}


def _write(path: Path, content: Callable[[Outcome], bytes], outcome: Outcome) -> None:
    path.write_bytes(content(outcome))


def _labels(outcome: Outcome) -> bytes:
    return nifti_labels(outcome.volume.with_voxels(outcome.labels), _LABELS)


def _gradcam(outcome: Outcome) -> bytes:
    values = np.zeros(outcome.volume.shape, np.uint8)
    for saliency in outcome.saliency.values():
        part = values[saliency.box.slices]
        np.maximum(part, np.round(np.clip(saliency.values, 0, 1) * 255).astype(np.uint8), out=part)
    return nifti_fractions(outcome.volume.with_voxels(values), _GRADCAM)


def _check_readings(readings: Sequence[Reading], findings: Findings) -> None:
    known = {mass.segment_id for mass in findings.masses}
    for reading in readings:
        if reading.segment_id not in known:
            raise ValueError(f"a reading is about {reading.segment_id!r}, which is no mass of these findings")


def _with_write_time(findings: Findings, seconds: float) -> Findings:
    stages = {stage: value for stage, value in findings.timings_s.items() if stage not in ("write", "total")}
    before = findings.timings_s.get("total", sum(stages.values())) - findings.timings_s.get("write", 0.0)
    return replace(findings, timings_s={**stages, "write": round(seconds, 3), "total": round(before + seconds, 3)})


def _json_text(findings: Findings, readings: Sequence[Reading]) -> str:
    content = {**findings.to_json(), "readings": [reading.to_json() for reading in readings]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
