"""Sample Data: offered when Slicer has started, without network; the phantom is ready to be segmented and compared."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import slicer

ROOT = Path(__file__).resolve().parents[2]
# Slicer 5.10 to 5.13: SampleDataLogic.registerCustomSampleDataSource
KNOWN = {
    "category", "sampleName", "sampleDescription", "uris", "fileNames", "nodeNames", "customDownloader",
    "thumbnailFileName", "loadFileType", "loadFiles", "loadFileProperties", "checksums",
}  # fmt: skip


def registered(double):
    widget = double.openModule("RenalAI", ROOT / "RenalAI")
    widget.cleanup()
    widget.parent.delete()
    double.samples.clear()
    slicer.app.startupCompleted.emit()
    return {sample["sampleName"]: sample for sample in double.samples}


def test_two_samples_are_offered_at_startup(double):
    samples = registered(double)
    assert set(samples) == {"RenalAIPhantom", "CTLiver"}
    for sample in samples.values():
        assert set(sample) <= KNOWN and sample["category"] == "RenalAI"
        assert Path(sample["thumbnailFileName"]).is_file()
    public = samples["CTLiver"]
    digest = re.fullmatch(r"SHA256:([0-9a-f]{64})", public["checksums"]).group(1)
    assert public["uris"].startswith("https://github.com/Slicer/SlicerTestingData/") and public["uris"].endswith(digest)


def test_the_phantom_can_be_segmented_and_compared_at_once(double):
    from RenalAIScene.matching import matches
    from RenalAIWidgets.study import caution, problem

    make = registered(double)["RenalAIPhantom"]["customDownloader"]
    assert len(inspect.signature(make).parameters) == 1  # Slicer hands it the source
    volume, truth = make(None)
    assert problem(volume) is None and caution(volume) is None
    assert {match.name for match in matches(truth).values()} == {
        "KIDNEY_RIGHT",
        "KIDNEY_LEFT",
        "AML",
        "CYSTIC",
        "SOLID",
    }
    assert double.layers[-1]["background"] is volume
