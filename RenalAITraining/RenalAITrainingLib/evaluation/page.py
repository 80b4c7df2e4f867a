"""``evaluation.html``: one self-contained page, in the look of RenalAI's reports."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from RenalAILib import __version__
from RenalAILib.report.markup import Markup, element
from RenalAILib.report.page_head import page_head

from .bootstrap import Estimate, Resamples
from .cases import CaseResult
from .overlay import AGREEMENT, PREDICTION, TRUTH
from .running import Run
from .table import Cell, Table

SHOWN_OVERLAYS = 24
_STYLE = """
.chart { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: 6px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; align-items: start; }
.overlays { display: grid; grid-template-columns: repeat(2, 1fr); gap: 1rem; }
.overlays img { width: 100%; height: auto; display: block; border-radius: 4px; background: #000; }
h3 { margin: 1.8rem 0 0.4rem; }
.after { color: var(--soft); font-size: 0.85rem; max-width: 56rem; }
@media (max-width: 52rem) { .overlays { grid-template-columns: 1fr; } }
@media print { table { break-inside: avoid; } .charts { grid-template-columns: repeat(2, 1fr); } }
"""


@dataclass(frozen=True, eq=False)
class SystemPart:
    """What the page shows of one system.

    Attributes:
        run: its results.
        tables: in order.
        charts: PNG files by title.
        folder: where its files lie, relative to the page; empty or with a slash at the end.
    """

    run: Run
    tables: Sequence[Table]
    charts: Mapping[str, bytes]
    folder: str = ""


@dataclass(frozen=True, eq=False)
class SideBySide:
    """What the page shows of two systems together."""

    table: Table
    chart: bytes


def page_html(
    source: str,
    part: str | None,
    systems: Sequence[SystemPart],
    together: SideBySide | None,
    notes: Iterable[str],
    resamples: Resamples,
    time: datetime,
) -> str:
    """The page.

    Args:
        source: name of the dataset.
        part: of its split; None for all.
        systems: one or two.
        together: their comparison, where there are two.
        notes: what was left out.
        resamples: the bootstrap's, for the method.
        time: of the evaluation, with its zone.
    """
    names = " against ".join(system.run.system for system in systems)
    head = page_head(f"RenalAI evaluation: {names}", _STYLE)
    where = source if part is None else f"{source}, part {part}"
    when = f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}"
    header = element(
        "header",
        element("p", "RenalAI", class_="brand"),
        element("h1", f"Evaluation of {names}"),
        element(
            "p",
            element("bdi", where),
            f" \N{MIDDLE DOT} {when}".rstrip(),
            class_="meta",
        ),
        _demonstration(systems),
    )
    told = (*notes, *_told_failures(systems))
    main: list[str | Markup | None] = [
        *(element("p", note, class_="note warning", role="note") for note in told),
        None if together is None else _together(together),
        *(_system(system, alone=len(systems) == 1) for system in systems),
        _method(systems, resamples),
    ]
    footer = element("footer", f"RenalAI {__version__}. Research only, not for diagnosis.")
    body = element("body", header, element("main", main), footer)
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def plain_page(
    title: str,
    source: str,
    time: datetime,
    tables: Sequence[Table],
    pictures: Mapping[str, bytes],
    notes: Iterable[str],
    demonstration: bool,
) -> str:
    """A page of tables and figures, one below the other.

    Args:
        title: its heading.
        source: name of the dataset.
        time: of the evaluation, with its zone.
        tables, pictures: what was measured; PNG files by title.
        notes: what was left out.
        demonstration: whether the weights are for demonstration only.
    """
    head = page_head(f"RenalAI: {title}", _STYLE)
    drawn = [_chart(title, png) for title, png in pictures.items()]
    told = element("strong", "Demonstration weights: research only, not for diagnosis.")
    header = element(
        "header",
        element("p", "RenalAI", class_="brand"),
        element("h1", title),
        element("p", element("bdi", source), f" \N{MIDDLE DOT} {time:%Y-%m-%d %H:%M %Z}".rstrip(), class_="meta"),
        element("p", told, class_="note demonstration", role="note") if demonstration else None,
    )
    main: list[str | Markup | None] = [
        *(element("p", note, class_="note warning", role="note") for note in notes),
        *(element("section", element("h2", table.title), _table(table)) for table in tables),
        element("section", element("h2", "Figures"), element("div", drawn, class_="charts")),
    ]
    footer = element("footer", f"RenalAI {__version__}. Research only, not for diagnosis.")
    body = element("body", header, element("main", main), footer)
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _demonstration(systems: Sequence[SystemPart]) -> Markup | None:
    bundles = {result.bundle for system in systems for result in system.run.results if result.bundle is not None}
    names = sorted(bundle.name for bundle in bundles if bundle.demonstration)
    if not names:
        return None
    text = f"Demonstration weights ({', '.join(names)}): research only, not for diagnosis."
    return element("p", element("strong", text), class_="note demonstration", role="note")


def _told_failures(systems: Sequence[SystemPart]) -> list[str]:
    return [
        f"Not evaluated by {system.run.system}: {failure.case}. {failure.reason}"
        for system in systems
        for failure in system.run.failures
    ]


def _together(together: SideBySide) -> Markup:
    return element(
        "section",
        element("h2", "Side by side"),
        _table(together.table),
        element("div", _chart("Dice of each case", together.chart), class_="charts"),
    )


def _system(system: SystemPart, alone: bool) -> Markup:
    heading = "Tables" if alone else f"Tables: {system.run.system}"
    figures = "Figures" if alone else f"Figures: {system.run.system}"
    tables = [(element("h3", table.title), _table(table)) for table in system.tables if table.rows]
    return element(
        "section",
        element("h2", heading),
        [part for pair in tables for part in pair],
        element("h2", figures),
        element("div", [_chart(title, png) for title, png in system.charts.items()], class_="charts"),
        _overlays(system, alone),
    )


def _table(table: Table) -> Markup:
    head = [element("th", name, class_="number" if table.numeric(name) else None) for name in table.columns]
    rows = []
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        rows.append(element("tr", [_cell(table, name, cell, first=n == 0) for n, (name, cell) in enumerate(cells)]))
    body = element("table", element("thead", element("tr", head)), element("tbody", rows))
    notes = [element("p", note, class_="after") for note in table.notes]
    return element("div", element("div", body, class_="scroll"), notes)


def _cell(table: Table, column: str, cell: Cell, first: bool) -> Markup:
    value, between = table.text(column, cell)
    below = element("span", between, class_="sub") if between else None
    if first:
        return element("th", value, below, scope="row")
    kind = "number" if isinstance(cell, (int, float, Estimate)) or table.numeric(column) else None
    return element("td", value, below, class_=kind)


def _chart(title: str, png: bytes) -> Markup:
    picture = element("img", src=_data_uri(png), alt=title, class_="chart")
    return element("figure", picture, element("figcaption", title))


def _overlays(system: SystemPart, alone: bool) -> Markup:
    worst = sorted(system.run.results, key=_mean_kits_dice)[:SHOWN_OVERLAYS]
    every = len(worst) == len(system.run.results)
    legend = [
        element("span", words, class_="chip", style=f"--color: rgb{color}")
        for words, color in (("prediction alone", PREDICTION), ("truth alone", TRUTH), ("agreement", AGREEMENT))
    ]
    told = "Worst first, by the mean of KiTS' Dice." if every else f"The {len(worst)} worst by the mean of KiTS' Dice."
    rest = f" All are in {system.folder}overlays/. The patient's right is on the left."
    figures = []
    for result in worst:
        picture = _data_uri(system.run.store.picture(result.case).read_bytes())
        caption = element("figcaption", f"{result.case}: {_caption(result)}")
        figures.append(element("figure", element("img", src=picture, alt=f"Overlay of {result.case}"), caption))
    return element(
        "section",
        element("h2", "Overlays" if alone else f"Overlays: {system.run.system}"),
        element("p", legend, class_="legend"),
        element("p", told + rest, class_="after"),
        element("div", figures, class_="overlays"),
    )


def _mean_kits_dice(result: CaseResult) -> float:
    scores = [score.dice for score in result.agreement.kits]
    return sum(scores) / len(scores)


def _caption(result: CaseResult) -> str:
    counts = result.agreement.detection.counts()
    kidney, mass = (score.dice for score in result.agreement.kits[:2])
    return (
        f"Dice {kidney:.3f} with masses, {mass:.3f} masses; {counts.true_positive} found, "
        f"{counts.false_positive} false, {counts.false_negative} missed"
    )


def _method(systems: Sequence[SystemPart], resamples: Resamples) -> Markup:
    bundles = sorted(
        {
            f"{result.bundle.name} {result.bundle.version}, SHA-256 {result.bundle.sha256}"
            for system in systems
            for result in system.run.results
            if result.bundle is not None
        }
    )
    lines = [
        f"Intervals: 95 %, percentile bootstrap over {resamples.patients} patients, {resamples.count} resamples,"
        f" seed {resamples.seed}.",
        "The reference is brought to the prediction's grid (nearest voxel) where it lies on another.",
        *(f"Bundle: {bundle}." for bundle in bundles),
    ]
    return element(
        "section", element("h2", "Method"), element("ul", [element("li", line) for line in lines], class_="limits")
    )


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
