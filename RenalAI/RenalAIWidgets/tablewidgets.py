"""Tables of the panel: as high as their rows, and no wider than the panel needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

MOST_ROWS = 12
LEAST_WIDTH = 36  # pixels of a column
ROW_HEIGHT = 22  # pixels: one line of text
CONTROL_HEIGHT = 28  # a row that holds a combo box


def prepare(table: Any, header: Sequence[str], row_height: int = ROW_HEIGHT) -> None:
    """Sets the columns of an empty ``QTableWidget``."""
    table.setColumnCount(len(header))
    table.setHorizontalHeaderLabels(list(header))
    table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    table.horizontalHeader().defaultSectionSize = LEAST_WIDTH  # else the last column is never narrower than Qt's 100
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setHighlightSections(False)
    table.verticalHeader().hide()
    table.verticalHeader().defaultSectionSize = row_height


def fill(table: Any, rows: Sequence[Sequence[str]]) -> None:
    """Replaces all rows; texts in the first column are set left, numbers in the others right."""
    table.setRowCount(len(rows))
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            if column:
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            table.setItem(row, column, item)
    fit(table)


def fit(table: Any) -> None:
    """Makes the table as high as its rows, up to some, and hides it where there are none."""
    rows = min(table.rowCount, MOST_ROWS)
    height = table.horizontalHeader().sizeHint.height() + 4 + rows * table.verticalHeader().defaultSectionSize
    scroll_bar = table.horizontalScrollBar().sizeHint.height()
    table.setFixedHeight(height + scroll_bar)
    table.setVisible(rows > 0)
