"""Running: every case through a system, kept one by one, so that an interrupted evaluation goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from RenalAILib import __version__
from RenalAILib.errors import InputError
from RenalAILib.reading import read_ct, read_labels
from RenalAILib.steps import Report
from RenalAILib.writing.whole import replaced_file, write_text

from ..convention import filled
from .cases import SCHEMA, CaseResult, judge
from .overlay import overlay_png
from .pairs import Pair
from .slice_pictures import SlicePictures
from .systems import System


@dataclass(frozen=True)
class Failure:
    """A case that could not be evaluated, and why, in one sentence."""

    case: str
    reason: str


@dataclass(frozen=True)
class Run:
    """What became of all cases.

    Attributes:
        system: its name.
        results: of the cases that could be evaluated, in order.
        failures: of the others.
        store: where result and overlay of each case are kept.
    """

    system: str
    results: tuple[CaseResult, ...]
    failures: tuple[Failure, ...]
    store: CaseStore


class CaseStore:
    """A folder with ``CASE.json`` and ``CASE.png`` of each case that is done.

    A result is found again only while CT, reference, system and RenalAI are what they were.

    Args:
        folder: made with the first result.
        pictures: where the slices of each case are drawn, too; None for nowhere.
    """

    def __init__(self, folder: Path, pictures: SlicePictures | None = None) -> None:
        self._folder, self.pictures = folder, pictures

    def load(self, pair: Pair, system: System) -> CaseResult | None:
        """The result of a case, None where it is not there, damaged, or of something else."""
        if not self.picture(pair.case).is_file() or (self.pictures and not self.pictures.has(pair.case)):
            return None
        try:
            data = json.loads(self.text(pair.case).read_text(encoding="utf-8"))
            return CaseResult.from_json(data["result"]) if data["key"] == _key(pair, system) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, pair: Pair, system: System, result: CaseResult, overlay: bytes) -> None:
        """Keep a result. The text comes last: with it the case is done."""
        with replaced_file(self.picture(pair.case)) as new:
            new.write_bytes(overlay)
        content = {"schema": SCHEMA, "key": _key(pair, system), "result": result.to_json()}
        write_text(self.text(pair.case), json.dumps(content, indent=1, allow_nan=False) + "\n")

    def text(self, case: str) -> Path:
        """The file of a case's result."""
        return self._folder / f"{case}.json"

    def picture(self, case: str) -> Path:
        """The file of a case's overlay."""
        return self._folder / f"{case}.png"


def run_cases(pairs: Sequence[Pair], system: System, store: CaseStore, progress: Report) -> Run:
    """Evaluate a system on all pairs. A case that fails is told in the report; the others go on.

    Args:
        pairs: what to run over.
        system: what is evaluated.
        store: results kept by an earlier, interrupted run, and those of this one.
        progress: told before each case.

    Raises:
        InputError: every case failed; the sentence is that of the first.
    """
    results: list[CaseResult] = []
    failures: list[Failure] = []
    for number, pair in enumerate(pairs):
        kept = store.load(pair, system)
        progress("evaluate", number / len(pairs), f"{pair.case} ({number + 1} of {len(pairs)}), {system.name}")
        try:
            results.append(kept or _run_case(pair, system, store))
        except InputError as problem:
            failures.append(Failure(pair.case, str(problem)))
    progress("evaluate", 1.0, f"{len(results)} of {len(pairs)} cases measured, {system.name}")
    if not results:
        raise InputError(f"no case could be evaluated; the first, {failures[0].case}: {failures[0].reason}")
    return Run(system.name, tuple(results), tuple(failures), store)


def _run_case(pair: Pair, system: System, store: CaseStore) -> CaseResult:
    ct, reference = read_ct(pair.ct).volume, read_labels(pair.labels)
    if pair.with_sinus:
        reference = filled(reference)
    prediction = system.predict(pair, ct)
    result = judge(pair, prediction, reference)
    if store.pictures is not None:
        store.pictures.write(pair.case, prediction.labels, reference)
    store.save(pair, system, result, overlay_png(ct, prediction.labels, reference))
    return result


def _key(pair: Pair, system: System) -> str:
    """SHA-256 of everything a result depends on; of files their place, size and time of change."""
    stamps = []
    for path in (pair.ct, pair.labels):
        if path.exists():
            status = path.stat()
            stamps.append((str(path.resolve()), status.st_size, status.st_mtime_ns))
    told = [__version__, SCHEMA, pair.case, pair.patient, pair.part, pair.with_sinus, system.key(pair), stamps]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
