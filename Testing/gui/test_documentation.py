"""The console lines of the documentation, run as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import slicer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "engine"))
import toybundle  # noqa: E402

TEXT = (ROOT / "Resources" / "Docs" / "slicer.md").read_text(encoding="utf-8")


def test_the_lines_for_the_console_work_as_written(double, monkeypatch, tmp_path):
    monkeypatch.setenv("RENALAI_BUNDLES", str(toybundle.installed_as_default(tmp_path / "bundles")))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    from RenalAILib.labels import Label
    from RenalAIScene.results import outcome_of
    from RenalAIScene.volumes import add_volume

    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 4
    affine, shape = toybundle.axial()
    names = {"volumeNode": add_volume(toybundle.painted(affine, shape), "CT"), "folder": tmp_path / "report"}
    exec(blocks[0], names)
    assert names["files"]["report.html"].is_file() and names["pdf"].is_file() and names["table"].GetNumberOfRows() > 2
    outcome = outcome_of(names["segmentation"])
    manual = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "manual")
    manual.SetReferenceImageGeometryParameterFromVolumeNode(names["volumeNode"])
    identifier = manual.GetSegmentation().AddEmptySegment("right kidney", "right kidney")
    mask = (outcome.labels == Label.KIDNEY_RIGHT).astype("uint8")
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, manual, identifier, names["volumeNode"])
    names["manualSegmentation"] = manual
    exec(blocks[2], names)
    assert names["agreement"]["structures"]
    exec(blocks[1], names)
    double.waitFor(lambda: not names["run"].running)
    names["RenalAI"].RenalAILogic().close()


def test_the_script_for_a_slicer_without_window_works_as_written(monkeypatch, tmp_path):
    monkeypatch.setenv("RENALAI_BUNDLES", str(toybundle.installed_as_default(tmp_path / "bundles")))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    import SimpleITK as sitk

    import RenalAI

    affine, shape = toybundle.axial()
    scan = toybundle.painted(affine, shape)
    image = sitk.GetImageFromArray(scan.voxels)
    image.SetSpacing([float(mm) for mm in scan.spacing_mm[::-1]])
    sitk.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    (block,) = [text for text in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "argv" in text]
    ended = []
    monkeypatch.setattr(slicer.util, "exit", ended.append)
    monkeypatch.setattr(sys, "argv", ["Slicer", str(tmp_path / "ct.nii.gz"), str(tmp_path / "out")])
    exec(block, {})
    assert ended == [0] and (tmp_path / "out" / "report.html").is_file()
    assert (tmp_path / "out.pdf").read_bytes()[:5] == b"%PDF-"
    RenalAI.RenalAILogic().close()


def test_every_message_in_the_troubleshooting_table_exists():
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("RenalAILib", "RenalAIWidgets")
        for path in (ROOT / "RenalAI" / folder).rglob("*.py")
    )
    for message in re.findall(r"^\| `(.+?)` \|", TEXT, re.MULTILINE):
        assert message in sources, message
