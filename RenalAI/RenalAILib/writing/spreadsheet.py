"""Spreadsheet: texts that came from files, made safe for a table that people open in a spreadsheet."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell_text(text: str) -> str:
    """``text``, with an apostrophe in front where a spreadsheet would run it as a formula.

    Source: OWASP, CSV injection. A patient's name, a folder or a note may begin with such a character; numbers are not
    texts and do not come here.

    Example:
        >>> cell_text("=HYPERLINK(A1)"), cell_text("case 1")
        ("'=HYPERLINK(A1)", 'case 1')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
