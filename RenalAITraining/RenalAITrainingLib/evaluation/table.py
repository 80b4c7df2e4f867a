"""Table: rows of an evaluation, once as CSV, once as JSON, once for a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from RenalAILib.writing.spreadsheet import cell_text

from .bootstrap import Estimate

if TYPE_CHECKING:
    from rich.console import Console

Cell = str | int | float | Estimate | None
_LOW, _HIGH = " low", " high"


@dataclass(frozen=True)
class Table:
    """A table with a name.

    Attributes:
        key: its file name without ending.
        title: for people.
        columns: their headings.
        rows: a cell for each column; None is what cannot be measured or does not apply.
        notes: sentences below it.
        digits: decimals by column; 3 where nothing is said.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    digits: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.key} has rows of another length than its {len(self.columns)} columns")

    def text(self, column: str, cell: Cell) -> tuple[str, str]:
        """A cell in words and, below it, its interval; both empty where there is nothing.

        Example:
            >>> Table("a", "A", ("Dice",), ()).text("Dice", Estimate(0.9, 0.85, 0.94, 12))
            ('0.900', '0.850 to 0.940')
        """
        digits = self.digits.get(column, 3)
        if isinstance(cell, Estimate):
            value = "-" if cell.value is None else f"{cell.value:.{digits}f}"
            between = "" if cell.low is None else f"{cell.low:.{digits}f} to {cell.high:.{digits}f}"
            return value, between
        if isinstance(cell, float):
            return f"{cell:.{digits}f}", ""
        return ("-" if cell is None else str(cell)), ""

    def numeric(self, column: str) -> bool:
        """Whether a column holds numbers."""
        place = self.columns.index(column)
        return any(isinstance(row[place], (int, float, Estimate)) for row in self.rows)

    def csv_text(self) -> str:
        """RFC 4180; a column with intervals becomes three: the value, ``... low`` and ``... high``."""
        wide = {n for n in range(len(self.columns)) if any(isinstance(row[n], Estimate) for row in self.rows)}
        names: list[str] = []
        for n, name in enumerate(self.columns):
            names += [name, name + _LOW, name + _HIGH] if n in wide else [name]
        file = io.StringIO(newline="")
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(names)
        for row in self.rows:
            cells: list[Any] = []
            for n, cell in enumerate(row):
                told = [cell.value, cell.low, cell.high] if isinstance(cell, Estimate) else [cell]
                cells += [_plain(value) for value in told + [None] * (2 if n in wide and len(told) == 1 else 0)]
            writer.writerow(cells)
        return file.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Plain types: title, notes, and each row by its columns."""
        return {
            "title": self.title,
            "rows": [
                {
                    name: {"value": cell.value, "low": cell.low, "high": cell.high, "count": cell.count}
                    if isinstance(cell, Estimate)
                    else cell
                    for name, cell in zip(self.columns, row, strict=True)
                }
                for row in self.rows
            ],
            "notes": list(self.notes),
        }

    def show(self, console: Console) -> None:
        """Print it; intervals stand in brackets."""
        from rich.table import Table as Printed

        printed = Printed(title=self.title)
        for name in self.columns:
            printed.add_column(name, justify="right" if self.numeric(name) else "left")
        for row in self.rows:
            words = [self.text(name, cell) for name, cell in zip(self.columns, row, strict=True)]
            printed.add_row(*(f"{value} [{between}]" if between else value for value, between in words))
        console.print(printed)


def _plain(value: str | int | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return cell_text(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
