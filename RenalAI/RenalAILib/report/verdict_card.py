"""The part of the report about a patient's class: the verdict, the share of the slices behind it, and every vote."""

from __future__ import annotations

from ..verdicts import Verdict
from . import wording
from .markup import Markup, element

COLORS = ((46, 134, 171), (214, 118, 33), (122, 92, 168), (74, 140, 82), (176, 66, 92), (120, 120, 120))
"""Of the classes, in the network's order; told apart also by those who see no red or green."""

_WIDTH, _HEIGHT, _FOOT = 720, 150, 18


def verdict_section(verdict: Verdict) -> Markup:
    """Heading, verdict, shares, and a chart with one column a slice."""
    positive = list(verdict.slices[0].probabilities)[-1]
    return element(
        "section",
        element("h2", "Votes of the slices"),
        element("p", element("strong", verdict.label), f": {wording.verdict_rule(verdict)}"),
        _shares(verdict),
        element(
            "figure",
            _columns(verdict, positive),
            element(
                "figcaption",
                f"One column a slice, from feet to head: how high, the probability of {positive} (the line is "
                f"50{wording.NBSP}%); its color, what the slice votes for.",
            ),
        ),
        id="verdict",
    )


def _shares(verdict: Verdict) -> Markup:
    """One bar a class with its share of the votes."""
    cells: list[Markup] = []
    for number, (name, share) in enumerate(verdict.shares.items()):
        most = " most" if name == verdict.label else ""
        style = f"--share: {100 * share:.1f}%; --color: {_color(number)}"
        count = sum(vote.vote == name for vote in verdict.slices)
        cells += [
            element("span", name, class_="name" + most),
            element("span", element("span", "", class_="fill", style=style), class_="track"),
            element("span", f"{count}, {wording.percent(share)}", class_="value" + most),
        ]
    return element("div", cells, class_="bars votes")


def _columns(verdict: Verdict, positive: str) -> Markup:
    names = list(verdict.slices[0].probabilities)
    step = _WIDTH / len(verdict.slices)
    floor = _HEIGHT - _FOOT
    columns = []
    for number, vote in enumerate(verdict.slices):
        tall = max(vote.probabilities[positive] * (floor - 4), 1.5)
        told = f"Slice {vote.k}, {wording.place(vote.centre_ras, 2)}: {positive} " + wording.percent(
            vote.probabilities[positive]
        )
        columns.append(
            element(
                "rect",
                element("title", told),
                x=f"{number * step + 0.08 * step:.2f}",
                y=f"{floor - tall:.2f}",
                width=f"{0.84 * step:.2f}",
                height=f"{tall:.2f}",
                fill=_color(names.index(vote.vote)),
            )
        )
    half = floor - 0.5 * (floor - 4)
    return element(
        "svg",
        element("g", columns),
        element("path", d=f"M0 {half:.1f}H{_WIDTH}", class_="half"),
        element("path", d=f"M0 {floor}H{_WIDTH}", class_="floor"),
        element("text", "feet", x=0, y=_HEIGHT - 4),
        element("text", "head", x=_WIDTH, y=_HEIGHT - 4, text_anchor="end"),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        class_="votes",
        role="img",
        aria_label=f"{wording.verdict_sentence(verdict)} One column for each slice.",
    )


def _color(number: int) -> str:
    return f"rgb{COLORS[number % len(COLORS)]}"
