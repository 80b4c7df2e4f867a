"""Pictures of the tutorial: the panel beside Slicer's views after each of its clicks, and the report's first page.

    python Testing/gui/make_tutorial_pictures.py pictures

Needs slicer-core and PySide6. The sample phantom is segmented by the shipped bundle; nothing is drawn by hand.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WIDTH, TILE, GAP, MARGIN = 420, 400, 6, 40
PAGE = (760, 1080)  # as wide as A4 at 92 dots an inch; as high as what is whole
DAY = datetime(2026, 11, 21, 12, tzinfo=UTC)  # the same at every call, so that the picture is


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the pictures go")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    os.environ.update({"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "1"})
    sys.path[:0] = [str(ROOT / part) for part in ("Testing", "Testing/gui", "Testing/scene", "RenalAI")]
    tutorial = Tutorial(arguments.folder)
    tutorial.light()
    tutorial.dark()
    tutorial.report()
    return 0


class Tutorial:
    """One panel and one set of views, looked at after each step of a user."""

    def __init__(self, folder: Path) -> None:
        import slicerdouble

        self.folder = folder
        self.double = slicerdouble.install()
        self.double.app.setStyle("Fusion")
        from fakes import FakeEngine, ManualClock
        from fourup import FourUp
        from make_panel_pictures import palette

        from RenalAIWidgets.jobqueue import JobQueue
        from RenalAIWidgets.samples import make_phantom

        self.double.app.setPalette(palette("light"))
        self.ct, self.truth = make_phantom()
        self.ct.GetDisplayNode().SetAutoWindowLevel(False)
        self.ct.GetDisplayNode().SetWindowLevel(400, 60)
        self.truth.GetDisplayNode().SetVisibility(False)
        self.views = FourUp(TILE)
        self.views.look_at(self.ct)
        self.widget = self.double.openModule("RenalAI", ROOT / "RenalAI")
        self.ui = self.widget.ui
        self.engine = FakeEngine()  # takes the time of a picture, not that of a run
        self.widget.logic._own_queue = JobQueue(self.engine, ManualClock())
        self.double.enter(self.widget)

    def light(self) -> None:
        """The three clicks of README.md."""
        self._take("tutorial-1-choose")
        self.ui.segmentButton.click()
        self.engine.jobs[-1].step("delineate", 0.6)
        self.widget.logic._queue.poll()
        self._take("tutorial-2-segment")
        self.outcome = self._segmented()
        self.engine.jobs[-1].end(self.outcome)
        self.widget.logic._queue.poll()
        result = self.widget._parameterNode.result
        result.CreateClosedSurfaceRepresentation()
        self.ui.studyButton.collapsed = self.ui.modelButton.collapsed = True
        self.ui.explainButton.collapsed = False
        masses = self.outcome.findings.masses
        self.ui.massTable.selectRow(max(range(len(masses)), key=lambda row: masses[row].volume_ml))
        self.ui.acceptButton.click()
        self._take("tutorial-3-judge")
        self.ui.saliencyCheckBox.click()
        self._take("window")

    def dark(self) -> None:
        """Comparing with a manual segmentation, in Slicer's dark style."""
        from make_panel_pictures import palette

        from RenalAILib.compare import compare_labels
        from RenalAILib.phantom import make_phantom
        from RenalAIWidgets.parameters import Overlay
        from RenalAIWidgets.samples import SEED

        self.double.app.setPalette(palette("dark"))
        self.ui.saliencyCheckBox.click()
        parameters = self.widget._parameterNode
        parameters.manualSegmentation = self.truth
        parameters.overlay = Overlay.OUTLINES
        self.ui.compareRunButton.click()
        grid = self.outcome.volume
        truth = grid.with_voxels(make_phantom(SEED).labels)
        self.engine.jobs[-1].end(compare_labels(grid.with_voxels(self.outcome.labels), truth).to_json())
        self.widget.logic._queue.poll()
        self.ui.findingsButton.collapsed = self.ui.explainButton.collapsed = True
        self.ui.compareButton.collapsed = False
        self._take("window-compare")

    def report(self) -> None:
        """The report's first page as RenalAI prints it."""
        import qt

        from RenalAILib.pictures.figures import Figures
        from RenalAILib.report.print_page import WIDTH as COLUMN
        from RenalAILib.report.print_page import print_page
        from RenalAIWidgets.printing import STYLE

        figures = Figures(self.outcome)
        pictures = {mass.segment_id: figures.of_mass(mass) for mass in self.outcome.findings.masses}
        document = qt.QTextDocument()
        document.setDocumentMargin(0)
        document.setDefaultFont(qt.QFont("Arial", 10))
        document.setDefaultStyleSheet(STYLE)
        document.setHtml(print_page(self.outcome.findings, figures.overview(), pictures, time=DAY))
        document.setTextWidth(COLUMN)
        image = qt.QImage(*PAGE, qt.QImage.Format_RGB32)
        image.fill(qt.QColor("white"))
        painter = qt.QPainter(image)
        painter.translate((PAGE[0] - COLUMN) / 2, MARGIN)
        document.drawContents(painter, qt.QRectF(0, 0, COLUMN, PAGE[1] - 2 * MARGIN + 10))
        painter.end()
        image.save(str(self.folder / "report-page.png"))

    def _segmented(self) -> Any:
        from RenalAILib.bundles.store import load_bundle
        from RenalAILib.pipelines.running import segment

        return segment(self.engine.jobs[-1].job.volume, load_bundle(), device="cpu")

    def _take(self, name: str) -> None:
        """The panel left, the views right, as in Slicer's window."""
        import qt
        from make_panel_pictures import photograph

        panel = photograph(self.double, self.widget.parent, WIDTH)
        views = self.views.picture()
        height, width = views.shape[:2]
        image = qt.QImage(views.tobytes(), width, height, 3 * width, qt.QImage.Format_RGB888)
        window = qt.QPixmap(WIDTH + GAP + width, height)
        window.fill(self.widget.parent.palette.color(qt.QPalette.Window))
        painter = qt.QPainter(window)
        painter.drawPixmap(0, 0, panel)
        painter.drawImage(WIDTH + GAP, 0, image)
        painter.end()
        window.save(str(self.folder / f"{name}.png"))


if __name__ == "__main__":
    sys.exit(main())
