"""``cases.csv``: the facts of all cases for a spreadsheet, and the changes a person made there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import replace

from RenalAILib.errors import InputError

from .case import COLUMNS, EDITABLE, Case


def render_table(cases: Iterable[Case]) -> str:
    """The text of the file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(case.row() for case in cases)
    return stream.getvalue()


def edited(cases: tuple[Case, ...], text: str, where: str) -> tuple[Case, ...]:
    """``cases`` with what the table's text says about phase, histology, source and licence.

    The other columns are not read: they repeat ``dataset.yaml``. Lines of cases that are not there are passed over: a
    writer was killed before it finished them.

    Args:
        cases: as in ``dataset.yaml``.
        text: the file, separated by comma, semicolon or tab (spreadsheets save any of them).
        where: the file, for messages.

    Raises:
        InputError: a column is unknown or missing, or a word is none of those allowed.
    """
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    names = [name.strip() for name in reader.fieldnames or ()]
    foreign = [name for name in names if name not in COLUMNS]
    if foreign:
        raise InputError(f"{where} has the column {foreign[0]!r}; nothing but {', '.join(COLUMNS)} may be in it")
    missing = [name for name in ("case", *EDITABLE) if name not in names]
    if missing:
        raise InputError(f"{where} lacks the column {missing[0]!r}")
    reader.fieldnames = names
    rows = {(row.get("case") or "").strip(): row for row in reader}
    return tuple(_edited(case, rows[case.name], where) if case.name in rows else case for case in cases)


def _edited(case: Case, row: dict[str, str], where: str) -> Case:
    told = case.row() | {name: (row.get(name) or "unknown").strip() for name in EDITABLE}
    try:
        return replace(case, facts=Case.from_row(told).facts)
    except ValueError as problem:
        raise InputError(f"{where}, case {case.name}: {problem}") from problem
