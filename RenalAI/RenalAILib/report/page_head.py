"""The head of every page that RenalAI writes: one look, and nothing is fetched, run or sent."""

from __future__ import annotations

from .markup import Markup, element
from .stylesheet import STYLESHEET

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page_head(title: str, style: str = "") -> Markup:
    """``<head>`` with the title, and ``style`` (CSS) behind the look that all pages share."""
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(STYLESHEET + style)),
    )
