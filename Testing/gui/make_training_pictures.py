"""Pictures of the training panel as a user sees it: every tab, light and dark, at 1x and 2x.

    python Testing/gui/make_training_pictures.py pictures

Needs slicer-core, PySide6 and PyYAML. Nothing is trained: the states come from fakes and painted cases.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


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
    for part in ("Testing", "Testing/training", "Testing/gui", "RenalAI", "RenalAITraining"):
        sys.path.insert(0, str(ROOT / part))
    with tempfile.TemporaryDirectory() as home:
        os.environ["RENALAI_HOME"] = home
        free = SimpleNamespace(free=120 * 10**9)  # the same at every call, so that the pictures are
        shutil.disk_usage = lambda path: free  # type: ignore[assignment]
        Studio(arguments.folder, arguments.width, arguments.scale, Path(home)).take_all()
    return 0


class Studio:
    """One panel in the double, brought into each state and photographed in both palettes."""

    def __init__(self, folder: Path, width: int, scale: int, home: Path) -> None:
        import slicerdouble

        self.double = slicerdouble.install()
        self.double.app.setStyle("Fusion")
        self.folder, self.width, self.scale, self.home = folder, width, scale, home

    def take_all(self) -> None:
        from make_panel_pictures import palette

        for theme in ("light", "dark"):
            self.double.clear()
            self.double.app.setPalette(palette(theme))
            os.environ["HOME"] = os.environ["USERPROFILE"] = str(self.home / theme)
            widget = self._open(self.home / theme / "RenalAI")
            for index, state in enumerate(("annotate", "dataset", "train", "evaluate", "publish")):
                widget.ui.tabs.currentIndex = index
                getattr(self, f"_{state}")(widget)
                self._take(widget, f"training-{state}-{theme}-{self.scale}x.png")
            self._missing(widget, theme)
            widget.cleanup()
            widget.parent.delete()

    def _open(self, home: Path) -> Any:
        from trainingfakes import FakeLogic

        widget = self.double.openModule("RenalAITraining", ROOT / "RenalAITraining")
        self.double.enter(widget)
        self.logic = FakeLogic()
        widget.panel._logic = widget.panel.jobs._jobs = self.logic
        widget.panel.train._trainings = widget.panel.train._runs._trainings = self.logic
        parameters = widget._parameterNode
        parameters.datasetFolder, parameters.trainingFolder = home / "dataset", home / "training"
        widget.panel.evaluate._open_page = lambda page: None
        return widget

    def _annotate(self, widget: Any) -> None:
        from labelledcases import ct_of, labels

        from RenalAILib.labels import Label
        from RenalAIScene.labelmaps import new_segmentation
        from RenalAIScene.volumes import add_volume

        mask = labels((Label.SOLID, "left", 11.0), (Label.CYSTIC, "right", 9.0), (Label.AML, "left", 8.0))
        ct = add_volume(ct_of(mask), "Abdomen portal venous 1.5 mm")
        node = new_segmentation("by hand, Dr. A.", mask.voxels, [f"s{value}" for value in range(1, 6)], ct)
        for number, name in enumerate(("Right kidney", "Left kidney", "AML", "Cyst", "Tumor"), 1):
            node.GetSegmentation().GetSegment(f"s{number}").SetName(name)
        widget._parameterNode.inputVolume, widget._parameterNode.segmentation = ct, node
        widget.ui.massesButton.click()

    def _dataset(self, widget: Any) -> None:
        from trainingfakes import dataset

        dataset(widget._parameterNode, 12, masses="left solid 34.2; right cystic 9.0", readers="reader-1 reader-2")
        widget.panel.update()
        widget.ui.checkButton.click()
        findings = [
            {"severity": "error", "case": "", "text": "The sides of p3-a are mixed up: its left kidney lies to the "
             "patient's right of the right one."},
            {"severity": "warning", "case": "", "text": "The left kidney of p7-a has 12 ml."},
        ]  # fmt: skip
        self.logic.tickets[-1].end({"cases": 12, "findings": findings, "sheets": ["contact-sheet-1.png"]})
        for name in ("importGroupButton", "fuseGroupButton", "synthesiseGroupButton"):
            getattr(widget.ui, name).collapsed = False

    def _train(self, widget: Any) -> None:
        for network in ("locate", "delineate"):
            widget._parameterNode.recipe = f"demo-{network}"
            widget.ui.startButton.click()
            self.logic.runs[-1].finish(0.912)
            widget.panel.train.look()
        widget._parameterNode.recipe = "demo-characterise"
        widget.ui.startButton.click()
        self.logic.runs[-1].train(1200, 3000, 0.8)
        widget.panel.train.look()

    def _evaluate(self, widget: Any) -> None:
        self.logic.runs[-1].finish(0.871)
        widget.panel.update()
        widget.ui.evaluateButton.click()
        self.logic.tickets[-1].end({"folder": "candidate"})
        folder = self.logic.tickets[-1].job.folder
        folder.mkdir(parents=True)
        (folder / "evaluation.html").write_text("<html>", encoding="utf-8")

        def estimate(value: float) -> dict[str, float]:
            return {"value": value, "low": value - 0.04, "high": min(value + 0.03, 1.0), "count": 3}

        overlap = [
            {"structure": structure, "side": side, "n": 3, "Dice": estimate(value)}
            for structure, side, value in (("kidney", "right", 0.95), ("kidney", "left", 0.94), ("mass", "both", 0.81))
        ]  # fmt: skip
        found = [
            {"average diameter": "all", "precision": estimate(0.81), "recall": estimate(0.92), "F1": estimate(0.86)}
        ]
        content = {
            "systems": [{"name": "candidate 0", "failures": [],
                         "tables": {"overlap": {"rows": overlap}, "detection": {"rows": found}}}],
            "split": "test", "notes": ["Only 3 patients: the intervals are too narrow to be believed."],
        }  # fmt: skip
        (folder / "evaluation.json").write_text(json.dumps(content), encoding="utf-8")
        self.logic.tickets[-1].end(content)

    def _publish(self, widget: Any) -> None:
        widget._parameterNode.trainingDomain = "Portal venous CT of adults of one hospital."
        widget.ui.publishButton.click()
        self.logic.tickets[-1].step(0.3, "Exporting the networks and comparing them with torch")

    def _missing(self, widget: Any, theme: str) -> None:
        """What a beginner meets."""
        self.logic.tickets[-1].end({"name": "my-model", "version": "0.1.0", "folder": "there"})
        parameters = widget._parameterNode
        parameters.datasetFolder = self.home / theme / "RenalAI" / "nothing"
        parameters.trainingFolder = self.home / theme / "RenalAI" / "nothing else"
        widget.ui.tabs.currentIndex = 2
        widget.panel.update()
        self._take(widget, f"training-nothing-{theme}-{self.scale}x.png")

    def _take(self, widget: Any, name: str) -> None:
        """The panel, cut off below what a tab holds: all tabs are as high as the highest."""
        from make_panel_pictures import photograph
        from PySide6.QtWidgets import QWidget

        panel = widget.parent
        widget.panel.update()
        picture = photograph(self.double, panel, self.width)
        if not widget.ui.jobLine.isVisible():
            page = widget.ui.tabs.currentWidget()
            rows = [child for child in page.findChildren(QWidget) if child.isVisible() and child.parentWidget() is page]
            lowest = max(child.mapTo(panel, child.rect.bottomLeft()).y() for child in rows)
            picture = picture.copy(0, 0, picture.width(), (lowest + 16) * self.scale)
        picture.save(str(self.folder / name))


if __name__ == "__main__":
    sys.exit(main())
