"""The cohort: all studies of a batch beside each other, the failed and the strangest first."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..study.task import Number, StudyRecord
from ..writing.spreadsheet import cell_text
from .manifest import read_records

COMPARED = {
    "kidney_right_ml": "right kidney, ml",
    "kidney_left_ml": "left kidney, ml",
    "kidney_right_hu": "right kidney, HU",
    "kidney_left_hu": "left kidney, HU",
    "masses": "masses",
    "largest_mm": "largest mass, mm",
    "mass_volume_ml": "masses, ml",
    "warnings": "warnings",
    "seconds": "seconds",
}
"""Numbers that every study has or lacks, with their words."""
_CONSISTENT = 1.4826  # MAD of a normal distribution to its standard deviation
_STRANGE = 3.5  # Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993)
_LEAST = 8  # studies; fewer have no usual
_ABSENT = 5.0  # a kidney that nearly all others have


@dataclass(frozen=True)
class Row:
    """One study.

    Attributes:
        record: what became of it.
        strangeness: the largest robust z score of its numbers; 0 of a failed one.
        why: in which number, and how far from the cohort's median.
        same_as: an earlier study with the same content, or None.
    """

    record: StudyRecord
    strangeness: float = 0.0
    why: str = ""
    same_as: str | None = None

    @property
    def numbers(self) -> dict[str, Number]:
        return {**self.record.measured, "seconds": self.record.seconds} if self.record.done else {}


def cohort_of(output: Path) -> list[StudyRecord]:
    """The records of all parts of a batch, by name. Raises InputError where there is no batch."""
    manifests = sorted(output.glob("manifest-*.jsonl"))
    if not manifests:
        raise InputError(f"{output} holds no batch")
    records: dict[str, StudyRecord] = {}
    for path in manifests:
        records.update(read_records(path))
    return [records[name] for name in sorted(records)]


def rows(records: Sequence[StudyRecord]) -> list[Row]:
    """Failed ones first, then by falling strangeness."""
    done = [record for record in records if record.done]
    usual = _usual([Row(record).numbers for record in done])
    first: dict[str | None, str] = {}
    found = []
    for record in sorted(records, key=lambda record: record.name):
        same = first.setdefault(record.key, record.name) if record.key and record.done else record.name
        strangeness, why = _strangeness(Row(record).numbers, usual) if record.done else (0.0, "")
        found.append(Row(record, strangeness, why, None if same == record.name else same))
    return sorted(found, key=lambda row: (row.record.done, -row.strangeness, row.record.name))


def spent(records: Sequence[StudyRecord]) -> dict[str, float]:
    """Where the time went: seconds by stage over all segmented studies, what no stage counts, and of the processor."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for record in records:
        if record.done and not record.reused:
            stages = {k: v for k, v in record.timings_s.items() if k not in ("total", "networks")}
            for stage, value in stages.items():
                seconds[stage] += value
            seconds["networks"] += record.timings_s.get("networks", 0.0)
            seconds["other"] += max(0.0, record.seconds - sum(stages.values()))
            seconds["total"] += record.seconds
            seconds["cpu"] += record.cpu_s
    return dict(seconds)


def csv_text(found: Sequence[Row]) -> str:
    """RFC 4180; the same order as the page."""
    columns = list(dict.fromkeys(name for row in found for name in row.numbers))
    head = ["study", "state", "reason", "strangeness", "why", "same_as", *columns, "memory_mib", "key", "folder"]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, head, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in found:
        record = row.record
        writer.writerow(
            {
                "study": cell_text(record.name),
                "state": "done" if record.done else "failed",
                "reason": cell_text(record.reason or ""),
                "strangeness": f"{row.strangeness:.2f}" if record.done else "",
                "why": row.why,
                "same_as": cell_text(row.same_as or ""),
                **{name: "" if value is None else value for name, value in row.numbers.items()},
                "memory_mib": record.memory_mib,
                "key": record.key or "",
                "folder": cell_text(record.folder or ""),
            }
        )
    return file.getvalue()


def reasons(found: Sequence[Row]) -> Counter[str]:
    """How many studies failed for which reason, with the study's own name and numbers left out of the sentence."""
    return Counter((row.record.reason or "").partition(": ")[0] for row in found if not row.record.done)


def _usual(numbers: Sequence[Mapping[str, Number]]) -> dict[str, tuple[float, float, float]]:
    """Median, robust standard deviation and share of studies that have it, of each compared number."""
    found = {}
    for name in (name for name in COMPARED if name != "seconds"):  # of the computer, not of the patient
        values = [float(value) for row in numbers if isinstance(value := row.get(name), (int, float))]
        if len(values) >= _LEAST:
            middle = statistics.median(values)
            spread = _CONSISTENT * statistics.median(abs(value - middle) for value in values)
            # Half the numbers alike (no warnings, one mass): the mean deviation instead, which is then not 0 too.
            spread = spread or 1.2533 * statistics.fmean(abs(value - middle) for value in values)
            found[name] = (middle, spread, len(values) / len(numbers))
    return found


def _strangeness(numbers: Mapping[str, Number], usual: Mapping[str, tuple[float, float, float]]) -> tuple[float, str]:
    worst, why = 0.0, ""
    for name, (middle, spread, share) in usual.items():
        value = numbers.get(name)
        if value is None:
            score, words = (_ABSENT, f"no {COMPARED[name]}") if share > 0.9 and name.endswith("_ml") else (0.0, "")
        else:
            score = abs(float(value) - middle) / spread if spread > 0 else 0.0
            words = f"{COMPARED[name]}: {value:g} (median {middle:g})" if isinstance(value, (int, float)) else ""
        if math.isfinite(score) and score > worst:
            worst, why = score, words
    return worst, why if worst >= _STRANGE else ""
