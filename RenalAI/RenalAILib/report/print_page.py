"""The report for paper: the same findings in the old HTML that rich-text printers lay out.

``report.html`` is for browsers. What prints inside 3D Slicer (Qt's rich text) knows tables, colours and pictures, but
no grid, no flex and no drawing. Nothing here is wider than :data:`WIDTH` pixels of 1/96 inch.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime

from ..findings import Findings, Mass
from ..labels import MassClass
from ..pictures.figures import Picture
from ..pictures.png import png
from ..radiologist.readings import Reading
from ..terminology import CLASS_COLORS, KIDNEY_COLOR, Rgb, segment_name, short_name
from ..version import __version__
from . import wording
from .burnin import burnt_in
from .markup import Child, Markup, element, joined

WIDTH = 680  # 180 mm, A4 within margins of 15 mm
_GAP = 10
_RED, _AMBER, _GREEN, _MUTED = "#a01818", "#7a4f01", "#14532d", "#555555"
_LIMITS = (
    "These classes say nothing about malignancy: a fat-poor AML looks solid, and a cystic mass may be a carcinoma. "
    "Masses under 5 mm average diameter are marked small; their class is not reliable. Grad-CAM shows which voxels "
    "raised the network's class, not where disease is. Masses may be missed, and normal structures may be taken for "
    "masses; the model's card says how often, on which scans, and what it was trained on."
)


def print_page(
    findings: Findings,
    overview: Sequence[Picture],
    pictures: Mapping[str, Sequence[Picture]],
    readings: Sequence[Reading] = (),
    time: datetime | None = None,
) -> str:
    """The page, arguments as of :func:`.html.report_html`."""
    name = str(findings.volume.get("name", "CT"))
    time = time or datetime.now().astimezone()
    bundle = findings.bundle
    body: list[Child] = [
        element("h1", "Kidneys and renal masses on CT"),
        element("p", _small(f"{name} \N{MIDDLE DOT} {time:%Y-%m-%d %H:%M} {time.tzname() or ''}".rstrip())),
        _note(wording.DEMONSTRATION, _RED) if bundle.demonstration else None,
        element("p", wording.summary(findings)),
        [_note(warning, _AMBER) for warning in findings.warnings],
        _others(findings),
        _overview(findings, overview),
        _kidneys(findings),
        _masses(findings, readings),
        [_card(mass, pictures.get(mass.segment_id, ()), readings) for mass in findings.masses],
        element("h2", "Limits"),
        element("p", _small(_LIMITS)),
        element("p", _small(f"Model {bundle.name} {bundle.version}, SHA-256 {bundle.sha256}. RenalAI {__version__}.")),
    ]
    return "<!DOCTYPE html>\n" + element("html", element("body", *body)) + "\n"


def _others(findings: Findings) -> list[Markup]:
    """What models of other kinds say: a verdict about the patient, boxes."""
    told = []
    if findings.verdict is not None:
        verdict = findings.verdict
        count = len(verdict.slices)
        whom = f"{verdict.side.value} kidney" if verdict.side else "patient"
        text = f"Verdict for the {whom}: {verdict.label}, by {wording.percent(verdict.share)} of {count} slices."
        told.append(element("p", element("b", text)))
    if findings.detections:
        rows = [
            (
                box.detection_id.replace("_", " "),
                box.label,
                wording.percent(box.score),
                wording.place_of(box.centre_ras),
            )
            for box in findings.detections
        ]
        told += [element("h2", "Candidates"), _table(("Candidate", "Kind", "Score", "Middle"), rows)]
    return told


def _overview(findings: Findings, overview: Sequence[Picture]) -> Markup | None:
    names = {mass.segment_id: short_name(mass) for mass in findings.masses}
    legend: list[Child] = [_swatch("kidney", KIDNEY_COLOR)] if findings.kidneys else []
    shown = {mass.mass_class for mass in findings.masses}
    legend += [_swatch(wording.class_phrase(cls), CLASS_COLORS[cls]) for cls in MassClass if cls in shown]
    if not overview:
        return None
    return joined(element("h2", "Overview"), _row(overview, names=names), element("p", *legend))


def _kidneys(findings: Findings) -> Markup | None:
    rows = [
        (segment_name(kidney), wording.milliliters(kidney.volume_ml), wording.hounsfield(kidney.mean_hu))
        for kidney in findings.kidneys
    ]
    if not rows:
        return None
    return joined(element("h2", "Kidneys"), _table(("Kidney", "Volume without masses", "Mean"), rows))


def _masses(findings: Findings, readings: Sequence[Reading]) -> Markup | None:
    removed = [segment for segment in findings.removed if isinstance(segment, Mass)]
    if not findings.masses and not removed:
        return None
    rows: list[tuple[Child, ...]] = []
    for mass in (*findings.masses, *removed):
        probability = mass.probabilities.get(mass.mass_class)
        said = ", ".join(reading.words for reading in readings if reading.segment_id == mass.segment_id)
        if mass in removed:
            said = "Removed by the radiologist"
        elif mass.drawn:
            said = said or "Drawn"
        rows.append((
            f"{_plain_name(mass)} ({short_name(mass)})" + (", small" if mass.small else ""),
            _swatch(wording.class_phrase(mass.mass_class, capital=True), CLASS_COLORS[mass.mass_class]),
            "\N{EN DASH}" if probability is None else wording.percent(probability),
            wording.diameters(mass), wording.milliliters(mass.volume_ml), wording.hounsfield(mass.mean_hu),
            said or "\N{EN DASH}",
        ))  # fmt: skip
    head = ("Mass", "Class", "Probability", "Diameter axial / average", "Volume", "Mean", "Radiologist")
    return joined(element("h2", "Masses"), _table(head, rows))


def _card(mass: Mass, pictures: Sequence[Picture], readings: Sequence[Reading]) -> Markup:
    """A mass on a page of its own."""
    shares = ", ".join(
        f"{wording.class_phrase(cls, capital=True)} {wording.percent(share)}"
        for cls, share in mass.probabilities.items()
    )
    told: list[Child] = [
        [_note(f"Radiologist: {reading.words}. {reading.note}", _GREEN), element("p", _small(_who(reading)))]
        for reading in readings
        if reading.segment_id == mass.segment_id
    ]
    doubt = wording.disagreement(mass)
    heated = bool(pictures) and all(picture.heat is not None for picture in pictures)
    return joined(
        element("h2", _plain_name(mass), style="page-break-before: always"),
        *told,
        _note(doubt, _AMBER) if doubt else None,
        element(
            "p", mass.evidence.text if mass.drawn else f"The network's probabilities: {shares}. {mass.evidence.text}"
        ),
        element("p", _small(f"Middle at {wording.place_of(mass.centroid_ras)}")),
        _row(pictures) if pictures else None,
        element("p", _small("Below: Grad-CAM, what raised the score of this class; the brighter, the more."))
        if heated
        else None,
        _row(pictures, heat=True) if heated else None,
    )


def _who(reading: Reading) -> str:
    return ", ".join(part for part in (reading.reader, reading.time.replace("T", " ")) if part)


def _row(pictures: Sequence[Picture], names: Mapping[str, str] | None = None, heat: bool = False) -> Markup:
    """Pictures side by side with their planes, as wide as the page at most."""
    most = (WIDTH - _GAP * (len(pictures) - 1)) // max(len(pictures), 3)
    cells = []
    for picture in pictures:
        rows, columns = picture.grey.shape
        data = base64.b64encode(png(burnt_in(picture, names, heat))).decode("ascii")
        source = f"data:image/png;base64,{data}"
        drawn = element("img", src=source, width=most, height=round(most * rows / columns))
        plane = picture.section.plane.value.capitalize() + (f", {picture.subject}" if picture.subject else "")
        cells.append(element("td", drawn, element("br"), _small(plane), style=f"padding-right: {_GAP}px"))
    return element("table", element("tr", cells), cellspacing=0, cellpadding=0)


def _table(head: Sequence[str], rows: Sequence[Sequence[Child]]) -> Markup:
    headings = [element("th", text, align="left", bgcolor="#e8edf2") for text in head]
    lines = [element("tr", [element("td", cell) for cell in row]) for row in rows]
    return element(
        "table", element("tr", headings), lines, width=WIDTH, cellspacing=0, cellpadding=4, border=1,
        style="border-collapse: collapse; border-color: #b8c4ce",
    )  # fmt: skip


def _note(text: str, color: str) -> Markup:
    return element("p", element("b", text, style=f"color: {color}"))


def _small(text: str) -> Markup:
    return element("span", text, style=f"color: {_MUTED}; font-size: small")


def _swatch(text: str, color: Rgb) -> Markup:
    red, green, blue = color
    square = element("span", "\N{BLACK SQUARE}", style=f"color: #{red:02x}{green:02x}{blue:02x}")
    return joined(square, f"{wording.NBSP}{text}  ")


def _plain_name(mass: Mass) -> str:
    return segment_name(mass).partition(" (")[0]
