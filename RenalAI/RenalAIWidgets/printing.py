"""The report as PDF, by Qt's rich text and PDF writer: both are in every Slicer, a web engine is not.

Only calls that PythonQt wraps for Qt 5.15 and Qt 6 alike; page size and margins are left at Qt's own (A4), and the text
column is laid into the middle of what the device says it can paint.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

DPI = 96  # the pages are made for pixels of 1/96 inch; letters are drawn as outlines and stay sharp
WIDTH = 680
MARGIN = 40
FOOTER = 24
# Rich text takes the application's own text colour otherwise: white on white with a dark Slicer.
STYLE = (
    "body, p, td, th, h1, h2, h3, span, b, i { color: #1a1a1a; } h1 { font-size: x-large; } h2 { font-size: large; }"
)


def can_print() -> bool:
    """Whether this Slicer can write PDF."""
    return hasattr(qt, "QPdfWriter") and hasattr(qt, "QTextDocument")


def write_pdf(page: str, path: Path, footer: str) -> int:
    """Lays ``page`` (HTML that rich text knows, :data:`WIDTH` wide) out and writes it, whole or not at all.

    Returns:
        The number of pages.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        count = _write(page, partial, footer)
        if not partial.is_file() or partial.stat().st_size == 0:
            raise OSError(_("{path} could not be written.").format(path=path))
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write(page: str, path: Path, footer: str) -> int:
    device = qt.QPdfWriter(str(path))
    device.setResolution(DPI)
    left = max(0.0, (device.width() - WIDTH) / 2)
    height = float(device.height() - 2 * MARGIN - FOOTER)
    document = qt.QTextDocument()
    document.setDocumentMargin(0)
    document.setDefaultFont(qt.QFont("Arial", 10))
    document.setDefaultStyleSheet(STYLE)
    document.documentLayout().setPaintDevice(device)
    document.setHtml(page)
    document.setPageSize(qt.QSizeF(WIDTH, height))
    count = int(document.pageCount())
    painter = qt.QPainter()
    if not painter.begin(device):
        raise OSError(_("{path} could not be written.").format(path=path))
    try:
        for number in range(count):
            if number:
                device.newPage()
            _draw(painter, document, number, left, height, f"{footer} · {number + 1} / {count}")
    finally:
        painter.end()
    return count


def _draw(painter: Any, document: Any, number: int, left: float, height: float, footer: str) -> None:
    painter.save()
    painter.translate(left, MARGIN - number * height)
    document.drawContents(painter, qt.QRectF(0, number * height, WIDTH, height))
    painter.restore()
    painter.setFont(qt.QFont("Arial", 8))
    painter.setPen(qt.QColor("#555555"))
    # A point and a text: the overloads with a rectangle take flags differently in Qt 5 and Qt 6.
    painter.drawText(qt.QPointF(left, MARGIN + height + FOOTER), footer)
