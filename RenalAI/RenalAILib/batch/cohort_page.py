"""``cohort.html``: one self-contained page of a batch, in the look of RenalAI's reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from ..report.markup import Markup, element
from ..report.page_head import page_head
from ..study.task import Number, StudyRecord
from ..version import __version__
from ..writing.whole import write_text
from .cohort import COMPARED, Row, cohort_of, csv_text, rows, spent
from .histograms import histogram

_MOST = 5000  # rows on the page; the CSV has all
_STYLE = """
body { max-width: 84rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.2rem; }
figure svg.histogram { background: none; }
.histogram rect { fill: var(--accent); } .histogram path { stroke: var(--soft); fill: none; }
.histogram text { fill: var(--soft); font: 11px system-ui, "DejaVu Sans", sans-serif; }
.studies td, .studies th { padding: 0.25rem 0.7rem 0.25rem 0; }
"""
_SHOWN = ("kidney_right_ml", "kidney_left_ml", "masses", "aml", "cystic", "solid", "unknown", "largest_mm", "warnings")
_WORDS = {**COMPARED, "aml": "AML", "cystic": "cystic", "solid": "solid", "unknown": "unknown"}
_STAGES = {
    "digest": "checksum of the input",
    "read": "reading",
    "locate": "finding the kidneys",
    "delineate": "outlining",
    "characterise": "classifying",
    "write": "writing results",
    "other": "everything else",
    "networks": "(of these in the networks)",
    "total": "in all",
    "cpu": "(of the processor, all cores)",
}


def write_cohort(output: Path) -> tuple[Path, list[Row]]:
    """Writes ``cohort.csv`` and ``cohort.html`` from the manifests of all parts, as far as they are.

    Returns:
        the page, and its rows in order.

    Raises:
        InputError: there is no batch, or the files cannot be written.
    """
    records = cohort_of(output)
    found = rows(records)
    write_text(output / "cohort.csv", csv_text(found))
    write_text(output / "cohort.html", _page(output.resolve().name, records, found))
    return output / "cohort.html", found


def _page(name: str, records: Sequence[StudyRecord], found: Sequence[Row]) -> str:
    done = [row for row in found if row.record.done]
    failed = [row for row in found if not row.record.done]
    head = page_head(f"RenalAI batch: {name}", _STYLE)
    now = datetime.now().astimezone()
    masses = sum(int(row.record.measured.get("masses") or 0) for row in done)
    body = element(
        "body",
        element(
            "header",
            element("p", "RenalAI", class_="brand"),
            element("h1", "Batch of studies"),
            element(
                "p", element("bdi", name), f" \N{MIDDLE DOT} {now:%Y-%m-%d %H:%M} {now.tzname() or ''}", class_="meta"
            ),
            element("p", "Research only, not for diagnosis.", class_="note demonstration", role="note"),
        ),
        element(
            "main",
            element("p", f"{len(done)} studies done, {len(failed)} failed; {masses} masses found.", class_="lead"),
            _failed(failed) if failed else None,
            _distributions(done) if done else None,
            _studies(done) if done else None,
            _time(records) if done else None,
        ),
        element("footer", f"RenalAI {__version__}. All rows: cohort.csv. Each study's log: logs/."),
    )
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _failed(failed: Sequence[Row]) -> Markup:
    lines = [
        element("tr", element("th", row.record.name, scope="row"), element("td", row.record.reason)) for row in failed
    ]
    return element("section", element("h2", "Failed"), _table(["study", "why"], lines))


def _distributions(done: Sequence[Row]) -> Markup:
    charts = []
    for name, words in COMPARED.items():
        values = [float(value) for row in done if isinstance(value := row.numbers.get(name), (int, float))]
        if values:
            charts.append(histogram(words, values))
    return element("section", element("h2", "Distributions"), element("div", *charts, class_="charts"))


def _studies(done: Sequence[Row]) -> Markup:
    lines = [
        element(
            "tr",
            element(
                "th", element("a", row.record.name, href=f"{quote(row.record.folder or '')}/report.html"), scope="row"
            ),
            *(element("td", _cell(row.numbers.get(name)), class_="number") for name in _SHOWN),
            element("td", f"{row.strangeness:.1f}", class_="number"),
            element("td", "; ".join(filter(None, [row.why, row.same_as and f"same CT as {row.same_as}"]))),
        )
        for row in done[:_MOST]
    ]
    more = f" The first {_MOST} of {len(done)}." if len(done) > _MOST else ""
    words = (
        "Strangeness is the largest distance of a study's numbers from the median of the cohort, in robust standard"
        f" deviations (median absolute deviation); from 3.5 on its cause is named.{more}"
    )
    heads = ["study", *(_WORDS[name] for name in _SHOWN), "strangeness", "why"]
    return element("section", element("h2", "Studies, strangest first"), element("p", words), _table(heads, lines))


def _time(records: Sequence[StudyRecord]) -> Markup:
    seconds = spent(records)
    ran = sum(record.done and not record.reused for record in records)
    lines = [
        element(
            "tr",
            element("th", words, scope="row"),
            element("td", f"{seconds[stage] / ran:.3f}", class_="number"),
            element("td", f"{100 * seconds[stage] / seconds['total']:.0f} %", class_="number"),
        )
        for stage, words in _STAGES.items()
        if stage in seconds and ran
    ]
    memory = [record.memory_mib for record in records if record.memory_mib]
    told = (
        f"Memory held by the engine's process after a study: {min(memory):.0f} to {max(memory):.0f} MiB. "
        if memory
        else ""
    )
    return element(
        "section",
        element("h2", "Where the time went"),
        element("p", told),
        _table(["stage", "seconds a study", "share"], lines),
    )


def _table(heads: Sequence[str], lines: Sequence[Markup]) -> Markup:
    head = element("thead", element("tr", *(element("th", words, scope="col") for words in heads)))
    return element("div", element("table", head, element("tbody", *lines), class_="studies"), class_="scroll")


def _cell(value: Number) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, (int, float)) else value
