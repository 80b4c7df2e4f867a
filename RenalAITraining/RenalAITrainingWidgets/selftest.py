"""The self-test's one case: the phantom becomes a case of a dataset, which is checked. In Slicer and in its double."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from RenalAITrainingLib.jobs.checking_dataset import CheckDatasetJob
from RenalAIWidgets.samples import make_phantom

from .logic import RenalAITrainingLogic


def add_phantom_and_check(test: Any) -> None:
    """Raises AssertionError where a kidney or mass is lost on the way or the check finds an error.

    Args:
        test: the module's test case; shows what is being done.
    """
    test.delayDisplay("Making a phantom")
    volume, truth = make_phantom()
    logic = RenalAITrainingLogic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "dataset"
        test.delayDisplay("Adding it to a dataset")
        answer = logic.addCase(volume, truth, dataset=folder)
        assert answer["new"] and len(answer["masses"]) >= 4, answer
        test.delayDisplay("Checking the dataset")
        checked = logic.wait(logic.submit(CheckDatasetJob(folder)))
        assert not [finding for finding in checked["findings"] if finding["severity"] == "error"], checked
    logic.close()
    test.delayDisplay("Test passed")
