"""KPIs: the key figures of the DeepHealth study, collected from what real runs wrote, beside the study's own.

The study: Bolocan V.-O. et al., Convolutional Neural Network Model for Segmentation and Classification of Clear Cell
Renal Cell Carcinoma Based on Multiphase CT Images, J. Imaging 9, 280 (2023), table 4. Its numbers are of its own
patients, networks and machines: beside ours they are a scale, no race.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .errors import InputError
from .radiologist.readings import Reading

SCHEMA = "renalai.kpi/1"
_ACCURACY = "classification quality, accuracy"
_STAGES = ("locate", "phases", "delineate", "detect", "vote", "characterise")


@dataclass(frozen=True)
class Kpi:
    """One line of the table.

    Attributes:
        name: of the figure.
        unit: empty for shares and Dice.
        value: the median of times, the evaluation's own number of qualities; None where nothing was given to tell it.
        low, high: quartiles of times, the confidence interval of qualities.
        count: of studies, masses or runs it stands on.
        paper: the study's number or numbers, as words; empty where it states none.
        source: what it was taken from, and what it leaves out.
    """

    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    count: int
    paper: str
    source: str


@dataclass
class Collected:
    """Files of real runs, read.

    Attributes:
        findings: contents of ``findings.json``.
        metrics: lines of each ``metrics.jsonl``.
        statuses: seconds of each training run that has a ``status.json``, by its folder.
        evaluations, votes: contents of ``evaluation.json``, of bundles that draw and of slices that vote.
    """

    findings: list[Mapping[str, Any]] = field(default_factory=list)
    metrics: dict[Path, list[Mapping[str, Any]]] = field(default_factory=dict)
    statuses: dict[Path, float] = field(default_factory=dict)
    evaluations: list[Mapping[str, Any]] = field(default_factory=list)
    votes: list[Mapping[str, Any]] = field(default_factory=list)


def collect(places: Iterable[Path]) -> Collected:
    """Reads every ``findings.json``, ``metrics.jsonl``, ``status.json`` and ``evaluation.json`` at or below ``places``.

    Raises:
        InputError: a place does not exist, holds none of them, or a file is damaged.
    """
    found = Collected()
    for place in places:
        before = _size(found)
        for path in _files(place):
            try:
                _take(path, found)
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
                raise InputError(f"{path} cannot be read: {problem}") from problem
        if _size(found) == before:
            raise InputError(f"{place} holds no findings.json, metrics.jsonl or evaluation.json")
    return found


def kpis(found: Collected) -> list[Kpi]:
    """All figures in the study's order; those that nothing was given for have no value."""
    machine = [float(one["timings_s"]["total"]) for one in found.findings if "total" in one["timings_s"]]
    reader = [seconds for one in found.findings if (seconds := _reader_s(one)) is not None]
    both = [
        float(one["timings_s"]["total"]) + seconds
        for one in found.findings
        if "total" in one["timings_s"] and (seconds := _reader_s(one)) is not None
    ]
    around = [seconds for one in found.findings if (seconds := _around_networks_s(one)) is not None]
    return [
        _times("time-to-diagnose, computer", machine, "12 s", "findings: from reading the file to the written report"),
        _times("time-to-diagnose, reader", reader, "", "readings: from the first to the last answer about a study"),
        _times("time-to-diagnose, both", both, "", "the sum, for studies that were read"),
        _times("time of preprocessing", around, "", "findings: reading, resampling, all stages but their networks"),
        *_training(found),
        *_quality(found.evaluations, found.votes),
    ]


def kpi_json(lines: Sequence[Kpi]) -> dict[str, Any]:
    """Plain types for ``json.dump``."""
    return {"schema": SCHEMA, "kpis": [dict(line.__dict__) for line in lines]}


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif place.is_dir():
        for where, folders, names in os.walk(place):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(where, name) for name in sorted(names))
    else:
        raise InputError(f"{place} does not exist")


def _take(path: Path, found: Collected) -> None:
    if path.name == "metrics.jsonl":
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        found.metrics[path.parent.resolve()] = [json.loads(line) for line in lines if line.endswith("\n")]
    elif path.name in ("findings.json", "evaluation.json", "status.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        schema = str(data.get("schema", ""))
        if schema.startswith("renalai.findings/"):
            found.findings.append(data)
        elif schema.startswith("renalai.evaluation/"):
            found.evaluations.append(data)
        elif schema.startswith("renalai.vote-evaluation/"):
            found.votes.append(data)
        elif path.name == "status.json" and data.get("elapsed_s"):
            found.statuses[path.parent.resolve()] = float(data["elapsed_s"])


def _size(found: Collected) -> int:
    return len(found.findings) + len(found.metrics) + len(found.evaluations) + len(found.votes)


def _reader_s(findings: Mapping[str, Any]) -> float | None:
    """Seconds from the first to the last answer: how long the reader was at it is at least this."""
    readings = [Reading.from_json(data) for data in findings.get("readings", ())]
    times = [datetime.fromisoformat(reading.time) for reading in readings if reading.time]
    return (max(times) - min(times)).total_seconds() if len(times) > 1 else None


def _around_networks_s(findings: Mapping[str, Any]) -> float | None:
    timings = findings["timings_s"]
    stages = [float(timings[name]) for name in _STAGES if name in timings]
    if not stages or "networks" not in timings or "read" not in timings:
        return None
    return max(0.0, float(timings["read"]) + sum(stages) - float(timings["networks"]))


def _training(found: Collected) -> list[Kpi]:
    epochs, whole = [], []
    for folder, lines in found.metrics.items():
        steps = [line for line in lines if line["event"] == "train"]
        seconds = [float(line["seconds_per_step"]) for line in steps if "seconds_per_step" in line]
        if not seconds:
            continue
        each, last = statistics.median(seconds), steps[-1]
        if last.get("epoch"):
            epochs.append(each * int(last["step"]) / float(last["epoch"]))
        whole.append(found.statuses.get(folder, each * int(last["step"])))
    source = "training runs: one network after the other, without labelling the data and without publishing (seconds)"
    total = sum(whole) if whole else None
    return [
        Kpi("time-to-model-in-production", "s", total, None, None, len(whole), "", source),
        _times("time of training per epoch", epochs, "", "metrics: median seconds a step times steps an epoch"),
    ]


def _quality(evaluations: Sequence[Mapping[str, Any]], votes: Sequence[Mapping[str, Any]]) -> list[Kpi]:
    kidney, mass = _Best("kidney and mass"), _Best("mass")
    accuracy: tuple[float | None, int] = None, 0
    for evaluation in evaluations:
        tables = evaluation["systems"][0]["tables"]
        for row in tables.get("kits", {}).get("rows", ()):
            for best in (kidney, mass):
                best.offer(row)
        accuracy = max(accuracy, _accuracy(tables.get("confusion", {}).get("rows", ())), key=lambda one: one[1])
    told = "evaluation: Dice of a CT's kidneys with masses (KiTS)"
    return [
        kidney.kpi("kidney segmentation quality, Dice", "0.84", told),
        mass.kpi("tumor segmentation quality, Dice", "0.71 and 0.64", "evaluation: Dice of a CT's masses (KiTS)"),
        _slices_right(votes)
        or Kpi(
            _ACCURACY,
            "",
            accuracy[0],
            None,
            None,
            accuracy[1],
            "0.92 and 0.85",
            "evaluation: found masses whose class (AML, cystic, solid) is right; the study: tumor or healthy",
        ),
    ]


def _slices_right(votes: Sequence[Mapping[str, Any]]) -> Kpi | None:
    """The study's own measure, images classified rightly; of several evaluations that on most of them."""
    images = [row for one in votes for row in one["tables"]["measures"]["rows"] if row["what"] == "images"]
    if not images:
        return None
    row = max(images, key=lambda row: int(row["count"]))
    told = row["accuracy"]
    source = "evaluation of slice votes: images whose class is right, of all that voted"
    return Kpi(_ACCURACY, "", told["value"], told["low"], told["high"], int(row["count"]), "0.92 and 0.85", source)


class _Best:
    """The row of a class that stands on most CTs: the evaluation's whole set comes last and has all of them."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._row: Mapping[str, Any] | None = None

    def offer(self, row: Mapping[str, Any]) -> None:
        if row["class"] == self._wanted and (self._row is None or row["CTs"] >= self._row["CTs"]):
            self._row = row

    def kpi(self, name: str, paper: str, source: str) -> Kpi:
        dice: Mapping[str, Any] = self._row["Dice"] if self._row else {}
        count = int(self._row["CTs"]) if self._row else 0
        return Kpi(name, "", dice.get("value"), dice.get("low"), dice.get("high"), count, paper, source)


def _accuracy(rows: Iterable[Mapping[str, Any]]) -> tuple[float | None, int]:
    """Share of the found masses with a known class that were called by it, and how many these are."""
    right, count = 0, 0
    for row in rows:
        if row["truth"] in ("no mass", "unknown class"):
            continue
        found = {name: int(value) for name, value in row.items() if name not in ("truth", "missed") and value}
        right += found.get(row["truth"], 0)
        count += sum(found.values())
    return (right / count if count else None), count


def _times(name: str, seconds: Sequence[float], paper: str, source: str) -> Kpi:
    if not seconds:
        return Kpi(name, "s", None, None, None, 0, paper, source)
    low, middle, high = statistics.quantiles(seconds, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 3
    return Kpi(name, "s", middle, low, high, len(seconds), paper, source)
