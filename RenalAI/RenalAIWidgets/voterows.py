"""A patient's verdict in the Findings section: in words, as a strip of votes, and as rows of the table."""

from __future__ import annotations

import html
from typing import Any

import qt
from slicer.i18n import tr as _

from RenalAILib.report.verdict_card import COLORS
from RenalAILib.verdicts import SliceVote, Verdict

BLOCK = "\N{FULL BLOCK}"


def headings(verdict: Verdict) -> tuple[str, ...]:
    """Of the table: slice, place, vote and the probability of the last class."""
    return (_("Slice"), _("S mm"), _("Vote"), _("P {name}").format(name=positive(verdict)))


def positive(verdict: Verdict) -> str:
    """The class whose probability is shown: by convention the one to worry about."""
    return list(verdict.shares)[-1]


def cells(verdict: Verdict, vote: SliceVote) -> tuple[Any, ...]:
    """Items of one row; the vote carries its class's color."""
    number = list(verdict.shares).index(vote.vote)
    texts = (
        str(vote.k), f"{vote.centre_ras[2]:.0f}", vote.vote, f"{100 * vote.probabilities[positive(verdict)]:.0f} %",
    )  # fmt: skip
    items = [qt.QTableWidgetItem(text) for text in texts]
    for column in (0, 1, 3):
        items[column].setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    items[2].setData(qt.Qt.DecorationRole, qt.QColor(*COLORS[number % len(COLORS)]))
    return tuple(items)


def in_words(verdict: Verdict) -> str:
    """The class and the share of the slices, as rich text with the strip of votes from feet to head."""
    votes = round(verdict.share * len(verdict.slices))
    told = _("{label}: {votes} of {count} slices ({share:.0f} %)").format(
        label=verdict.label, votes=votes, count=len(verdict.slices), share=100 * verdict.share
    )
    if verdict.decisive is None:
        rule = _("most votes decide")
    else:
        rule = _("{label} needs {share:.0f} %").format(label=verdict.decisive, share=100 * verdict.threshold)
    return f"<b>{html.escape(told)}</b>; {html.escape(rule)}<br>{_strip(verdict)}"


def _strip(verdict: Verdict) -> str:
    """A block a slice in its class's color; lines may break between any two."""
    names = list(verdict.shares)
    spans = []
    for vote in verdict.slices:
        r, g, b = COLORS[names.index(vote.vote) % len(COLORS)]
        spans.append(f'<span style="color:#{r:02x}{g:02x}{b:02x}">{BLOCK}</span>')
    return f"{html.escape(_('feet'))} {'&#8203;'.join(spans)} {html.escape(_('head'))}"
