"""Histograms as SVG, for a page without scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..report.markup import Markup, element

_WIDTH, _HEIGHT, _BASE = 260, 120, 96


def histogram(title: str, values: Sequence[float], bins: int = 16) -> Markup:
    """Counts of values in bins of equal width, as a figure; the ends of the axis and the median are written."""
    low, high = min(values), max(values)
    whole = all(float(value).is_integer() for value in values) and high - low < bins
    count = int(high - low) + 1 if whole else bins
    step = 1.0 if whole else (high - low) / bins or 1.0
    counts = [0] * count
    for value in values:
        counts[min(count - 1, math.floor((value - low) / step))] += 1
    most, width = max(counts), _WIDTH / count
    bars = [
        element(
            "rect",
            x=f"{n * width:.1f}",
            y=f"{_BASE - 80 * height / most:.1f}",
            width=f"{max(width - 1, 0.5):.1f}",
            height=f"{80 * height / most:.1f}",
        )
        for n, height in enumerate(counts)
        if height
    ]
    median = sorted(values)[len(values) // 2]
    svg = element(
        "svg",
        element("path", d=f"M0 {_BASE}.5H{_WIDTH}"),
        *bars,
        _text(0, "start", f"{low:g}"),
        _text(_WIDTH / 2, "middle", f"median {median:g}"),
        _text(_WIDTH, "end", f"{high:g}"),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        class_="histogram",
        role="img",
        aria_label=f"{title}: {len(values)} values from {low:g} to {high:g}, median {median:g}",
    )
    return element("figure", svg, element("figcaption", f"{title} (n = {len(values)}, highest bar {most})"))


def _text(x: float, anchor: str, words: str) -> Markup:
    return element("text", words, x=f"{x:g}", y=str(_BASE + 17), text_anchor=anchor)
