"""A kidney that a radiologist drew or corrected is among the findings and in every export, as theirs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import slicer.util
from handmade import painted_outcome

from RenalAILib.labels import Label, Side
from RenalAILib.radiologist.edits import edited_segments, measured_again
from RenalAILib.report import write_outcome
from RenalAIScene import reference, results, volumes
from RenalAIScene.findingstable import table_of


@pytest.fixture
def shown(double):
    """A painted body in the scene: its outcome, CT node and segmentation node."""
    outcome = painted_outcome()
    ct = volumes.add_volume(outcome.volume, "CT")
    return outcome, ct, results.add_result(outcome, ct)[0]


def draw(segmentation, ct, mask, name):
    """A new segment of these voxels: its ID."""
    segment_id = segmentation.GetSegmentation().AddEmptySegment("", name)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentation, segment_id, ct)
    return segment_id


def test_a_drawn_kidney_is_measured_without_the_masses_in_it(shown, tmp_path):
    outcome, ct, segmentation = shown
    kidney = outcome.labels == Label.KIDNEY_LEFT
    aml = outcome.labels == Label.AML  # the only mass of the left one
    segmentation.GetSegmentation().RemoveSegment("kidney_left")
    mine = draw(segmentation, ct, kidney | aml, "Linke Niere")
    slicer.util.arrayFromVolume(ct)[kidney] = 170
    found = results.refresh(segmentation)
    assert [(k.segment_id, k.side, k.drawn) for k in found.kidneys] == [
        ("kidney_right", Side.RIGHT, False), (mine, Side.LEFT, True),
    ]  # fmt: skip
    assert found.kidneys[1].volume_ml == pytest.approx(kidney.sum() * outcome.volume.voxel_ml)
    assert found.kidneys[1].mean_hu == 170.0
    assert [segment.segment_id for segment in found.removed] == ["kidney_left"]
    said = table_of(segmentation).GetTable().GetColumnByName("Radiologist")
    assert [said.GetValue(row) for row in range(2)] == ["", "Drawn"]

    now = results.outcome_of(segmentation)
    assert now.findings.kidneys == found.kidneys and edited_segments(now) == frozenset()
    assert (now.labels[kidney] == Label.KIDNEY_LEFT).all() and (now.labels[aml] == Label.AML).all()
    assert (reference.corrected_labels(segmentation, ct)[kidney] == Label.KIDNEY_LEFT).all()
    files = write_outcome(now, tmp_path / "result")
    kept = json.loads(files["findings.json"].read_text(encoding="utf-8"))
    assert [entry.get("drawn") for entry in kept["kidneys"]] == [None, True]
    row = next(row for row in files["findings.csv"].read_text(encoding="utf-8").splitlines() if mine in row)
    assert "Left drawn kidney" in row and ",drawn" in row
    page = files["report.html"].read_text(encoding="utf-8")
    assert "Left drawn kidney" in page and "The left one was drawn by the radiologist." in page
    header = files["segmentation.seg.nrrd"].read_bytes().split(b"\n\n")[0].decode("utf-8")
    number = next(line.split("_")[0] for line in header.splitlines() if line.endswith(f":={mine}"))
    tags = next(line for line in header.splitlines() if line.startswith(f"{number}_Tags:="))
    assert "DICOM.SegmentAlgorithmType:MANUAL" in tags and "SegmentAlgorithmName" not in tags


def test_the_body_tells_the_side_where_the_name_does_not(shown):
    outcome, ct, segmentation = shown
    right, left = (outcome.labels == Label.kidney(side) for side in (Side.RIGHT, Side.LEFT))
    for segment_id in ("kidney_right", "kidney_left"):
        segmentation.GetSegmentation().RemoveSegment(segment_id)
    draw(segmentation, ct, right, "kidney")
    draw(segmentation, ct, left, "Niere")
    both = draw(segmentation, ct, left | right, "Nieren")
    found = results.findings_now(segmentation)
    assert [kidney.side for kidney in found.kidneys] == [Side.RIGHT, Side.LEFT]
    assert any("Nieren holds both kidneys" in warning for warning in found.warnings)
    now = results.outcome_of(segmentation)
    assert both not in [segment.segment_id for segment in now.segments]
    assert any("Nieren holds both kidneys" in warning for warning in now.findings.warnings)


def test_what_was_corrected_is_measured_again_as_exports_do(shown):
    outcome, ct, segmentation = shown
    before = results.findings_now(segmentation)
    assert before.kidneys == outcome.findings.kidneys and before.masses == outcome.findings.masses
    for segment_id, label in (("kidney_right", Label.KIDNEY_RIGHT), ("mass_left_1", Label.AML)):
        mask = outcome.labels == label
        mask[: np.argwhere(mask)[:, 0].mean().astype(int)] = False  # the lower half is rubbed out
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentation, segment_id, ct)
    found = results.findings_now(segmentation)
    assert found.kidneys[0].volume_ml < 0.8 * before.kidneys[0].volume_ml and not found.kidneys[0].drawn
    assert found.kidneys[1:] == before.kidneys[1:]
    mass = next(mass for mass in found.masses if mass.segment_id == "mass_left_1")
    assert mass.evidence.text.startswith("Measured again")
    now = results.outcome_of(segmentation)
    written = measured_again(now, edited_segments(now)).findings
    assert edited_segments(now) == {"kidney_right", "mass_left_1"}
    assert found.kidneys[0].volume_ml == pytest.approx(written.kidneys[0].volume_ml)
    again = next(mass for mass in written.masses if mass.segment_id == "mass_left_1")
    assert mass.volume_ml == pytest.approx(again.volume_ml) and mass.centroid_ras == pytest.approx(again.centroid_ras)
    assert mass.diameter_mm.average == pytest.approx(again.diameter_mm.average)
