"""Measurement report and Grad-CAM in DICOM: what other programs read in them is what was found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import highdicom.sr
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from paintedbody import painted_outcome
from scanfiles import write_series

from RenalAILib.dicom.results import GRADCAM, MEASUREMENTS, SEGMENTATION, write_dicom_results
from RenalAILib.dicom.segmentation_object import write_dicom_seg
from RenalAILib.findings import Findings, Mass, Outcome
from RenalAILib.labels import MassClass
from RenalAILib.radiologist.edits import edited_segments
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.reading import read_ct
from RenalAILib.volume import Volume

GRID = np.array([[-6.0, 0, 0, 144], [0, -6.0, 0, 102], [0, 0, 10.0, -90], [0, 0, 0, 1]])
READINGS = (
    Reading("mass_left_1", Answer.RECLASSIFIED, MassClass.CYSTIC, "thin septa", "Dr. Roe"),
    Reading("mass_left_2", Answer.REJECTED),
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """The painted body; of the right cyst the enhancement is known."""
    plain = painted_outcome(GRID, (18, 35, 49))
    first, *others = plain.findings.masses
    known = replace(first, evidence=replace(first.evidence, enhancement_hu=-3.25))
    return replace(plain, findings=replace(plain.findings, masses=(known, *others)))


@pytest.fixture(scope="module")
def series(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_series(tmp_path_factory.mktemp("ct"), outcome.volume.voxels, GRID, number=4, change=complete)


def complete(_: int, data: pydicom.Dataset) -> None:
    data.StudyDate, data.StudyTime, data.StudyID = "20260102", "101112", "7"


@pytest.fixture(scope="module")
def written(outcome: Outcome, series: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    assert set(write_dicom_results(outcome, series, folder)) == {SEGMENTATION, MEASUREMENTS, GRADCAM}
    return folder


@pytest.fixture(scope="module")
def read_by_radiologist(outcome: Outcome, series: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read")
    write_dicom_results(outcome, series, folder, READINGS)
    return folder


def program(name: str, package: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed ({package})")
    return found


def measured(group: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Numbers of a group as dcmqi tells them, by code and derivation."""
    return {
        (item["quantity"]["CodeValue"], item.get("derivationModifier", {}).get("CodeValue", "")): float(item["value"])
        for item in group["measurementItems"]
    }


def evaluated(group: dict[str, Any]) -> dict[str, str]:
    return {
        item["conceptCode"]["CodeValue"]: item["conceptValue"]["CodeValue"]
        for item in group["qualitativeEvaluations"]
        if isinstance(item["conceptValue"], dict)
    }


def dcmqi_groups(folder: Path, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """The groups with a region, by tracking identifier, as the C++ reader of dcmqi (DCMTK) finds them."""
    words = ["--inputDICOM", str(folder / MEASUREMENTS), "--outputMetadata", str(tmp_path / "sr.json")]
    done = subprocess.run(
        [program("tid1500reader", "pip install dcmqi"), *words],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=250,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "sr.json").read_text("utf-8"))
    assert report["CompletionFlag"] == "COMPLETE" and report["VerificationFlag"] == "UNVERIFIED"
    return {group["TrackingIdentifier"]: group for group in report["Measurements"]}


def test_another_program_reads_the_measurements(outcome: Outcome, written: Path, tmp_path: Path) -> None:
    groups = dcmqi_groups(written, tmp_path)
    assert list(groups) == [segment.segment_id for segment in outcome.segments]
    segmentation = pydicom.dcmread(written / SEGMENTATION)
    for number, segment in enumerate(outcome.segments, start=1):
        group = groups[segment.segment_id]
        numbers = measured(group)
        assert numbers["118565006", ""] == pytest.approx(segment.volume_ml, rel=1e-5)
        assert numbers["112031", "373098007"] == pytest.approx(segment.mean_hu, rel=1e-5)
        assert group["ReferencedSegment"] == number
        assert group["segmentationSOPInstanceUID"] == segmentation.SOPInstanceUID
        assert group["TrackingUniqueIdentifier"] == segmentation.SegmentSequence[number - 1].TrackingUID
        assert group["Laterality"]["CodeMeaning"].lower() == segment.side.value
        assert group["measurementAlgorithmIdentification"]["AlgorithmName"] == "RenalAI"
        if isinstance(segment, Mass):
            check_mass(segment, group)


def check_mass(mass: Mass, group: dict[str, Any]) -> None:
    numbers = measured(group)
    assert numbers["103339001", ""] == pytest.approx(mass.diameter_mm.axial_max, rel=1e-5)
    assert numbers["81827009", "373098007"] == pytest.approx(mass.diameter_mm.average, rel=1e-5)
    assert numbers["112031", "386136009"] == pytest.approx(mass.evidence.sd_hu, rel=1e-5)
    assert numbers["fat_fraction", ""] == pytest.approx(100 * mass.evidence.fat_fraction, rel=1e-5)
    for mass_class, probability in mass.probabilities.items():
        assert numbers[f"probability_{mass_class.value}", ""] == pytest.approx(probability, rel=1e-5)
    assert numbers.get(("enhancement", "")) == mass.evidence.enhancement_hu
    said = evaluated(group)
    assert said["class_by_algorithm"] == mass.mass_class.value
    assert said["class_by_measurement"] == mass.evidence.suggests.value
    assert group["Finding"]["CodeValue"] == ("367643001" if mass.mass_class is MassClass.CYSTIC else "4147007")
    assert not {name for name in said if "radiologist" in name}


def test_what_the_radiologist_said_is_theirs(read_by_radiologist: Path, tmp_path: Path) -> None:
    groups = dcmqi_groups(read_by_radiologist, tmp_path)
    changed = evaluated(groups["mass_left_1"])
    assert changed["class_by_algorithm"] == "solid" and changed["class_by_radiologist"] == "cystic"
    assert changed["verdict_by_radiologist"] == "reclassified"
    assert groups["mass_left_1"]["Finding"]["CodeValue"] == "367643001"
    assert "class_by_radiologist" not in evaluated(groups["mass_right_1"])
    report = pydicom.dcmread(read_by_radiologist / MEASUREMENTS)
    comments = [item["text"] for item in walk(report) if item["name"] == "121106"]
    assert any("Radiologist (Dr. Roe): Reclassified as cystic. Note: thin septa" in text for text in comments)


def test_a_rejected_mass_is_told_and_not_measured(read_by_radiologist: Path) -> None:
    report = highdicom.sr.srread(read_by_radiologist / MEASUREMENTS)
    (group,) = report.content.get_image_measurement_groups()
    assert group.tracking_identifier == "mass_left_2" and group.get_measurements() == []
    values = {item.name.value: item.value.value for item in group.get_qualitative_evaluations()}
    assert values["verdict_by_radiologist"] == "rejected" and values["class_by_algorithm"] == "aml"
    regions = [group.tracking_identifier for group in report.content.get_volumetric_roi_measurement_groups()]
    assert regions == ["kidney_right", "kidney_left", "mass_right_1", "mass_left_1"]


def walk(data: pydicom.Dataset) -> list[dict[str, str]]:
    found = []
    for item in data.get("ContentSequence", []):
        names = item.get("ConceptNameCodeSequence")
        found.append({"name": names[0].get("CodeValue", "") if names else "", "text": item.get("TextValue", "")})
        found += walk(item)
    return found


def test_grad_cam_comes_back_equal_to_the_voxel(outcome: Outcome, written: Path, tmp_path: Path) -> None:
    """At their places by dcmqi (DCMTK, ITK), which writes what it read as NRRD."""
    expected = np.zeros(outcome.volume.shape, np.float32)
    for part in outcome.saliency.values():
        there = expected[part.box.slices]
        np.maximum(there, part.values, out=there)
    words = ["--inputDICOM", str(written / GRADCAM), "--outputDirectory", str(tmp_path), "--outputType", "nrrd"]
    done = subprocess.run(
        [program("paramap2itkimage", "pip install dcmqi"), *words],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=250,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = tmp_path.glob("*.nrrd")
    image = sitk.ReadImage(str(path))
    values = sitk.GetArrayFromImage(image)
    kji = np.argwhere(values > 0)
    lps = np.array([image.TransformContinuousIndexToPhysicalPoint(index) for index in kji[:, ::-1].astype(float)])
    seen = np.zeros_like(expected)
    seen[tuple(np.rint(outcome.volume.kji(lps * (-1, -1, 1))).astype(int).T)] = values[tuple(kji.T)]
    assert expected.max() == 1 and np.array_equal(seen, expected)
    shared = pydicom.dcmread(written / GRADCAM).SharedFunctionalGroupsSequence[0]
    mapping = shared.RealWorldValueMappingSequence[0]
    assert mapping.RealWorldValueSlope == 1 and mapping.RealWorldValueIntercept == 0
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == "130402"
    assert shared.FrameAnatomySequence[0].FrameLaterality == "B"


def test_grad_cam_of_a_rejected_mass_is_left_out(outcome: Outcome, read_by_radiologist: Path, written: Path) -> None:
    whole, less = (pydicom.dcmread(folder / GRADCAM).pixel_array for folder in (written, read_by_radiologist))
    assert np.count_nonzero(whole) - np.count_nonzero(less) == np.count_nonzero(outcome.saliency["mass_left_2"].values)


@pytest.mark.parametrize("name", [SEGMENTATION, MEASUREMENTS, GRADCAM])
def test_dciodvfy_finds_no_error(name: str, read_by_radiologist: Path) -> None:
    """The validator of dicom3tools knows the rules of every object of the standard."""
    words = [program("dciodvfy", "Debian package dicom3tools"), "-new", str(read_by_radiologist / name)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace", timeout=250)
    kind = {SEGMENTATION: "Segmentation", MEASUREMENTS: "Comprehensive3DSR", GRADCAM: "ParametricMap"}[name]
    assert kind in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []


def test_made_twice_it_is_the_same_object(outcome: Outcome, series: list[Path], written: Path, tmp_path: Path) -> None:
    write_dicom_results(outcome, series[::-1], tmp_path)
    for name in (SEGMENTATION, MEASUREMENTS, GRADCAM):
        one, other = pydicom.dcmread(written / name), pydicom.dcmread(tmp_path / name)
        assert (one.SOPInstanceUID, one.SeriesInstanceUID) == (other.SOPInstanceUID, other.SeriesInstanceUID)
    write_dicom_seg(outcome, series, tmp_path / "seg.dcm")
    assert (
        pydicom.dcmread(tmp_path / "seg.dcm").SOPInstanceUID == pydicom.dcmread(written / SEGMENTATION).SOPInstanceUID
    )


def test_another_reading_is_another_object_about_the_same_masses(written: Path, read_by_radiologist: Path) -> None:
    for name in (SEGMENTATION, MEASUREMENTS, GRADCAM):
        one, other = pydicom.dcmread(written / name), pydicom.dcmread(read_by_radiologist / name)
        assert one.SOPInstanceUID != other.SOPInstanceUID and one.SeriesInstanceUID != other.SeriesInstanceUID
    tracked = [
        {entry.TrackingID: entry.TrackingUID for entry in pydicom.dcmread(folder / SEGMENTATION).SegmentSequence}
        for folder in (written, read_by_radiologist)
    ]
    assert tracked[1].items() <= tracked[0].items()


def test_other_voxels_are_another_object(outcome: Outcome, series: list[Path], written: Path, tmp_path: Path) -> None:
    edited = outcome.instances.copy()
    edited[tuple(np.argwhere(edited == 4)[0])] = 2
    write_dicom_results(replace(outcome, instances=edited), series, tmp_path)
    for name in (SEGMENTATION, MEASUREMENTS):
        assert pydicom.dcmread(tmp_path / name).SOPInstanceUID != pydicom.dcmread(written / name).SOPInstanceUID


def test_an_outline_that_the_radiologist_changed_is_theirs_and_measured_again(
    outcome: Outcome, series: list[Path], tmp_path: Path
) -> None:
    """The left solid mass loses its upper half to the kidney."""
    edited = outcome.instances.copy()
    upper = edited[13:]
    upper[upper == 4] = 2
    changed = replace(outcome, instances=edited)
    assert edited_segments(changed) == {"mass_left_1", "kidney_left"} and edited_segments(outcome) == set()
    write_dicom_results(changed, series, tmp_path, edited=edited_segments(changed))
    entries = {entry.TrackingID: entry for entry in pydicom.dcmread(tmp_path / SEGMENTATION).SegmentSequence}
    theirs = {name for name, entry in entries.items() if entry.SegmentAlgorithmType == "SEMIAUTOMATIC"}
    assert theirs == {"mass_left_1", "kidney_left"}
    assert entries["mass_left_1"].SegmentLabel == "Left mass 1 (solid), outline by the radiologist"
    groups = dcmqi_groups(tmp_path, tmp_path)
    voxels = {name: np.count_nonzero(edited == number) for name, number in (("mass_left_1", 4), ("kidney_left", 2))}
    for name, count in voxels.items():
        assert measured(groups[name])["118565006", ""] == pytest.approx(count * 0.36, rel=1e-5)
        assert evaluated(groups[name])["outline"] == "radiologist"
    assert measured(groups["mass_left_1"])["112031", "373098007"] == 95
    assert measured(groups["mass_left_1"])["probability_solid", ""] == 0.88
    assert "outline" not in evaluated(groups["mass_right_1"])


def test_patient_and_study_are_those_of_the_ct(series: list[Path], written: Path) -> None:
    source = pydicom.dcmread(series[0])
    for name in (MEASUREMENTS, GRADCAM):
        data = pydicom.dcmread(written / name)
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate"):
            assert data[keyword].value == source[keyword].value
        assert "not for diagnosis" in data.SeriesDescription


def test_nothing_found_leaves_nothing_to_write(outcome: Outcome, series: list[Path], tmp_path: Path) -> None:
    findings: Findings = replace(outcome.findings, kidneys=(), masses=())
    nothing = Outcome(outcome.volume, findings, outcome.labels * 0, outcome.instances * 0, {})
    assert write_dicom_results(nothing, series, tmp_path) == {}


def test_a_real_series(outcome: Outcome, tmp_path: Path) -> None:
    """Slices of a real scanner, with all that its headers hold; no name in a warning."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom" / "kits_00072_top"
    if not folder.is_dir():
        pytest.skip(f"the real series {folder.name} is not on this computer")
    scan = read_ct(folder)
    instances = np.zeros(scan.volume.shape, np.uint8)
    for number in range(1, len(outcome.segments) + 1):
        instances[number : number + 4, 90 * number : 90 * number + 30, 100:180] = number
    painted_on = Outcome(
        Volume(scan.volume.voxels, scan.volume.ijk_to_ras, "real"), outcome.findings, instances, instances, {}
    )
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert set(write_dicom_results(painted_on, scan.slices, tmp_path)) == {SEGMENTATION, MEASUREMENTS}
    name = str(pydicom.dcmread(scan.slices[0]).PatientName)
    assert not [warning for warning in seen if name in str(warning.message)]
    report = highdicom.sr.srread(tmp_path / MEASUREMENTS)
    assert len(report.content.get_volumetric_roi_measurement_groups()) == len(outcome.segments)
