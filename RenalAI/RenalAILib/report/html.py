"""``report.html``: one self-contained page for a radiologist. No script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..findings import Findings, Kidney, Mass
from ..labels import MassClass, Side
from ..pictures.figures import Picture
from ..radiologist.readings import Reading
from ..terminology import CLASS_COLORS, KIDNEY_COLOR, Rgb, segment_name, short_name
from ..version import __version__
from . import wording
from .detection_card import box_method, detections_section
from .markup import Child, Markup, element, joined
from .mass_card import chip, flags, mass_card, probability_bars
from .page_head import page_head
from .svg import SvgPicture
from .verdict_card import verdict_section

_STAGES = {
    "read": "reading the CT",
    "locate": "finding the kidneys",
    "delineate": "outlining kidneys and masses",
    "characterise": "classifying masses",
    "vote": "classifying slices",
    "detect": "looking for boxes in slices",
    "networks": "of these in the networks",
    "write": "writing pictures and files",
    "total": "in all",
}  # in the order of the report


def report_html(
    findings: Findings,
    overview: Sequence[Picture],
    pictures: Mapping[str, Sequence[Picture]],
    readings: Sequence[Reading] = (),
    time: datetime | None = None,
) -> str:
    """The page.

    Args:
        findings: what is said.
        overview: pictures of both kidneys.
        pictures: by mass segment ID or candidate, axial, coronal and sagittal.
        readings: radiologists' answers, shown as theirs.
        time: of the report, with its zone; now, if None.
    """
    name = str(findings.volume.get("name", "CT"))
    time = time or datetime.now().astimezone()
    by_mass: dict[str, list[Reading]] = {}
    for reading in readings:
        by_mass.setdefault(reading.segment_id, []).append(reading)
    head = page_head(f"RenalAI report: {name}")
    body = element(
        "body",
        _header(findings, name, time),
        element("main", *_main(findings, overview, pictures, by_mass)),
        element("footer", f"RenalAI {__version__}. Every finding needs a radiologist's eye before it means anything."),
    )
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _header(findings: Findings, name: str, time: datetime) -> Markup:
    bundle, zone = findings.bundle, time.tzname() or ""
    banner = element(
        "div",
        element("p", element("strong", wording.DEMONSTRATION)),
        element("p", "The networks behind this report were trained on few and partly simulated scans."),
        class_="note demonstration",
        role="note",
    )
    return element(
        "header",
        element("p", "RenalAI", class_="brand"),
        element("h1", "Kidneys and renal masses on CT"),
        element("p", element("bdi", name), f" \N{MIDDLE DOT} {time:%Y-%m-%d %H:%M} {zone}".rstrip(), class_="meta"),
        banner if bundle.demonstration else None,
    )


def _main(
    findings: Findings,
    overview: Sequence[Picture],
    pictures: Mapping[str, Sequence[Picture]],
    readings: Mapping[str, Sequence[Reading]],
) -> list[Child]:
    cards = [
        mass_card(mass, pictures.get(mass.segment_id, ()), readings.get(mass.segment_id, ()))
        for mass in findings.masses
    ]
    return [
        element("p", wording.summary(findings), class_="lead"),
        [element("p", warning, class_="note warning", role="note") for warning in findings.warnings],
        verdict_section(findings.verdict) if findings.verdict is not None else None,
        _overview(findings, overview),
        detections_section(findings.detections, pictures) if findings.detections is not None else None,
        _masses(findings, readings),
        _kidneys(findings) if findings.kidneys or _outlines(findings) else None,
        element("section", element("h2", "Mass by mass"), cards) if cards else None,
        _method(findings),
        _provenance(findings),
    ]


def _overview(findings: Findings, overview: Sequence[Picture]) -> Markup:
    names = {mass.segment_id: short_name(mass) for mass in findings.masses}
    names |= {one.detection_id: one.detection_id.rpartition("_")[2] for one in findings.detections or ()}
    drawings = [SvgPicture(picture, f"overview-{n}", names) for n, picture in enumerate(overview)]
    figures = [
        drawing.figure(f"{picture.section.plane.value.capitalize()} overview with outlines")
        for drawing, picture in zip(drawings, overview, strict=True)
    ]
    shown = {mass.mass_class for mass in findings.masses}
    legend: list[str | Markup | None] = [_legend_entry("kidney", KIDNEY_COLOR)] if findings.kidneys else []
    legend += [_legend_entry(wording.class_phrase(cls), CLASS_COLORS[cls]) for cls in MassClass if cls in shown]
    if findings.masses:
        legend.append("Coronal: masses as silhouettes, also in front of or behind the section.")
    return element(
        "section",
        element("h2", "Overview"),
        element("div", figures, class_="pictures" if len(figures) > 2 else "pictures pair"),
        element("p", legend, class_="legend") if legend else None,
    )


def _legend_entry(text: str, color: Rgb) -> Markup:
    return element("span", text, class_="chip", style=f"--color: rgb{color}")


def _masses(findings: Findings, readings: Mapping[str, Sequence[Reading]]) -> Markup | None:
    removed = [segment for segment in findings.removed if isinstance(segment, Mass)]
    if not findings.masses and not removed:
        return None
    headings = [
        element("th", "Mass"),
        element("th", "Class"),
        element("th", "Network's probabilities"),
        element("th", "Diameter", element("span", "axial / average", class_="sub"), class_="number"),
        element("th", "Volume", class_="number"),
        element("th", "Mean", class_="number"),
        element("th", "To note"),
    ]
    rows = [_mass_row(mass, readings.get(mass.segment_id, ())) for mass in findings.masses]
    rows += [_mass_row(mass, (), removed=True) for mass in removed]
    table = element("table", element("thead", element("tr", headings)), element("tbody", rows))
    return element("section", element("h2", "Masses"), element("div", table, class_="scroll"))


def _mass_row(mass: Mass, readings: Sequence[Reading], removed: bool = False) -> Markup:
    """A mass with a link to its card, or one that was removed and has none."""
    name = segment_name(mass).partition(" (")[0]
    link = name if removed else element("a", name, href=f"#{mass.segment_id}")
    notes = [element("span", "removed by the radiologist", class_="flag read")] if removed else flags(mass, readings)
    return element(
        "tr",
        element("th", link, element("span", short_name(mass), class_="sub"), scope="row"),
        element("td", chip(mass.mass_class)),
        element("td", "by no network" if mass.drawn else probability_bars(mass)),
        element("td", wording.diameters(mass), class_="number"),
        element("td", wording.milliliters(mass.volume_ml), class_="number"),
        element("td", wording.hounsfield(mass.mean_hu), class_="number"),
        element("td", notes),
    )


def _kidneys(findings: Findings) -> Markup:
    rows = []
    for side in Side:
        masses = [mass for mass in findings.masses if mass.side is side]
        kidneys = [kidney for kidney in findings.kidneys if kidney.side is side]
        if not kidneys:
            was = any(isinstance(segment, Kidney) and segment.side is side for segment in findings.removed)
            missing = element("td", "removed by the radiologist" if was else "not found", colspan=3, class_="missing")
            rows.append(element("tr", element("th", f"{side.value.capitalize()} kidney", scope="row"), missing))
        for kidney in kidneys:
            count = f"{len(masses)}, {wording.milliliters(sum(m.volume_ml for m in masses))}" if masses else "none"
            rows.append(
                element(
                    "tr",
                    element("th", segment_name(kidney), scope="row"),
                    element("td", wording.milliliters(kidney.volume_ml), class_="number"),
                    element("td", wording.hounsfield(kidney.mean_hu), class_="number"),
                    element("td", count, class_="number"),
                )
            )
    headings = [
        element("th", "Kidney"),
        element("th", "Volume without masses", class_="number"),
        element("th", "Mean", class_="number"),
        element("th", "Masses on this side", class_="number"),
    ]
    table = element("table", element("thead", element("tr", headings)), element("tbody", rows))
    return element("section", element("h2", "Kidneys"), element("div", table, class_="scroll kidneys"))


def _outlines(findings: Findings) -> bool:
    """Whether the bundle looks for kidneys to outline: one that is missing is worth a word then."""
    return findings.verdict is None and findings.detections is None


def _method(findings: Findings) -> Markup:
    if findings.detections is not None and not findings.masses:
        return box_method()
    if findings.verdict is not None and not findings.masses:
        return _voting_method()
    limits = [
        "An AML is named for macroscopic fat (below \N{MINUS SIGN}30 HU), a cystic mass for less than a quarter of "
        "enhancing tissue, a solid mass for more. These classes say nothing about malignancy: a fat-poor AML looks "
        "solid, and a cystic mass may be a carcinoma.",
        "Masses under 5 mm average diameter are marked small; their class is not reliable.",
        "Where the network is not sure enough, the class is left unknown.",
        "Grad-CAM shows which voxels raised the network's class. It does not show where disease is.",
        "Lines in the pictures are smoothed; diameters, volumes and HU are measured on the voxels.",
        "Masses may be missed, and normal structures may be taken for masses. The bundle's card says how often, "
        "on which scans, and what it was trained on.",
    ]
    if findings.masses and all(mass.evidence.enhancement_hu is None for mass in findings.masses):
        limits.insert(1, "Enhancement was not measured: no second phase was given.")
    return element(
        "section",
        element("h2", "Method and limits"),
        element(
            "p",
            "Neural networks outlined kidneys and masses and gave each mass a class with a probability. Beside them, "
            "attenuation is measured in each mass by plain arithmetic; where both speak for different classes, "
            "this report says so.",
        ),
        element("ul", [element("li", limit) for limit in limits], class_="limits"),
    )


def _voting_method() -> Markup:
    limits = [
        "A slice is classified as a whole: nothing here says where in it the reason lies.",
        "The votes of neighboring slices are not independent: many alike votes are no more certain than a few.",
        "The bundle's card says on which slices and patients it was trained, and how often it was right.",
    ]
    return element(
        "section",
        element("h2", "Method and limits"),
        element(
            "p",
            "A neural network gave each axial slice a probability of each class. Every slice votes for its likeliest "
            "class, and the votes decide for the patient.",
        ),
        element("ul", [element("li", limit) for limit in limits], class_="limits"),
    )


def _provenance(findings: Findings) -> Markup:
    bundle, volume, times = findings.bundle, findings.volume, findings.timings_s
    known = [stage for stage in _STAGES if stage in times]
    ordered = [*(stage for stage in times if stage not in _STAGES), *known]
    facts = {
        "Bundle": f"{bundle.name} {bundle.version}" + (" (demonstration)" if bundle.demonstration else ""),
        "SHA-256": bundle.sha256,
        "Voxels": " \N{MULTIPLICATION SIGN} ".join(str(n) for n in reversed(volume.get("shape", ()))),
        "Voxel, mm": " \N{MULTIPLICATION SIGN} ".join(f"{mm:.3g}" for mm in reversed(volume.get("spacing_mm", ()))),
        "Seconds": ", ".join(f"{_STAGES.get(stage, stage)} {times[stage]:.2f}" for stage in ordered),
    }
    pairs = [joined(element("dt", term), element("dd", value)) for term, value in facts.items() if value]
    return element("section", element("h2", "Where this comes from"), element("dl", pairs, class_="provenance"))
