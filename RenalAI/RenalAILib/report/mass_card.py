"""The part of the report about one mass: class, size, evidence, pictures, and what a radiologist said."""

from __future__ import annotations

from collections.abc import Sequence

from ..findings import Mass
from ..labels import MassClass
from ..pictures.figures import Picture
from ..radiologist.readings import Answer, Reading
from ..terminology import CLASS_COLORS, segment_name
from . import wording
from .markup import Markup, element, joined
from .svg import SvgPicture

_CLASSES = (MassClass.AML, MassClass.CYSTIC, MassClass.SOLID)


def mass_card(mass: Mass, pictures: Sequence[Picture], readings: Sequence[Reading]) -> Markup:
    """Everything about ``mass``; its heading is the target of links from the table."""
    name = segment_name(mass).partition(" (")[0]
    return element(
        "article",
        element("header", element("h3", name), chip(mass.mass_class), element("span", flags(mass, readings))),
        [_reading(reading) for reading in readings],
        _doubt(mass),
        element("div", _measurements(mass), _evidence(mass), class_="facts"),
        _pictures(mass, name, pictures),
        class_="mass",
        id=mass.segment_id,
    )


def chip(mass_class: MassClass) -> Markup:
    """The class with its colour."""
    words = wording.class_phrase(mass_class, capital=True)
    return element("span", words, class_="chip", style=f"--color: rgb{CLASS_COLORS[mass_class]}")


def flags(mass: Mass, readings: Sequence[Reading]) -> list[Markup]:
    """Short words for what to note: small, evidence differs, read."""
    found = []
    if mass.small:
        found.append(element("span", "small: class not reliable", class_="flag"))
    if mass.evidence.agrees is False:
        suggested = wording.class_phrase(mass.evidence.suggests)
        found.append(element("span", f"measurements: {suggested}", class_="flag alert"))
    if mass.drawn and not any(reading.verdict is Answer.DRAWN for reading in readings):
        found.append(element("span", "drawn by the radiologist", class_="flag read"))
    found.extend(element("span", f"radiologist: {reading.words.lower()}", class_="flag read") for reading in readings)
    return found


def probability_bars(mass: Mass) -> Markup:
    """One bar a class, with its percentage."""
    most = max(_CLASSES, key=lambda cls: mass.probabilities.get(cls, 0.0))
    cells: list[Markup] = []
    for cls in _CLASSES:
        share = mass.probabilities.get(cls)
        weight = " most" if cls is most else ""
        text = "\N{EN DASH}" if share is None else wording.percent(share)
        style = f"--share: {100 * (share or 0):.1f}%; --color: rgb{CLASS_COLORS[cls]}"
        cells += [
            element("span", wording.class_phrase(cls, capital=True), class_="name" + weight),
            element("span", element("span", "", class_="fill", style=style), class_="track"),
            element("span", text, class_="value" + weight),
        ]
    return element("div", cells, class_="bars")


def _reading(reading: Reading) -> Markup:
    who = ", ".join(part for part in (reading.reader, reading.time.replace("T", " ")) if part)
    return element(
        "div",
        element("p", element("strong", f"Radiologist: {reading.words}."), f" {reading.note}" if reading.note else None),
        element("p", who, class_="who") if who else None,
        class_="note reading",
    )


def _doubt(mass: Mass) -> Markup | None:
    text = wording.disagreement(mass)
    if text is None:
        return None
    return element("p", text, class_="note warning" if mass.evidence.agrees is None else "note disagreement")


def _measurements(mass: Mass) -> Markup:
    evidence = mass.evidence
    spread = f"{wording.NBSP}\N{PLUS-MINUS SIGN}{wording.NBSP}{evidence.sd_hu:.0f}"
    facts = {
        "Largest axial diameter": wording.millimeters(mass.diameter_mm.axial_max),
        "Average diameter": wording.millimeters(mass.diameter_mm.average),
        "Volume": wording.milliliters(mass.volume_ml),
        "Attenuation": wording.hounsfield(mass.mean_hu).replace(f"{wording.NBSP}HU", f"{spread}{wording.NBSP}HU"),
        "Macroscopic fat": f"{wording.percent(evidence.fat_fraction)} of voxels",
        "Fluid-like": f"{wording.percent(evidence.fluid_fraction)} of voxels",
        "Enhancement": None if evidence.enhancement_hu is None else wording.hounsfield(evidence.enhancement_hu),
        "Middle": wording.place_of(mass.centroid_ras),
    }
    return element("dl", [joined(element("dt", term), element("dd", fact)) for term, fact in facts.items() if fact])


def _evidence(mass: Mass) -> Markup:
    return element(
        "div",
        None if mass.drawn else element("h4", "Network's probabilities"),
        None if mass.drawn else probability_bars(mass),
        element("h4", "Measured evidence"),
        element("p", mass.evidence.text),
    )


def _pictures(mass: Mass, name: str, pictures: Sequence[Picture]) -> Markup | None:
    if not pictures:
        return None
    drawings = [SvgPicture(picture, f"{mass.segment_id}-{picture.section.plane.value}") for picture in pictures]
    planes = [picture.section.plane.value for picture in pictures]
    outlined = [
        drawing.figure(f"{name}, {plane}, with outlines") for drawing, plane in zip(drawings, planes, strict=True)
    ]
    rows = [element("div", outlined, class_="pictures")]
    if all(drawing.has_heat for drawing in drawings):
        heated = [
            drawing.figure(f"{name}, {plane}, with Grad-CAM", heat=True)
            for drawing, plane in zip(drawings, planes, strict=True)
        ]
        scale = element("span", "", class_="heat", role="img", aria_label="dark to bright")
        legend = element("p", "Grad-CAM, what raised the score of this class: little", scale, "much", class_="row-name")
        rows.append(element("div", legend, element("div", heated, class_="pictures")))
    return joined(*rows)
