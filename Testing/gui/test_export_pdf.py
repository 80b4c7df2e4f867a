"""The report as PDF: by clicking and from the console, whole pages, dark letters on white, all or nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import qt
import slicer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "engine"))
import paintedbody  # noqa: E402

NAME = "CT RenalAI"


@pytest.fixture
def widget(widget, double, desk):
    """The panel with a result and the PDF ticked, nothing else."""
    from RenalAIScene.results import add_result
    from RenalAIScene.volumes import add_volume

    outcome = paintedbody.painted_outcome()
    segmentation, _table = add_result(outcome, add_volume(outcome.volume, "CT"))
    double.enter(widget)
    parameters = widget._parameterNode
    parameters.result, parameters.exportFolder, parameters.exportPdf = segmentation, desk / "exports", True
    parameters.exportReport = parameters.exportSegmentation = parameters.exportDicom = False
    widget.ui.exportButton.collapsed = False
    return widget


def export(widget, double, until="Written"):
    qt.QApplication.processEvents()
    QTest.mouseClick(widget.ui.exportRunButton, Qt.MouseButton.LeftButton)
    double.waitFor(lambda: until in widget.ui.exportLine.text)


def pages(path):
    """The pages as RGB pictures."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm (poppler-utils) is not installed")
    import matplotlib.image

    prefix = path.with_suffix("")
    subprocess.run(["pdftoppm", "-r", "72", "-png", str(path), str(prefix)], check=True)
    found = sorted(path.parent.glob(f"{prefix.name}-*.png"), key=lambda p: int(re.findall(r"\d+", p.stem)[-1]))
    return [matplotlib.image.imread(p)[..., :3] for p in found]


def words(path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True)
    return " ".join(unicodedata.normalize("NFKC", done.stdout.decode("utf-8")).split())  # fonts have ligatures


def test_by_clicking_with_the_radiologists_word(widget, double, desk):
    from RenalAILib.labels import MassClass
    from RenalAILib.radiologist.readings import Answer, Reading
    from RenalAIScene.results import set_reading

    said = Reading("mass_left_1", Answer.RECLASSIFIED, MassClass.CYSTIC, "fat <b>at</b> the rim & more")
    set_reading(widget._parameterNode.result, "mass_left_1", said)
    export(widget, double)
    assert not double.answers.of("error"), double.dialogs
    path = desk / "exports" / f"{NAME}.pdf"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name] and path.name in widget.ui.exportLine.text
    text = words(path)
    for word in (
        "research only, not for diagnosis",
        "Right mass 1",
        "Reclassified as cystic",
        "fat <b>at</b> the rim &",
    ):
        assert word in text, text
    assert "1 / 4" in text and "4 / 4" in text
    pictures = pages(path)
    assert len(pictures) == 4  # an overview, and a page for each mass
    for page in pictures:
        corner = page[:20, :20]
        assert corner.min() == 1.0, "the paper is not white"
        assert (page.max(axis=2) < 0.3).sum() > 200, "no dark letters"
    hot = (pictures[1][..., 0] - pictures[1][..., 2] > 0.3).sum()
    assert hot > 300, "no Grad-CAM on the page of a mass"


def test_a_dark_slicer_prints_dark_letters(widget, double, desk):
    from make_panel_pictures import palette

    before = qt.QApplication.palette()
    qt.QApplication.setPalette(palette("dark"))
    try:
        export(widget, double)
    finally:
        qt.QApplication.setPalette(before)
    page = pages(desk / "exports" / f"{NAME}.pdf")[0]
    title = page[30:75]
    assert (title.max(axis=2) < 0.3).sum() > 100


def test_a_folder_that_may_not_be_written_is_told_and_nothing_is_left(widget, double, desk):
    (desk / "exports").mkdir()
    (desk / "exports" / f"{NAME}.pdf").mkdir()  # in the way, for root too
    QTest.mouseClick(widget.ui.exportRunButton, Qt.MouseButton.LeftButton)
    double.waitFor(lambda: double.answers.of("error"))
    (shown,) = double.answers.of("error")
    assert "The PDF could not be written" in shown.text
    assert widget.ui.exportRunButton.enabled
    assert [entry.name for entry in (desk / "exports").iterdir()] == [f"{NAME}.pdf"]


def test_all_formats_in_one_export(widget, double, desk):
    parameters = widget._parameterNode
    parameters.exportReport = parameters.exportSegmentation = True
    export(widget, double)
    names = {entry.name for entry in (desk / "exports").iterdir()}
    assert names == {NAME, f"{NAME}.pdf", f"{NAME}.seg.nrrd"}
    for name in ("report.html", f"{NAME}.pdf", f"{NAME}.seg.nrrd"):
        assert name in widget.ui.exportLine.text


def test_edited_and_erased_masses_are_reported_as_they_are_now(widget, double, desk):
    """Half of one mass is erased in Segment Editor, another one is removed, although it was accepted before."""
    import json

    import numpy as np

    from RenalAILib.radiologist.readings import Answer, Reading
    from RenalAIScene.results import ct_of, findings, set_reading

    parameters = widget._parameterNode
    result, ct = parameters.result, ct_of(parameters.result)
    before = {mass.segment_id: mass.volume_ml for mass in findings(result).masses}
    set_reading(result, "mass_left_2", Reading("mass_left_2", Answer.ACCEPTED))
    result.GetSegmentation().RemoveSegment("mass_left_2")
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(result, "mass_left_1", ct)
    rows = np.flatnonzero(mask.any(axis=(1, 2)))
    mask[rows[len(rows) // 2] :] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, result, "mass_left_1", ct)
    parameters.exportReport = True
    export(widget, double)
    assert not double.answers.of("error"), double.dialogs
    said = json.loads((desk / "exports" / NAME / "findings.json").read_text(encoding="utf-8"))
    now = {mass["segment_id"]: mass for mass in said["masses"]}
    assert sorted(now) == ["mass_left_1", "mass_right_1"]
    assert 0.3 < now["mass_left_1"]["volume_ml"] / before["mass_left_1"] < 0.7
    assert abs(now["mass_right_1"]["volume_ml"] - before["mass_right_1"]) < 0.05 * before["mass_right_1"]
    report = (desk / "exports" / NAME / "report.html").read_text(encoding="utf-8")
    assert "as the radiologist changed it" in report and "Removed by hand" in report and "Left mass 2" in report
    assert "Removed by hand" in words(desk / "exports" / f"{NAME}.pdf")


def test_from_the_console(widget, desk):
    import RenalAI

    path = RenalAI.RenalAILogic().exportPdf(widget._parameterNode.result, desk / "new" / "report.pdf")
    assert path.read_bytes()[:5] == b"%PDF-"
    assert [entry.name for entry in path.parent.iterdir()] == ["report.pdf"]
    RenalAI.RenalAILogic().close()


def test_a_result_whose_ct_is_gone_is_told(widget, double):
    from RenalAIScene.results import ct_of

    slicer.mrmlScene.RemoveNode(ct_of(widget._parameterNode.result))
    export(widget, double, "no longer in the scene")
    assert widget.ui.exportRunButton.enabled


def test_without_a_pdf_writer_the_box_says_so(double, monkeypatch):
    monkeypatch.delattr(qt, "QPdfWriter")
    made = double.openModule("RenalAI", ROOT / "RenalAI")
    assert not made.ui.pdfCheckBox.enabled and "cannot write PDF" in made.ui.pdfCheckBox.toolTip
    made.cleanup()
    made.parent.delete()
