"""What the panel must know of a dataset at every change, from its small tables alone."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RenalAITrainingLib.dataset.case import FUSED

INDEX, TABLE, SPLIT = "dataset.yaml", "cases.csv", "split.json"


@dataclass(frozen=True)
class Glance:
    """A dataset from afar.

    Attributes:
        there: whether there is one.
        cases: the rows of ``cases.csv``.
        split: the record of the split; empty where there is none.
    """

    there: bool
    cases: tuple[dict[str, str], ...] = ()
    split: dict[str, Any] | None = None

    @property
    def masses(self) -> int:
        """Of all cases."""
        return sum(bool(text.strip()) for case in self.cases for text in (case.get("masses") or "").split(";"))

    @property
    def patients(self) -> int:
        """How many different ones."""
        return len({case.get("patient") for case in self.cases})

    @property
    def several_readers(self) -> int:
        """Cases with the masks of two readers and more."""
        return sum(len(set((case.get("readers") or "").split()) - {FUSED}) > 1 for case in self.cases)

    @property
    def parts(self) -> dict[str, int]:
        """Number of cases by part of the split."""
        return {name: int(part["cases"]) for name, part in ((self.split or {}).get("parts") or {}).items()}

    @property
    def folds(self) -> int:
        """How many, of a split in folds; 0 for another."""
        return sum(name.startswith("fold_") for name in self.parts)


def glance(folder: Path) -> Glance:
    """Look at the dataset in ``folder``; what cannot be read is left to the check, which says why."""
    if not (folder / INDEX).is_file():
        return Glance(False)
    return Glance(True, _rows(folder / TABLE), _record(folder / SPLIT))


def _rows(path: Path) -> tuple[dict[str, str], ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ()
    header = text.partition("\n")[0]
    return tuple(csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=header.count)))


def _record(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and "parts" in content else None
