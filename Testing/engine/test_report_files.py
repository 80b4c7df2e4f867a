"""The files of a result: right voxels in the right place, the same facts everywhere, readable by other programs."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from paintedbody import MASSES, painted_outcome

from RenalAILib import __version__
from RenalAILib.errors import InputError
from RenalAILib.findings import Findings, Mass, Outcome, segment_label
from RenalAILib.labels import MassClass
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.report import FILES, write_outcome
from RenalAILib.report.slicer_segmentation import seg_nrrd
from RenalAILib.report.table import COLUMNS, csv_text
from RenalAILib.terminology import segment_color, segment_name
from RenalAILib.writing.gzipping import gzipped


def _turned(angles_deg: tuple[float, float, float]) -> np.ndarray:
    turn = np.eye(4)
    for axis, angle in enumerate(np.radians(angles_deg)):
        a, b = [n for n in range(3) if n != axis]
        step = np.eye(4)
        step[a, a] = step[b, b] = np.cos(angle)
        step[a, b], step[b, a] = -np.sin(angle), np.sin(angle)
        turn = turn @ step
    return turn


_SHEAR = np.eye(4)
_SHEAR[1, 2] = np.tan(np.radians(15))  # a gantry tilted by 15 degrees
_CENTERED = np.diag([-6.0, -6.0, 10.0, 1.0])
_CENTERED[:3, 3] = 144, 102, -90
GRIDS = {
    "axial": _CENTERED,
    "flipped": _CENTERED @ np.array([[-1.0, 0, 0, 48], [0, 1, 0, 0], [0, 0, -1, 17], [0, 0, 0, 1]]),
    "permuted": np.array([[0.0, 0, -6, 144], [-6, 0, 0, 102], [0, 10, 0, -90], [0, 0, 0, 1]]),
    "oblique": _turned((12, -8, 20)) @ _CENTERED,
    "half turn": _turned((180, 0, 0)) @ _CENTERED,
    "sheared": _SHEAR @ _CENTERED,
}
SHAPE = (18, 35, 49)
SHAPES = {"permuted": (49, 18, 35)}


def _outcome(grid: str) -> Outcome:
    return painted_outcome(GRIDS[grid], SHAPES.get(grid, SHAPE), grid)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return painted_outcome()


@pytest.fixture(scope="module")
def result(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "result"
    write_outcome(outcome, folder)
    return folder


def test_the_folder_holds_exactly_the_promised_files(outcome: Outcome, tmp_path: Path) -> None:
    paths = write_outcome(outcome, tmp_path / "result")
    assert set(paths) == set(FILES) == {path.name for path in (tmp_path / "result").iterdir()}
    assert all(path.parent == tmp_path / "result" and path.stat().st_size > 0 for path in paths.values())
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_no_gradcam_file_without_gradcam(outcome: Outcome, tmp_path: Path) -> None:
    assert "gradcam.nii.gz" not in write_outcome(replace(outcome, saliency={}), tmp_path / "result")


def test_nothing_found_is_a_result_too(outcome: Outcome, tmp_path: Path) -> None:
    empty = np.zeros_like(outcome.labels)
    findings = replace(outcome.findings, kidneys=(), masses=())
    paths = write_outcome(Outcome(outcome.volume, findings, empty, empty, {}), tmp_path / "result")
    assert not nibabel.load(paths["labels.nii.gz"]).get_fdata().any()
    assert "No kidney and no renal mass was found" in paths["report.html"].read_text("utf-8")


def test_json_gives_the_findings_back_with_the_time_of_writing(outcome: Outcome, result: Path) -> None:
    data = json.loads((result / "findings.json").read_text("utf-8"))
    found = Findings.from_json(data)
    assert replace(found, timings_s={}) == replace(outcome.findings, timings_s={})
    times = found.timings_s
    assert 0 < times["write"] < 60
    assert times["total"] == pytest.approx(outcome.findings.timings_s["total"] + times["write"], abs=2e-3)
    assert {**times, "write": 0, "total": 0} == {**outcome.findings.timings_s, "write": 0, "total": 0}


def test_writing_again_counts_the_time_of_writing_once(outcome: Outcome, tmp_path: Path) -> None:
    first = write_outcome(outcome, tmp_path / "result")["findings.json"]
    again = replace(outcome, findings=Findings.from_json(json.loads(first.read_text("utf-8"))))
    times = json.loads(write_outcome(again, tmp_path / "result")["findings.json"].read_text("utf-8"))["timings_s"]
    assert times["total"] == pytest.approx(outcome.findings.timings_s["total"] + times["write"], abs=3e-3)


@pytest.mark.parametrize("grid", GRIDS)
def test_labels_lie_on_the_input_grid(grid: str, tmp_path: Path) -> None:
    outcome = _outcome(grid)
    paths = write_outcome(outcome, tmp_path / "result")
    image = nibabel.load(paths["labels.nii.gz"])
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_allclose(image.affine, outcome.volume.ijk_to_ras, atol=2e-5)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj).T, outcome.labels)
    assert set(np.unique(outcome.labels)) == {0, 1, 2, 3, 4, 5}
    qform, code = image.header.get_qform(coded=True)
    if grid == "sheared":
        assert code == 0  # a rotation cannot hold it, and a nearly right place is worse than none
    else:
        assert code == 1
        np.testing.assert_allclose(qform, outcome.volume.ijk_to_ras, atol=2e-4)


@pytest.mark.parametrize("grid", [grid for grid in GRIDS if grid != "sheared"])
def test_itk_sees_the_labels_where_nibabel_does(grid: str, tmp_path: Path) -> None:
    outcome = _outcome(grid)
    image = sitk.ReadImage(str(write_outcome(outcome, tmp_path / "result")["labels.nii.gz"]))
    assert image.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), outcome.labels)
    for index in ((0, 0, 0), (5, 7, 9)):
        lps = np.array(image.TransformIndexToPhysicalPoint(index))
        np.testing.assert_allclose(lps * (-1, -1, 1), outcome.volume.ras(index[::-1]), atol=1e-3)


def test_gradcam_is_0_to_1_where_it_was_computed(outcome: Outcome, result: Path) -> None:
    values = np.asarray(nibabel.load(result / "gradcam.nii.gz").get_fdata()).T
    covered = np.zeros(values.shape, dtype=bool)
    for saliency in outcome.saliency.values():
        covered[saliency.box.slices] = True
    assert not values[~covered].any()
    first = outcome.saliency["mass_right_1"]
    np.testing.assert_allclose(values[first.box.slices], first.values, atol=0.003)


@pytest.mark.parametrize("size", [0, 1, 1000, 1 << 20, (5 << 20) + 3])
def test_gzip_of_blocks_is_gzip(size: int) -> None:
    array = np.zeros(size, np.uint8)
    array[size // 2 : size // 2 + 500] = np.random.default_rng(0).integers(0, 256, min(500, size - size // 2))
    assert gzip.decompress(gzipped(b"head", array)) == b"head" + array.tobytes()


def test_csv_has_a_row_for_every_segment(outcome: Outcome, result: Path) -> None:
    text = (result / "findings.csv").read_bytes().decode("utf-8")
    assert text.count("\r\n") == text.count("\n") == 6
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [row["segment_id"] for row in rows] == [segment.segment_id for segment in outcome.segments]
    assert [row["kind"] for row in rows] == ["kidney", "kidney", "mass", "mass", "mass"]
    aml = rows[-1]
    assert (aml["class"], aml["side"], aml["evidence_agrees"], aml["enhancement_hu"]) == ("aml", "left", "false", "")
    assert float(aml["mean_hu"]) == -60  # a negative number is not a formula
    assert float(aml["probability_aml"]) == pytest.approx(0.88)
    assert float(aml["centroid_r_mm"]) == pytest.approx(MASSES["mass_left_2"][2][0])


@pytest.mark.parametrize("evil", ['=cmd|"/c calc"!A1', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_runs_nothing(evil: str, outcome: Outcome) -> None:
    findings = replace(outcome.findings, volume={**outcome.findings.volume, "name": evil})
    readings = (Reading("mass_left_1", Answer.NOTED, note=evil, reader=evil),)
    rows = list(csv.DictReader(io.StringIO(csv_text(findings, readings), newline="")))
    noted = next(row for row in rows if row["segment_id"] == "mass_left_1")
    assert noted["volume"] == noted["reading_note"] == noted["reading_reader"] == f"'{evil}"


def test_csv_keeps_quotes_commas_and_lines(outcome: Outcome) -> None:
    note = 'a "b", c\nd; é'
    text = csv_text(outcome.findings, (Reading("mass_left_1", Answer.NOTED, note=note),))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[3]["reading_note"] == note


def test_readings_are_kept_as_the_radiologists(outcome: Outcome, tmp_path: Path) -> None:
    reading = Reading("mass_left_2", Answer.RECLASSIFIED, MassClass.SOLID, "no fat", "Dr. A", "2026-03-01T14:05:00")
    paths = write_outcome(outcome, tmp_path / "result", readings=[reading])
    data = json.loads(paths["findings.json"].read_text("utf-8"))
    assert [Reading.from_json(entry) for entry in data["readings"]] == [reading]
    assert data["masses"][2]["class"] == "aml"  # the engine's word stays the engine's
    rows = list(csv.DictReader(io.StringIO(paths["findings.csv"].read_text("utf-8"), newline="")))
    assert (rows[4]["class"], rows[4]["reading_verdict"], rows[4]["reading_class"]) == ("aml", "reclassified", "solid")
    np.testing.assert_array_equal(np.asanyarray(nibabel.load(paths["labels.nii.gz"]).dataobj).T, outcome.labels)


def test_a_reading_of_no_mass_is_refused(outcome: Outcome, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mass_left_9"):
        write_outcome(outcome, tmp_path / "result", readings=[Reading("mass_left_9", Answer.ACCEPTED)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("verdict", "mass_class", "time"),
    [(Answer.RECLASSIFIED, None, ""), (Answer.ACCEPTED, MassClass.AML, ""), (Answer.ACCEPTED, None, "yesterday")],
)
def test_impossible_readings_are_refused(verdict: Answer, mass_class: MassClass | None, time: str) -> None:
    with pytest.raises(ValueError, match=r"reclassified|Invalid isoformat"):
        Reading("mass_left_1", verdict, mass_class, time=time)


def test_a_strange_folder_stays_as_it_is(outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="no RenalAI result"):
        write_outcome(outcome, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.fixture(scope="module")
def slicers_view(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    """What Slicer reads from the segmentation on each grid; in a process of its own, as Slicer's state is global."""
    if importlib.util.find_spec("slicer") is None:
        pytest.skip("slicer-core is not installed")
    folder = tmp_path_factory.mktemp("slicer")
    paths = [folder / f"{number}.seg.nrrd" for number in range(len(GRIDS))]
    for path, grid in zip(paths, GRIDS, strict=True):
        path.write_bytes(seg_nrrd(_outcome(grid)))
    script = Path(__file__).with_name("read_in_slicer.py")
    done = subprocess.run(
        [sys.executable, script, *paths], capture_output=True, encoding="utf-8", errors="replace", timeout=280
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[-len(GRIDS) :]
    return {
        grid: (json.loads(line), np.load(f"{path}.npy")) for grid, line, path in zip(GRIDS, lines, paths, strict=True)
    }


@pytest.mark.parametrize("grid", GRIDS)
def test_slicer_opens_the_segmentation(grid: str, slicers_view: dict[str, tuple[dict[str, Any], np.ndarray]]) -> None:
    outcome = _outcome(grid)
    found, voxels = slicers_view[grid]
    assert [s["id"] for s in found["segments"]] == [segment.segment_id for segment in outcome.segments]
    for value, (seen, segment) in enumerate(zip(found["segments"], outcome.segments, strict=True), 1):
        assert seen["name"] == segment_name(segment)
        assert tuple(seen["color"]) == segment_color(segment)
        assert seen["value"] == value
        assert seen["tags"]["DICOM.SegmentAlgorithmType"] == "AUTOMATIC"
        assert seen["tags"]["DICOM.SegmentAlgorithmName"] == f"RenalAI {__version__} painted 1.2.3"
        parts = seen["tags"]["TerminologyEntry"].split("~")
        assert len(parts) == 7
        assert parts[2] == _expected_type(segment)
        side = {"right": "SCT^24028007^Right", "left": "SCT^7771000^Left"}[segment.side.value]
        assert (parts[6] if isinstance(segment, Mass) else parts[3]) == side
    assert found["layers"] == 1
    np.testing.assert_allclose(found["matrix"], outcome.volume.ijk_to_ras, atol=1e-9)
    np.testing.assert_array_equal(voxels, outcome.instances)
    numbers = [float(value) for value in found["reference"].strip(";").split(";")]
    np.testing.assert_allclose(numbers[:16], outcome.volume.ijk_to_ras.reshape(-1))
    assert numbers[16:] == [
        0,
        outcome.volume.shape[2] - 1,
        0,
        outcome.volume.shape[1] - 1,
        0,
        outcome.volume.shape[0] - 1,
    ]


def _expected_type(segment: object) -> str:
    if not isinstance(segment, Mass):
        return "SCT^64033007^Kidney"
    return "SCT^367643001^Cyst" if segment.mass_class is MassClass.CYSTIC else "SCT^4147007^Mass"


def test_a_bundle_name_cannot_break_the_header(outcome: Outcome) -> None:
    findings = replace(outcome.findings, bundle=replace(outcome.findings.bundle, name="a|b\nSegment0_ID:=x"))
    header = seg_nrrd(replace(outcome, findings=findings)).split(b"\n\n", 1)[0].decode("utf-8")
    assert [line for line in header.splitlines() if line.startswith("Segment0_ID")] == ["Segment0_ID:=kidney_right"]
    tags = next(line for line in header.splitlines() if line.startswith("Segment0_Tags"))
    assert tags.count("|") == 3


def test_labels_and_instances_tell_the_same(outcome: Outcome) -> None:
    for value, segment in enumerate(outcome.segments, 1):
        assert set(outcome.labels[outcome.instances == value]) == {segment_label(segment)}
