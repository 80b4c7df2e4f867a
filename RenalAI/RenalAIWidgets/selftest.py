"""The self-test's one case: a phantom segmented, shown, reported. It runs in Slicer and in the double of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from RenalAIScene.results import findings

from .logic import RenalAILogic
from .samples import make_phantom


def segment_phantom_and_export(test: Any) -> None:
    """Raises AssertionError where a kidney is missing or the report is not whole.

    Args:
        test: the module's test case; shows what is being done.
    """
    test.delayDisplay("Making a phantom")
    volume, _truth = make_phantom()
    test.delayDisplay("Segmenting it")
    logic = RenalAILogic()
    segmentation, table = logic.segment(volume, device="cpu", fast=True)
    found = findings(segmentation)
    assert {kidney.side.value for kidney in found.kidneys} == {"right", "left"}, found.kidneys
    assert table.GetNumberOfRows() == len(found.kidneys) + len(found.masses)
    test.delayDisplay("Writing the report")
    with tempfile.TemporaryDirectory() as folder:
        files = logic.exportReport(segmentation, Path(folder) / "report")
        assert files["report.html"].stat().st_size > 10_000
        assert "findings.csv" in files
    logic.close()
    test.delayDisplay("Test passed")
