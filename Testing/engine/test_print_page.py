"""The page for print: only what rich text knows, escaped, with pictures that carry their letters."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from paintedbody import painted_outcome

from RenalAILib.detections import Detection
from RenalAILib.pictures.figures import Figures, Mark
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.report.burnin import burnt_in
from RenalAILib.report.print_page import WIDTH, print_page
from RenalAILib.verdicts import SliceVote, Verdict

# https://doc.qt.io/qt-6/richtext-html-subset.html
KNOWN = {
    "html", "body", "h1", "h2", "p", "span", "b", "br", "table", "tr", "th", "td", "img",
}  # fmt: skip


@pytest.fixture(scope="module")
def painted():
    outcome = painted_outcome()
    figures = Figures(outcome)
    return outcome.findings, figures.overview(), {m.segment_id: figures.of_mass(m) for m in outcome.findings.masses}


class Tags(HTMLParser):
    """Every tag that a page opens."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)


def tags(page):
    parser = Tags()
    parser.feed(page)
    return parser.found


def test_only_tags_that_rich_text_knows(painted):
    page = print_page(*painted)
    assert tags(page) <= KNOWN and "<svg" not in page and "display:" not in page
    for width in re.findall(r'<img[^>]* width="(\d+)"', page):
        assert 3 * int(width) <= WIDTH
    for data in re.findall(r"data:image/png;base64,([^\"]+)", page):
        assert base64.b64decode(data)[:4] == b"\x89PNG"


def test_what_people_write_is_text(painted):
    findings, overview, pictures = painted
    findings = replace(findings, volume={**findings.volume, "name": "<script>CT</script>"})
    said = Reading("mass_left_1", Answer.NOTED, None, "a < b & c", "Dr. <A>", "2026-03-01T14:05:00+01:00")
    page = print_page(findings, overview, pictures, [said])
    assert "&lt;script&gt;" in page and "<script" not in page
    assert "a &lt; b &amp; c" in page and "Dr. &lt;A&gt;" in page


def test_models_of_other_kinds_have_their_say(painted):
    findings, overview, pictures = painted
    votes = tuple(SliceVote(k, (0.0, 0.0, k), {"benign": 0.2, "rcc": 0.8}, "rcc") for k in range(4))
    axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    box = Detection("candidate_1", "mass", 0.9, (10.0, 20.0, 30.0), (5.0, 5.0, 5.0), axes, (3,))
    found = replace(findings, verdict=Verdict("rcc", None, 0.5, votes), detections=(box,))
    page = print_page(found, overview, pictures)
    assert "Verdict for the patient: rcc" in page and "candidate 1" in page


def test_nothing_found_is_a_page_too(painted):
    findings, _overview, _pictures = painted
    page = print_page(replace(findings, kidneys=(), masses=()), (), {})
    assert "No kidney and no renal mass was found" in page and "Overview" not in page


def test_the_letters_and_the_bar_are_burnt_in(painted):
    _findings, overview, pictures = painted
    picture = pictures["mass_left_1"][0]
    plain = replace(picture, grey=np.zeros_like(picture.grey), outlines=np.zeros_like(picture.outlines), heat=None)
    pixels = burnt_in(plain)
    rows, columns = picture.grey.shape
    assert pixels.shape == (rows, columns, 3) and set(np.unique(pixels)) == {0, 255}
    for part in (pixels[:, :40], pixels[:, -40:], pixels[:40], pixels[-40:]):
        assert part.any()
    bar = pixels[rows - 11 : rows - 8, columns // 2 :].any(axis=(0, 2)).sum()
    cm = bar * picture.section.mm_per_pixel / 10
    assert min(abs(cm - length) for length in (1, 2, 5, 10)) < 0.05
    heated = burnt_in(picture, heat=True)
    assert (heated != burnt_in(picture)).any()
    marked = replace(overview[0], marks=(Mark("mass_left_1", 100.0, 100.0),))
    assert (burnt_in(marked, {"mass_left_1": "L1"}) != burnt_in(marked)).any()
