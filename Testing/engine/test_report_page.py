"""The page: says what was found, in words and pictures, and runs nothing that came in with the data."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from paintedbody import painted_outcome

from RenalAILib.findings import Diameters, Findings, Mass, Outcome
from RenalAILib.labels import MassClass, Side
from RenalAILib.pictures.figures import Figures
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.report.html import report_html
from RenalAILib.report.markup import element, joined
from RenalAILib.report.wording import disagreement, hounsfield, millimeters, percent, summary

TIME = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
EVIL = "<script>alert('x')</script>\"' onload=\"y\" <img src=http://evil/> &amp; \u202e"
VOID = {"meta", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """Every element with its attributes, the visible text, and whether all that opens also closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["style"], ["script"]):
            self.text += data

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.elements)

    def classes(self) -> Counter[str]:
        return Counter(name for _, attributes in self.elements for name in (attributes.get("class") or "").split())


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return painted_outcome()


def _html(outcome: Outcome, findings: Findings | None = None, readings: tuple[Reading, ...] = ()) -> str:
    findings = findings or outcome.findings
    figures = Figures(replace(outcome, findings=findings))
    pictures = {mass.segment_id: figures.of_mass(mass) for mass in findings.masses}
    return report_html(findings, figures.overview(), pictures, readings, TIME)


@pytest.fixture(scope="module")
def page(outcome: Outcome) -> Page:
    return Page(_html(outcome))


def test_the_page_shows_everything_that_was_found(page: Page, outcome: Outcome) -> None:
    for text in ("painted", "2026-03-01 14:05", "painted 1.2.3", outcome.findings.bundle.sha256, "100 × 74 × 36"):
        assert text in page.text
    for words in (*outcome.findings.warnings, summary(outcome.findings), outcome.findings.masses[0].evidence.text):
        assert words in page.text
    assert page.classes()["mass"] == 3
    assert page.classes()["bars"] == 6  # in the table and in the card of each mass
    assert page.count("figure") == 3 + 3 * 6
    assert page.classes()["heat"] == 3


def test_each_ct_is_embedded_once_and_drawn_twice(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = [attributes["href"] for tag, attributes in page.elements if tag == "use"]
    assert len(used) == 9
    assert {f"#{name}" for name in ids} >= set(used)


def test_pictures_have_words_for_those_who_cannot_see_them(page: Page) -> None:
    drawings = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in drawings)
    assert "Left mass 2, sagittal, with Grad-CAM" in {attributes["aria-label"] for attributes in drawings}


def test_the_page_needs_nothing_from_outside(outcome: Outcome, page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in {"script", "iframe", "object", "embed", "link", "base", "form"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"href", "src", "xlink:href"}:
                assert (value or "").startswith(("#", "data:image/png;base64,"))
    text = _html(outcome)
    assert "@import" not in text and "url(" not in text
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (policy or "") and "script-src" not in (policy or "")


def test_nothing_that_came_in_is_markup(outcome: Outcome) -> None:
    masses = tuple(replace(mass, evidence=replace(mass.evidence, text=EVIL)) for mass in outcome.findings.masses)
    findings = replace(
        outcome.findings,
        bundle=replace(outcome.findings.bundle, name=EVIL, version=EVIL, sha256=EVIL),
        volume={**outcome.findings.volume, "name": EVIL},
        warnings=(EVIL,),
        masses=masses,
        timings_s={EVIL: 1.0},
    )
    readings = (Reading("mass_left_1", Answer.NOTED, note=EVIL, reader=EVIL),)
    evil = Page(_html(outcome, findings, readings))
    good = Page(_html(outcome, None, (Reading("mass_left_1", Answer.NOTED, note="x", reader="y"),)))
    # As many facts, so as many elements: only one entry of the times is there, in one line of text.
    assert [tag for tag, _ in evil.elements] == [tag for tag, _ in good.elements]
    assert evil.count("script") == evil.count("img") == 0
    assert not any(name.startswith("on") for _, attributes in evil.elements for name in attributes)
    assert (
        evil.text.count("<script>alert('x')</script>") == 12
    )  # name twice, bundle 3, warning, 3 texts, note, reader, stage


def test_demonstration_weights_say_so_first(outcome: Outcome, page: Page) -> None:
    words = "Demonstration weights: research only, not for diagnosis."
    assert page.text.index(words) < page.text.index("Both kidneys were found")
    honest = replace(outcome.findings, bundle=replace(outcome.findings.bundle, demonstration=False))
    assert words not in Page(_html(outcome, honest)).text


def test_disagreement_is_highlighted(page: Page) -> None:
    assert page.classes()["disagreement"] == 1
    assert "the network says an AML, the measurements speak for a solid mass" in page.text
    assert "measurements: solid" in page.text


def test_small_masses_are_marked(outcome: Outcome, page: Page) -> None:
    assert "class not reliable" not in page.text
    masses = (*outcome.findings.masses[:2], replace(outcome.findings.masses[2], diameter_mm=Diameters(4.9, 5.2)))
    assert "small: class not reliable" in Page(_html(outcome, replace(outcome.findings, masses=masses))).text


def test_readings_are_shown_as_the_radiologists(outcome: Outcome) -> None:
    readings = (
        Reading("mass_left_2", Answer.RECLASSIFIED, MassClass.SOLID, "no fat here", "Dr. A", "2026-03-01T14:05:00"),
        Reading("mass_left_1", Answer.REJECTED),
    )
    page = Page(_html(outcome, None, readings))
    assert page.classes()["reading"] == 2
    assert "Radiologist: Reclassified as solid. no fat here" in page.text
    assert "Dr. A, 2026-03-01 14:05:00" in page.text
    assert "radiologist: rejected" in page.text


def test_nothing_found_makes_a_page_too(outcome: Outcome) -> None:
    empty = replace(outcome, instances=outcome.instances * 0, labels=outcome.labels * 0, saliency={})
    page = Page(_html(empty, replace(outcome.findings, kidneys=(), masses=())))
    assert "No kidney and no renal mass was found" in page.text
    assert page.count("figure") == 2
    assert page.text.count("not found") == 2
    assert page.classes()["mass"] == 0


def _masses(findings: Findings, *classes: tuple[Side, MassClass, float]) -> Findings:
    one = findings.masses[0]
    return replace(
        findings,
        masses=tuple(
            replace(one, segment_id=f"m{n}", side=side, mass_class=cls, diameter_mm=Diameters(size, size))
            for n, (side, cls, size) in enumerate(classes)
        ),
    )


def test_the_summary_reads_like_a_sentence(outcome: Outcome) -> None:
    findings = outcome.findings
    none = replace(findings, masses=())
    assert summary(none) == "Both kidneys were found. No renal mass was found."
    only = replace(none, kidneys=findings.kidneys[1:])
    assert summary(only) == "Only one kidney was found, the left one. No renal mass was found."
    three = replace(none, kidneys=(*findings.kidneys, replace(findings.kidneys[1], segment_id="kidney_left_2")))
    assert summary(three).startswith("Three kidneys were found: one on the right and two on the left.")
    found = _masses(
        findings,
        (Side.RIGHT, MassClass.CYSTIC, 31.4),
        (Side.LEFT, MassClass.AML, 8.25),
        (Side.LEFT, MassClass.UNKNOWN, 12.0),
        (Side.LEFT, MassClass.SOLID, 40.0),
    )
    assert summary(found).replace("\xa0", " ") == (
        "Both kidneys were found. Four renal masses: on the right, a cystic mass of 31 mm; "
        "on the left, an AML of 8.2 mm, a mass of unknown class of 12 mm and a solid mass of 40 mm."
    )
    one = summary(_masses(findings, (Side.LEFT, MassClass.SOLID, 40.0))).replace("\xa0", " ")
    assert one == "Both kidneys were found. One renal mass: on the left, a solid mass of 40 mm."


def test_an_unsure_network_is_no_disagreement(outcome: Outcome) -> None:
    mass: Mass = outcome.findings.masses[0]
    unsure = replace(mass, mass_class=MassClass.UNKNOWN, evidence=replace(mass.evidence, agrees=None))
    assert "not sure enough" in (disagreement(unsure) or "")
    assert disagreement(mass) is None


def test_numbers_keep_their_units_and_signs() -> None:
    assert hounsfield(-60.4) == "\N{MINUS SIGN}60\xa0HU"
    assert millimeters(9.94) == "9.9\xa0mm"
    assert [percent(value).replace("\xa0", " ") for value in (0, 0.001, 0.5, 0.999, 1)] == [
        "0 %",
        "< 1 %",
        "50 %",
        "> 99 %",
        "100 %",
    ]


def test_markup_escapes_all_but_markup() -> None:
    assert element("p", "<", element("b", "&"), None, title='"') == '<p title="&quot;">&lt;<b>&amp;</b></p>'
    assert joined(["<", element("br")], "x") == "&lt;<br>x"
    assert re.fullmatch(r"<rect x=\"1\"/>", element("rect", x=1))
