"""What a radiologist drew, and what they removed, in the segmentation and the report: theirs, and nobody else's."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from paintedbody import painted_outcome
from scanfiles import write_series
from test_dicom_results import GRID, complete, evaluated, measured, program

from RenalAILib.dicom.results import GRADCAM, MEASUREMENTS, SEGMENTATION, write_dicom_results
from RenalAILib.findings import Mass, Outcome
from RenalAILib.labels import MassClass, Side
from RenalAILib.radiologist.drawn_kidneys import drawn_kidney
from RenalAILib.radiologist.drawn_masses import drawn_mass
from RenalAILib.radiologist.readings import Answer, Reading

DRAWN, DRAWN_KIDNEY = "Segment_1", "Segment_2"


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """The painted body: a right mass was drawn; the left AML and the right kidney were removed, that drawn anew."""
    plain = painted_outcome(GRID, (18, 35, 49))
    right, left = plain.findings.kidneys
    cyst, solid, aml = plain.findings.masses
    mask = np.zeros(plain.volume.shape, bool)
    mask[8:10, 16:20, 10:14] = plain.instances[8:10, 16:20, 10:14] <= 1
    mine = drawn_mass(DRAWN, 1, mask, plain.volume, Side.RIGHT, MassClass.AML, plain.findings.kidneys)
    kidney = (plain.instances == 1) & ~mask
    anew = drawn_kidney(DRAWN_KIDNEY, kidney, plain.volume, Side.RIGHT, plain.volume)
    assert anew is not None
    instances = np.zeros_like(plain.instances)
    for number, old in ((1, 2), (3, 3), (4, 4)):  # the left kidney, the cyst, the solid mass
        instances[plain.instances == old] = number
    instances[kidney], instances[mask] = 2, 5
    findings = replace(plain.findings, kidneys=(left, anew), masses=(cyst, solid, mine), removed=(right, aml))
    return Outcome(plain.volume, findings, (instances > 0).astype(np.uint8), instances, plain.saliency)


@pytest.fixture(scope="module")
def written(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    slices = write_series(tmp_path_factory.mktemp("ct"), outcome.volume.voxels, GRID, number=4, change=complete)
    folder = tmp_path_factory.mktemp("results")
    readings = [Reading(DRAWN, Answer.DRAWN, MassClass.AML, reader="Dr. Roe")]
    assert set(write_dicom_results(outcome, slices, folder, readings)) == {SEGMENTATION, MEASUREMENTS, GRADCAM}
    return folder


def test_a_drawn_segment_is_manual_and_of_no_algorithm(written: Path) -> None:
    data = pydicom.dcmread(written / SEGMENTATION)
    entries = {entry.TrackingID: entry for entry in data.SegmentSequence}
    assert list(entries) == ["kidney_left", DRAWN_KIDNEY, "mass_right_1", "mass_left_1", DRAWN]
    anew, mine = entries.pop(DRAWN_KIDNEY), entries.pop(DRAWN)
    for entry in (anew, mine):
        assert entry.SegmentAlgorithmType == "MANUAL" and "SegmentAlgorithmName" not in entry
        assert "SegmentationAlgorithmIdentificationSequence" not in entry
    assert anew.SegmentLabel == "Right drawn kidney, by the radiologist"
    assert anew.SegmentDescription == "Drawn by the radiologist, by no algorithm."
    assert mine.SegmentLabel == "Right drawn mass 1 (AML), by the radiologist"
    assert "the algorithm did not find it" in mine.SegmentDescription and "Dr. Roe" in mine.SegmentDescription
    assert {entry.SegmentAlgorithmType for entry in entries.values()} == {"AUTOMATIC"}
    assert data.ContentDescription.endswith("; 2 taken out by reader")


def test_the_report_says_whose_they_are(outcome: Outcome, written: Path, tmp_path: Path) -> None:
    """As dcmqi reads it: what was removed has a group without region and numbers."""
    words = ["--inputDICOM", str(written / MEASUREMENTS), "--outputMetadata", str(tmp_path / "sr.json")]
    subprocess.run([program("tid1500reader", "pip install dcmqi"), *words], check=True, capture_output=True)
    told = json.loads((tmp_path / "sr.json").read_text("utf-8"))["Measurements"]
    groups = {group["TrackingIdentifier"]: group for group in told}
    mine = outcome.findings.masses[-1]
    assert isinstance(mine, Mass) and mine.drawn
    said, numbers = evaluated(groups[DRAWN]), measured(groups[DRAWN])
    assert (said["class_by_radiologist"], said["outline"], said["verdict_by_radiologist"]) == (
        "aml", "radiologist", "drawn",
    )  # fmt: skip
    assert "class_by_algorithm" not in said and not any("probability" in name for name, _ in numbers)
    assert numbers["118565006", ""] == pytest.approx(mine.volume_ml, rel=1e-5)
    assert groups[DRAWN]["ReferencedSegment"] == 5
    anew = outcome.findings.kidneys[1]
    said = evaluated(groups[DRAWN_KIDNEY])
    assert said["outline"] == "radiologist" and "verdict_by_radiologist" not in said
    assert measured(groups[DRAWN_KIDNEY])["118565006", ""] == pytest.approx(anew.volume_ml, rel=1e-5)
    for name in ("kidney_right", "mass_left_2"):
        assert evaluated(groups[name])["verdict_by_radiologist"] == "removed"
        assert not groups[name].get("measurementItems") and "ReferencedSegment" not in groups[name]
    assert evaluated(groups["mass_left_2"])["class_by_algorithm"] == "aml"


def test_validators_find_no_error(written: Path) -> None:
    for name in (SEGMENTATION, MEASUREMENTS):
        done = subprocess.run(
            [program("dciodvfy", "apt install dicom3tools"), str(written / name)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        assert not [line for line in done.stderr.splitlines() if line.startswith("Error")], done.stderr


def test_grad_cam_of_what_was_removed_is_not_written(written: Path, outcome: Outcome, tmp_path: Path) -> None:
    assert "mass_left_2" in outcome.saliency
    only = replace(outcome, saliency={"mass_left_2": outcome.saliency["mass_left_2"]})
    slices = write_series(tmp_path / "ct", outcome.volume.voxels, GRID, number=4, change=complete)
    assert set(write_dicom_results(only, slices, tmp_path)) == {SEGMENTATION, MEASUREMENTS}


def test_all_removed_leaves_a_report_that_says_so(outcome: Outcome, tmp_path: Path) -> None:
    gone = (*outcome.findings.kidneys, *outcome.findings.masses[:2], *outcome.findings.removed)
    findings = replace(outcome.findings, kidneys=(), masses=(), removed=gone)
    nothing = Outcome(outcome.volume, findings, outcome.labels * 0, outcome.instances * 0, {})
    slices = write_series(tmp_path / "ct", outcome.volume.voxels, GRID, number=4, change=complete)
    assert set(write_dicom_results(nothing, slices, tmp_path)) == {MEASUREMENTS}
