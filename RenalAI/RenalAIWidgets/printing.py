"""The report as PDF, through the web engine that Slicer brings."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

_pages: list[object] = []  # a page must live until its file is written


def can_print() -> bool:
    """Whether this Slicer has the web engine; it can be left out when Slicer is built."""
    return hasattr(slicer, "qSlicerWebWidget")


def print_to_pdf(html: Path, pdf: Path) -> None:
    """Starts printing ``html``, a file; ``pdf`` appears a moment later, when the page is laid out.

    Raises:
        RuntimeError: the web engine is there but cannot be asked to print.
    """
    widget = slicer.qSlicerWebWidget()
    view = widget.webView()
    if not (hasattr(view, "page") and hasattr(view.page(), "printToPdf")):
        raise RuntimeError(_("This Slicer cannot print web pages. Print the report from a browser."))

    def on_loaded(good: bool) -> None:
        if good:
            view.page().printToPdf(str(pdf))
        else:
            _pages.remove(widget)

    def on_printed(path: str, good: bool) -> None:
        _pages.remove(widget)

    _pages.append(widget)
    view.connect("loadFinished(bool)", on_loaded)
    view.page().connect("pdfPrintingFinished(QString,bool)", on_printed)
    view.setUrl(qt.QUrl.fromLocalFile(str(html)))
