"""Pictures of the panel as a user sees it: light and dark, at 1x and 2x, in the states that matter.

    python Testing/gui/make_panel_pictures.py pictures

Needs slicer-core and PySide6. No engine runs: the states come from a painted body.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STATES = ("loaded", "running", "findings", "drawn", "compare", "wrong")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--width", type=int, default=420, help="of the module panel, in its own pixels")
    parser.add_argument("--scale", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.scale is None:  # Qt reads the scale once, when it starts
        for scale in (1, 2):
            environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale)}
            command = [sys.executable, __file__, str(arguments.folder), "--width", str(arguments.width)]
            subprocess.run([*command, "--scale", str(scale)], env=environment, check=True)
        return 0
    sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "Testing" / "engine"), str(HERE), str(ROOT / "RenalAI")]
    Studio(arguments.folder, arguments.width, arguments.scale).take_all()
    return 0


class Studio:
    """One panel in the double, brought into each state and photographed in both palettes."""

    def __init__(self, folder: Path, width: int, scale: int) -> None:
        import slicerdouble

        self.double = slicerdouble.install()
        self.double.app.setStyle("Fusion")
        self.folder, self.width, self.scale = folder, width, scale

    def take_all(self) -> None:
        for theme in ("light", "dark"):
            self.double.clear()
            self.double.app.setPalette(palette(theme))
            widget = self._open()
            for state in STATES:
                getattr(self, f"_{state}")(widget)
                self._take(widget, f"panel-{state}-{theme}-{self.scale}x.png")
            widget.cleanup()
            widget.parent.delete()

    def _open(self) -> Any:
        from fakes import FakeEngine, ManualClock
        from paintedbody import painted_outcome

        from RenalAIScene.volumes import add_volume
        from RenalAIWidgets.jobqueue import JobQueue

        self.outcome = painted_outcome()
        self.ct = add_volume(self.outcome.volume, "Abdomen portal venous 1.5 mm")
        widget = self.double.openModule("RenalAI", ROOT / "RenalAI")
        self.engine = FakeEngine()
        widget.logic._own_queue = JobQueue(self.engine, ManualClock())
        self.double.enter(widget)
        return widget

    def _loaded(self, widget: Any) -> None:
        """As the module opens on a loaded CT."""

    def _running(self, widget: Any) -> None:
        widget.ui.segmentButton.click()
        self.engine.jobs[-1].step("delineate", 0.45)
        widget.logic._queue.poll()

    def _findings(self, widget: Any) -> None:
        self.engine.jobs[-1].end(self.outcome)
        widget.logic._queue.poll()
        widget.ui.massTable.selectRow(2)
        widget.ui.acceptButton.click()
        widget.ui.noteEdit.text = "fat at the rim, unchanged since 2023"
        widget.ui.noteEdit.editingFinished.emit()
        widget.ui.explainButton.collapsed = False
        widget.ui.exportButton.collapsed = False
        widget.ui.checkButton.collapsed = False

    def _drawn(self, widget: Any) -> None:
        """The radiologist took one mass out and drew another one: what the table says when they come back."""
        import numpy as np
        import slicer

        result = widget._parameterNode.result
        self.double.exit(widget)
        result.GetSegmentation().RemoveSegment("mass_right_1")
        segment_id = result.GetSegmentation().AddEmptySegment()
        mask = np.zeros(self.outcome.volume.shape, np.uint8)
        middle = tuple(int(n) for n in np.argwhere(self.outcome.instances == 1).mean(axis=0))
        mask[tuple(slice(n - 2, n + 3) for n in middle)] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, result, segment_id, self.ct)
        self.double.enter(widget)
        table = widget.ui.massTable
        words = [table.item(row, 5).text() for row in range(table.rowCount)]
        table.selectRow(words.index("Drawn"))
        widget.ui.classSelector.setCurrentIndex(widget.ui.classSelector.findText("Solid"))
        widget.ui.classSelector.activated.emit(widget.ui.classSelector.currentIndex)
        for name in ("exportButton", "checkButton", "studyButton"):
            getattr(widget.ui, name).collapsed = True

    def _compare(self, widget: Any) -> None:
        from RenalAILib.compare import compare_labels
        from RenalAIScene.results import add_result
        from RenalAIWidgets.agreement import keep

        result = widget._parameterNode.result
        manual, _table = add_result(replace(self.outcome, saliency={}), self.ct)
        manual.SetName("by hand, Dr. A.")
        grid = self.outcome.volume
        labels = self.outcome.labels.copy()
        labels[self.outcome.instances == 5] = 0
        keep(result, compare_labels(grid.with_voxels(self.outcome.labels), grid.with_voxels(labels)).to_json())
        widget._parameterNode.manualSegmentation = manual
        widget.ui.compareButton.collapsed = False
        for name in ("explainButton", "exportButton", "checkButton", "studyButton", "modelButton"):
            getattr(widget.ui, name).collapsed = True

    def _wrong(self, widget: Any) -> None:
        """What a beginner meets: the wrong volume, a model that is not there."""
        import numpy as np
        import slicer

        wrong = slicer.util.addVolumeFromArray(np.full((12, 40, 40), 300, np.int16), name="Localizer")
        parameters = widget._parameterNode
        parameters.inputVolume, parameters.bundle, parameters.result = wrong, "kits-2026", None
        for name in ("studyButton", "modelButton"):
            getattr(widget.ui, name).collapsed = False
        widget.ui.compareButton.collapsed = True

    def _take(self, widget: Any, name: str) -> None:
        photograph(self.double, widget.parent, self.width).save(str(self.folder / name))


def photograph(double: Any, panel: Any, width: int) -> Any:
    """The whole panel at a width, as a pixmap.

    In Slicer the panel scrolls and is never squeezed; here it was, between two states, and Qt's forms remember it.
    The home folder is shown as ``~``: a picture tells nothing of the machine that made it.
    """
    from PySide6.QtWidgets import QLayout, QLineEdit

    panel.show()
    panel.setFocus()
    home = str(Path.home())
    paths = {line: str(line.text) for line in panel.findChildren(QLineEdit) if str(line.text).startswith(home)}
    for _ in range(6):  # word-wrapped labels need a second layout, unfolded groups a third
        for layout in panel.findChildren(QLayout):
            layout.update()
        double.app.processEvents()
        height = panel.layout().heightForWidth(width) if panel.layout().hasHeightForWidth() else 0
        panel.resize(width, max(height, panel.sizeHint.height()))
    double.app.processEvents()
    for line in paths:
        line.blockSignals(True)
        line.setText("~" + paths[line].removeprefix(home))
    picture = panel.grab()
    for line, path in paths.items():
        line.setText(path)
        line.blockSignals(False)
    return picture


def palette(theme: str) -> Any:
    """Fusion's own palette, or a dark one like Slicer's."""
    import qt

    if theme == "light":
        return qt.QApplication.style().standardPalette()
    colors = qt.QPalette()
    for role, color in {
        "Window": "#323232", "WindowText": "#e6e6e6", "Base": "#252525", "AlternateBase": "#2d2d2d",
        "Text": "#e6e6e6", "Button": "#3c3c3c", "ButtonText": "#e6e6e6", "ToolTipBase": "#3c3c3c",
        "ToolTipText": "#e6e6e6", "Highlight": "#2a7bbf", "HighlightedText": "#ffffff", "PlaceholderText": "#8c8c8c",
        "Light": "#555555", "Midlight": "#464646", "Dark": "#1e1e1e", "Mid": "#2a2a2a", "Shadow": "#000000",
    }.items():  # fmt: skip
        colors.setColor(getattr(qt.QPalette, role), qt.QColor(color))
    for role in ("WindowText", "Text", "ButtonText"):
        colors.setColor(qt.QPalette.Disabled, getattr(qt.QPalette, role), qt.QColor("#7d7d7d"))
    return colors


if __name__ == "__main__":
    sys.exit(main())
