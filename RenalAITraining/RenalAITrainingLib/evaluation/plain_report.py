"""Plain report: the folder of an evaluation that has tables and figures only: votes of slices, boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from RenalAILib import __version__

from .page import plain_page
from .table import Table

FILES = ("evaluation.json", "evaluation.html", "tables", "figures")
"""What a plain report consists of."""


@dataclass(frozen=True)
class PlainReport:
    """What was measured, of what, on what.

    Attributes:
        schema: of ``evaluation.json``.
        systems: names with versions: one, or two that are compared.
        dataset: its name.
        part: of its split; None for all.
        tables, figures: PNG files by title.
        notes: what was left out.
        demonstration: whether any weights are for demonstration only.
    """

    schema: str
    systems: tuple[str, ...]
    dataset: str
    part: str | None
    tables: Sequence[Table]
    figures: Mapping[str, bytes] = field(default_factory=dict)
    notes: Sequence[str] = ()
    demonstration: bool = False

    def write(self, folder: Path) -> None:
        """The files of the report into a folder that is there."""
        for name in ("tables", "figures"):
            (folder / name).mkdir(exist_ok=True)
        for table in self.tables:
            (folder / "tables" / f"{table.key}.csv").write_bytes(table.csv_text().encode("utf-8"))
        for title, picture in self.figures.items():
            (folder / "figures" / f"{title.lower().replace(' ', '-')}.png").write_bytes(picture)
        time = datetime.now().astimezone()
        title = f"Evaluation of {' and '.join(self.systems)}"
        page = plain_page(title, self.dataset, time, self.tables, self.figures, self.notes, self.demonstration)
        (folder / "evaluation.html").write_text(page, encoding="utf-8", newline="\n")
        content = {
            "schema": self.schema,
            "renalai": __version__,
            "time": time.isoformat(timespec="seconds"),
            "dataset": self.dataset,
            "split": self.part,
            "system": self.systems[0],
            **({"against": self.systems[1]} if len(self.systems) > 1 else {}),
            "notes": list(self.notes),
            "tables": {table.key: table.to_json() for table in self.tables},
        }
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        (folder / "evaluation.json").write_text(text, encoding="utf-8", newline="\n")
