"""The part of the report about candidates: a table of boxes with their scores, and pictures of the best ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..detections import Detection
from ..pictures.figures import Picture
from ..pictures.layers import BOX_COLOR
from . import wording
from .markup import Markup, element
from .svg import SvgPicture


def detections_section(detections: Sequence[Detection], pictures: Mapping[str, Sequence[Picture]]) -> Markup:
    """Heading, table and pictures; a sentence where there is no candidate."""
    if not detections:
        return element(
            "section", element("h2", "Candidates"), element("p", "The detector found none."), id="candidates"
        )
    headings = [
        element("th", "Candidate"),
        element("th", "Class"),
        element("th", "Side"),
        element("th", "Score", class_="number"),
        element("th", "Box", class_="number"),
        element("th", "Slices", class_="number"),
        element("th", "Middle"),
    ]
    rows = [_row(detection, detection.detection_id in pictures) for detection in detections]
    table = element("table", element("thead", element("tr", headings)), element("tbody", rows))
    shown = [one for one in detections if pictures.get(one.detection_id)]
    more = len(detections) - len(shown)
    note = f"Pictures of the {len(shown)} candidates with the highest scores; the table has all." if more else None
    return element(
        "section",
        element("h2", "Candidates"),
        element("div", table, class_="scroll"),
        element("p", note, class_="meta") if note else None,
        [_card(one, pictures[one.detection_id]) for one in shown],
        id="candidates",
    )


def box_method() -> Markup:
    """How the boxes came about and what they do not say."""
    limits = [
        "A box says where to look. It is no outline, its edges are no diameter, and it has no class of its own beside "
        "what the detector was trained to find.",
        "The score is the network's, of the best slice: not the probability that there is a lesion.",
        "Lesions may be missed, and normal structures may be boxed. The bundle's card says how often, on which scans.",
    ]
    return element(
        "section",
        element("h2", "Method and limits"),
        element(
            "p",
            "A single-shot detector looked at axial slices with their neighbors. Boxes of neighboring slices that "
            "overlap were joined to one candidate.",
        ),
        element("ul", [element("li", limit) for limit in limits], class_="limits"),
    )


def _row(detection: Detection, linked: bool) -> Markup:
    name = wording.detection_name(detection)
    side = detection.side.value if detection.side else "\N{EN DASH}"
    return element(
        "tr",
        element("th", element("a", name, href=f"#{detection.detection_id}") if linked else name, scope="row"),
        element("td", element("span", detection.label, class_="chip", style=f"--color: rgb{BOX_COLOR}")),
        element("td", side),
        element("td", f"{detection.score:.2f}", class_="number"),
        element("td", wording.box_size(detection), class_="number"),
        element("td", str(len(detection.slices)), class_="number"),
        element("td", wording.place_of(detection.centre_ras)),
    )


def _card(detection: Detection, pictures: Sequence[Picture]) -> Markup:
    name = wording.detection_name(detection)
    drawings = [SvgPicture(one, f"{detection.detection_id}-{one.section.plane.value}") for one in pictures]
    figures = [
        drawing.figure(f"{name}, {picture.section.plane.value}, with its box")
        for drawing, picture in zip(drawings, pictures, strict=True)
    ]
    side = f", {detection.side.value} side" if detection.side else ""
    return element(
        "article",
        element("header", element("h3", f"{name}: {detection.label}{side}, score {detection.score:.2f}")),
        element("div", figures, class_="pictures"),
        class_="mass",
        id=detection.detection_id,
    )
