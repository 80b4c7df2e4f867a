"""Report folder: tables, figures, overlays, cases and the page of an evaluation, written whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from RenalAILib import __version__
from RenalAILib.writing.whole import replaced_folder

from .at_a_glance import at_a_glance
from .bootstrap import FEW_PATIENTS, Resamples
from .charts import charts, paired_chart
from .comparison import shared, side_by_side
from .listings import case_listing, mass_listing
from .page import SideBySide, SystemPart, page_html
from .pairs import Selection
from .paper_tables import paper_tables
from .running import Run
from .table import Table

SCHEMA = "renalai.evaluation/1"
FILES = ("evaluation.json", "evaluation.html", "tables", "figures", "overlays", "cases", "against")
"""Names in a report folder. The second system's files lie in ``against``, with the same names."""

_AGAINST = "against/"


def write_report(selection: Selection, part: str | None, runs: Sequence[Run], folder: Path) -> list[Table]:
    """Write the report of one system, or of two side by side.

    Args:
        selection: what was evaluated.
        part: of the split; None for all.
        runs: one or two.
        folder: absent, empty, or an older report, which is replaced.

    Returns:
        The first system's tables; the comparison comes first where there are two.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    time = datetime.now().astimezone()
    resamples = Resamples(result.patient for run in runs for result in run.results)
    if resamples.patients < FEW_PATIENTS:
        note = f"Only {resamples.patients} patients: the intervals are too narrow to be believed."
        selection = replace(selection, notes=(*selection.notes, note))
    parts = [_measured(run, below) for run, below in zip(runs, ("", _AGAINST), strict=False)]
    together = _together(runs) if len(runs) > 1 else None
    with replaced_folder(folder, FILES) as new:
        for system in parts:
            _write_system(system, new / system.folder)
        if together is not None:
            _write_table(together.table, new / "tables")
            (new / "figures" / "side-by-side.png").write_bytes(together.chart)
        html = page_html(selection.name, part, parts, together, selection.notes, resamples, time)
        (new / "evaluation.html").write_text(html, encoding="utf-8", newline="\n")
        content = _content(selection, part, parts, together, resamples, time)
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        (new / "evaluation.json").write_text(text, encoding="utf-8", newline="\n")
    return [*([together.table] if together else []), *parts[0].tables]


def _measured(run: Run, folder: str) -> SystemPart:
    resamples = Resamples(result.patient for result in run.results)
    tables = [at_a_glance(run.results, resamples), *paper_tables(run.results, resamples)]
    return SystemPart(run, tables, charts(run.results, resamples), folder)


def _together(runs: Sequence[Run]) -> SideBySide:
    first, second = runs
    names = (first.system, second.system)
    if first.system == second.system:
        names = (f"{first.system} (first)", f"{second.system} (second)")
    one, other = shared(first.results, second.results)
    resamples = Resamples(result.patient for result in one)
    return SideBySide(side_by_side(one, other, names, resamples), paired_chart(one, other, names))


def _write_system(system: SystemPart, folder: Path) -> None:
    for name in ("tables", "figures", "overlays", "cases"):
        (folder / name).mkdir(parents=True)
    for table in (*system.tables, case_listing(system.run.results), mass_listing(system.run.results)):
        _write_table(table, folder / "tables")
    for title, png in system.charts.items():
        (folder / "figures" / f"{title.lower().replace(' ', '-')}.png").write_bytes(png)
    for result in system.run.results:
        shutil.copyfile(system.run.store.picture(result.case), folder / "overlays" / f"{result.case}.png")
        text = json.dumps(result.to_json(), indent=1, allow_nan=False) + "\n"
        (folder / "cases" / f"{result.case}.json").write_text(text, encoding="utf-8", newline="\n")


def _write_table(table: Table, folder: Path) -> None:
    (folder / f"{table.key}.csv").write_bytes(table.csv_text().encode("utf-8"))


def _content(
    selection: Selection,
    part: str | None,
    systems: Sequence[SystemPart],
    together: SideBySide | None,
    resamples: Resamples,
    time: datetime,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "renalai": __version__,
        "time": time.isoformat(timespec="seconds"),
        "dataset": selection.name,
        "split": part,
        "notes": list(selection.notes),
        "bootstrap": {"patients": resamples.patients, "resamples": resamples.count, "seed": resamples.seed},
        "systems": [
            {
                "name": system.run.system,
                "failures": [{"case": failure.case, "reason": failure.reason} for failure in system.run.failures],
                "tables": {table.key: table.to_json() for table in system.tables},
            }
            for system in systems
        ],
        "comparison": None if together is None else together.table.to_json(),
    }
