"""Doing: one task from its source to its result folder and its record, on whatever machine."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import IO

from ..bundles.bundle import Bundle
from ..bundles.store import load_bundle
from ..errors import InputError
from ..findings import Findings
from ..steps import Report
from .content import digest, stamp
from .measured import measured
from .segmenting import segment_study
from .task import StudyRecord, StudyTask, Weights


def do_study(task: StudyTask, report: Report) -> StudyRecord:
    """Segments one study, unless its result is there already. Whatever goes wrong ends in the record, and in the log.

    The result folder's name holds the key, and it appears whole by one renaming: that it exists is the proof that
    the work is done. A process that dies anywhere before leaves nothing that could be taken for a result.
    """
    begin, begin_cpu = time.perf_counter(), time.process_time()
    record = StudyRecord(task.name, "")
    with _log(task.log) as log:

        def told(stage: str, fraction: float, message: str) -> None:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {stage}: {message}\n")
            report(stage, fraction, message)

        try:
            record = replace(record, wish=task.key(stamp(*task.sources)))
            record = _done(task, record, told)
        except InputError as problem:
            record = replace(record, reason=str(problem))
        except Exception as fault:  # a fault of the program is the study's end, not the batch's
            log.write(traceback.format_exc())
            record = replace(record, reason=f"internal fault, {type(fault).__name__}: see its log", fault=True)
        log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {record.reason or 'done'}\n")
    return replace(
        record,
        seconds=round(time.perf_counter() - begin, 3),
        cpu_s=round(time.process_time() - begin_cpu, 3),
        memory_mib=resident_mib(),
    )


def _done(task: StudyTask, record: StudyRecord, report: Report) -> StudyRecord:
    source, second_phase = task.sources
    begin = time.perf_counter()
    key = task.key(digest(source, second_phase))
    folder = task.folder(key)
    told = folder.relative_to(task.output).as_posix()
    timings = {"digest": round(time.perf_counter() - begin, 3)}
    kept = _findings_in(folder)
    if kept is not None:
        report("read", 1.0, f"the result is there: {folder.name}")
        return replace(record, key=key, folder=told, reused=True, timings_s=timings, measured=measured(kept))
    outcome, paths = segment_study(
        source,
        folder,
        bundle=_verified(task.weights),
        device=task.weights.device,
        fast=task.weights.fast,
        series=task.series,
        second_phase=second_phase,
        phases=task.phases,
        dicom=task.dicom,
        report=report,
    )
    written = _read_findings(paths["findings.json"])  # with the seconds of writing
    timings.update((stage, round(seconds, 3)) for stage, seconds in written.timings_s.items())
    return replace(record, key=key, folder=told, timings_s=timings, measured=measured(outcome.findings))


def _findings_in(folder: Path) -> Findings | None:
    path = folder / "findings.json"
    return _read_findings(path) if path.is_file() else None


def _read_findings(path: Path) -> Findings:
    return Findings.from_json(json.loads(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=2)
def _verified(weights: Weights) -> Bundle:
    """The bundle, verified once a process and not once a study."""
    bundle = load_bundle(weights.bundle)
    if bundle.sha256 != weights.sha256:
        raise InputError(f"the bundle {bundle.name} is not the one this batch was started with: its SHA-256 differs")
    return bundle


@contextmanager
def _log(path: Path) -> Iterator[IO[str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as log:
        yield log


def resident_mib() -> float:
    """Memory this process holds now, in MiB; 0 where the system does not tell (only Linux does so cheaply)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
