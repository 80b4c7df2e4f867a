"""DICOM segmentations: read back by other libraries equal to the voxel, with codes, maker and study."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from paintedbody import painted_outcome
from scanfiles import LPS, oblique, write_nifti, write_series
from toybundle import axial, make_bundle, painted

from RenalAILib import __version__, cli
from RenalAILib.dicom.segmentation_object import write_dicom_seg
from RenalAILib.dicom.source_images import read_source_images
from RenalAILib.errors import InputError
from RenalAILib.findings import Outcome
from RenalAILib.labels import MassClass
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.reading import read_ct, read_labels
from RenalAILib.report import DICOM_FILES, FILES
from RenalAILib.volume import Volume

GRID = np.array([[-6.0, 0, 0, 144], [0, -6.0, 0, 102], [0, 0, 10.0, -90], [0, 0, 0, 1]])
SHAPE = (18, 35, 49)
LEAN = np.eye(4)
LEAN[1, 2] = np.tan(np.radians(15))  # a gantry tilted by 15 degrees


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return painted_outcome(GRID, SHAPE)


@pytest.fixture(scope="module")
def series(outcome: Outcome, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The slices from foot to head, in files with shuffled names."""
    return write_series(tmp_path_factory.mktemp("ct"), outcome.volume.voxels, GRID, number=4)


@pytest.fixture(scope="module")
def written(outcome: Outcome, series: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seg") / "segmentation.dcm"
    write_dicom_seg(outcome, series, path)
    return path


def numbered(path: Path, files: list[Path]) -> np.ndarray:
    """The segment numbers of each voxel, slices in the order of ``files``, by highdicom's own reader."""
    found = highdicom.seg.segread(path)
    uids = [pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID for file in files]
    return found.get_pixels_by_source_instance(uids, combine_segments=True, ignore_spatial_locations=True)


def test_every_voxel_comes_back(outcome: Outcome, series: list[Path], written: Path) -> None:
    assert np.array_equal(numbered(written, series), outcome.instances)


def test_frames_lie_where_their_slices_lie(outcome: Outcome, series: list[Path], written: Path) -> None:
    """By pydicom alone, frame by frame: position and pixels."""
    data = pydicom.dcmread(written)
    shared = data.SharedFunctionalGroupsSequence[0]
    assert [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing] == [6.0, 6.0]
    frames = data.pixel_array
    seen = np.zeros_like(outcome.instances)
    for frame, groups in zip(frames, data.PerFrameFunctionalGroupsSequence, strict=True):
        lps = [float(value) for value in groups.PlanePositionSequence[0].ImagePositionPatient]
        k = round(outcome.volume.kji(LPS[:3, :3] @ lps)[0])
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        seen[k][frame > 0] = number
        source = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert source == pydicom.dcmread(series[k], stop_before_pixels=True).SOPInstanceUID
    assert np.array_equal(seen, outcome.instances)


def test_it_belongs_to_the_study_and_is_new_in_it(series: list[Path], written: Path) -> None:
    data, source = pydicom.dcmread(written), pydicom.dcmread(series[0])
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName"):
        assert data[keyword].value == source[keyword].value
    assert data.SeriesInstanceUID != source.SeriesInstanceUID and data.Modality == "SEG"
    referred = data.ReferencedSeriesSequence[0]
    assert referred.SeriesInstanceUID == source.SeriesInstanceUID
    assert len(referred.ReferencedInstanceSequence) == len(series)
    assert "not for diagnosis" in data.ContentDescription


def test_codes_and_algorithm(outcome: Outcome, written: Path) -> None:
    data = pydicom.dcmread(written)
    assert [entry.TrackingID for entry in data.SegmentSequence] == [entry.segment_id for entry in outcome.segments]
    for entry, segment in zip(data.SegmentSequence, outcome.segments, strict=True):
        maker = entry.SegmentationAlgorithmIdentificationSequence[0]
        assert entry.SegmentAlgorithmType == "AUTOMATIC"
        assert entry.SegmentAlgorithmName == maker.AlgorithmName == "RenalAI" and maker.AlgorithmVersion == __version__
        assert (
            "painted 1.2.3" in maker.AlgorithmParameters and outcome.findings.bundle.sha256 in maker.AlgorithmParameters
        )
        side = {"right": "24028007", "left": "7771000"}[segment.side.value]
        kind = entry.SegmentedPropertyTypeCodeSequence[0]
        if segment in outcome.findings.kidneys:
            codes = (entry.SegmentedPropertyCategoryCodeSequence[0].CodeValue, kind.CodeValue)
            assert codes == ("123037004", "64033007")
            assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == side
        else:
            region = entry.AnatomicRegionSequence[0]
            assert (region.CodeValue, region.AnatomicRegionModifierSequence[0].CodeValue) == ("64033007", side)
            assert kind.CodeValue == ("367643001" if segment.mass_class is MassClass.CYSTIC else "4147007")
            assert "not a diagnosis" in entry.SegmentDescription and "0.88" in entry.SegmentDescription


def test_what_the_radiologist_said_is_theirs(outcome: Outcome, series: list[Path], tmp_path: Path) -> None:
    readings = [
        Reading("mass_left_1", Answer.ACCEPTED),
        Reading("mass_left_1", Answer.RECLASSIFIED, MassClass.CYSTIC, "thin septa", "Dr. Roe"),
        Reading("mass_left_2", Answer.REJECTED),
    ]
    write_dicom_seg(outcome, series, tmp_path / "seg.dcm", readings=readings)
    data = pydicom.dcmread(tmp_path / "seg.dcm")
    assert data.ContentDescription == "Demonstration weights, not for diagnosis; 1 rejected by reader"
    entries = {entry.TrackingID: entry for entry in data.SegmentSequence}
    assert list(entries) == ["kidney_right", "kidney_left", "mass_right_1", "mass_left_1"]
    changed = entries["mass_left_1"]
    assert changed.SegmentAlgorithmType == "SEMIAUTOMATIC" and changed.SegmentAlgorithmName == "RenalAI"
    assert changed.SegmentLabel == "Left mass 1 (cystic), class by the radiologist"
    assert changed.SegmentedPropertyTypeCodeSequence[0].CodeValue == "367643001"
    assert changed.SegmentDescription == (
        "Algorithm, not a diagnosis: solid, probability 0.88."
        " Radiologist (Dr. Roe): Reclassified as cystic. Note: thin septa"
    )
    assert {entries[name].SegmentAlgorithmType for name in entries if name != "mass_left_1"} == {"AUTOMATIC"}
    expected = np.where(outcome.instances == 5, 0, outcome.instances)
    assert np.array_equal(numbered(tmp_path / "seg.dcm", series), expected)


@pytest.mark.parametrize(
    ("axes", "flips"),
    [((0, 1, 2), (0,)), ((0, 1, 2), (1, 2)), ((2, 0, 1), ()), ((1, 2, 0), (0, 2)), ((2, 1, 0), (0, 1, 2))],
)
def test_an_outcome_on_another_order_of_the_axes(
    outcome: Outcome, series: list[Path], tmp_path: Path, axes: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    """Slices from head to foot, mirrored, or with other axes first, as other programs keep a volume."""
    turned = turn(outcome, axes, flips)
    write_dicom_seg(turned, series, tmp_path / "seg.dcm")
    assert np.array_equal(numbered(tmp_path / "seg.dcm", series), outcome.instances)


def turn(outcome: Outcome, axes: tuple[int, int, int], flips: tuple[int, ...]) -> Outcome:
    """The same outcome with array axes permuted, then flipped; found by asking where the new corners lie."""
    places = outcome.volume.ras(np.moveaxis(np.indices(outcome.volume.shape), 0, -1))

    def turned(array: np.ndarray) -> np.ndarray:
        return np.flip(array.transpose(*axes, *range(3, array.ndim)), flips)

    ras = turned(places)
    matrix = np.eye(4)
    matrix[:3, 3] = ras[0, 0, 0]
    matrix[:3, :3] = np.column_stack([ras[0, 0, 1], ras[0, 1, 0], ras[1, 0, 0]]) - ras[0, 0, 0][:, None]
    volume = Volume(turned(outcome.volume.voxels), matrix, "turned")
    return Outcome(volume, outcome.findings, turned(outcome.labels), turned(outcome.instances), {})


@pytest.mark.parametrize("grid", ["tilted", "oblique"])
def test_tilted_and_oblique_series(grid: str, outcome: Outcome, tmp_path: Path) -> None:
    affine = LEAN @ GRID if grid == "tilted" else oblique(np.random.default_rng(5))
    files = write_series(tmp_path / "ct", outcome.volume.voxels, affine)
    there = replace(outcome, volume=read_ct(tmp_path / "ct").volume)
    write_dicom_seg(there, files[::-1], tmp_path / "seg.dcm")
    kept = there.instances if there.volume.kji(outcome_corner(affine))[0] < 1 else there.instances[::-1]
    assert np.array_equal(numbered(tmp_path / "seg.dcm", files), kept)


def outcome_corner(affine: np.ndarray) -> np.ndarray:
    """Where the first voxel of the first written slice lies, RAS."""
    return affine[:3, 3]


def test_labelmap(outcome: Outcome, series: list[Path], written: Path, tmp_path: Path) -> None:
    write_dicom_seg(outcome, series, tmp_path / "seg.dcm", labelmap=True)
    data = pydicom.dcmread(tmp_path / "seg.dcm")
    assert data.SegmentationType == "LABELMAP" and data.file_meta.TransferSyntaxUID.name == "RLE Lossless"
    assert pydicom.dcmread(written).SegmentationType == "BINARY"
    assert np.array_equal(numbered(tmp_path / "seg.dcm", series), outcome.instances)


def test_a_segment_that_was_emptied_is_left_out(outcome: Outcome, series: list[Path], tmp_path: Path) -> None:
    emptied = replace(outcome, instances=np.where(outcome.instances == 2, 0, outcome.instances).astype(np.uint8))
    write_dicom_seg(emptied, series, tmp_path / "seg.dcm")
    entries = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence
    assert [entry.SegmentNumber for entry in entries] == [1, 2, 3, 4]
    assert "kidney_left" not in [entry.TrackingID for entry in entries]
    back = numbered(tmp_path / "seg.dcm", series)
    assert np.array_equal(back == 2, outcome.instances == 3)


def test_dcmqi_reads_the_same(outcome: Outcome, written: Path, tmp_path: Path) -> None:
    """An independent reader (DCMTK and ITK): each segment at its place, with its codes."""
    program = shutil.which("segimage2itkimage", path=str(Path(sys.executable).parent)) or shutil.which(
        "segimage2itkimage"
    )
    if program is None:
        pytest.skip("segimage2itkimage is not installed (pip install dcmqi)")
    words = ["--inputDICOM", str(written), "--outputDirectory", str(tmp_path), "--outputType", "nrrd"]
    done = subprocess.run([program, *words], capture_output=True, encoding="utf-8", errors="replace", timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    for number in range(1, len(outcome.segments) + 1):
        image = sitk.ReadImage(str(tmp_path / f"{number}.nrrd"))
        kji = np.argwhere(sitk.GetArrayFromImage(image))[:, ::-1].astype(float)
        lps = np.array([image.TransformContinuousIndexToPhysicalPoint(index) for index in kji])
        back = np.zeros(outcome.volume.shape, bool)
        back[tuple(np.rint(outcome.volume.kji(lps * (-1, -1, 1))).astype(int).T)] = True
        assert np.array_equal(back, outcome.instances == number)
    meta = (tmp_path / "meta.json").read_text("utf-8")
    assert meta.count("AUTOMATIC") == len(outcome.segments) and "367643001" in meta and "24028007" in meta


def test_a_real_series(outcome: Outcome, tmp_path: Path) -> None:
    """Slices of a real scanner, with all that its headers hold."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom" / "kits_00072_top"
    if not folder.is_dir():
        pytest.skip(f"the real series {folder.name} is not on this computer")
    scan = read_ct(folder)
    instances = np.zeros(scan.volume.shape, np.uint8)
    for number in range(1, len(outcome.segments) + 1):
        instances[number : number + 4, 90 * number : 90 * number + 30, 100:180] = number
    painted_on = Outcome(scan.volume, outcome.findings, instances, instances, {})
    write_dicom_seg(painted_on, scan.slices[::-1], tmp_path / "seg.dcm")
    assert np.array_equal(numbered(tmp_path / "seg.dcm", list(scan.slices)), instances)
    data, source = pydicom.dcmread(tmp_path / "seg.dcm"), pydicom.dcmread(scan.slices[0])
    for keyword in ("PatientID", "StudyInstanceUID", "StudyDate", "FrameOfReferenceUID"):
        assert data[keyword].value == source[keyword].value


def test_bad_series_are_refused_in_a_sentence(outcome: Outcome, series: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "out" / "seg.dcm"
    nifti = write_nifti(tmp_path / "ct.nii.gz", outcome.volume.voxels, GRID)
    for files, message in (
        ([], "was not read from DICOM"),
        ([nifti], "ct.nii.gz is no DICOM image"),
        ([tmp_path / "gone.dcm"], "gone.dcm cannot be read"),
        (series[:-1], "does not lie on the grid of painted"),
        (
            [*series[:-1], write_series(tmp_path / "other", outcome.volume.voxels[:1], GRID)[0]],
            "not of one DICOM series",
        ),
    ):
        with pytest.raises(InputError, match=message):
            write_dicom_seg(outcome, files, target)
    moved = replace(outcome, volume=Volume(outcome.volume.voxels, shift(2.0) @ GRID))
    with pytest.raises(InputError, match="does not lie on the grid"):
        write_dicom_seg(moved, series, target)
    assert not target.parent.exists() or list(target.parent.iterdir()) == []


def shift(mm: float) -> np.ndarray:
    """Towards the patient's right."""
    matrix = np.eye(4)
    matrix[0, 3] = mm
    return matrix


def test_a_series_without_a_frame_of_reference_is_refused(outcome: Outcome, tmp_path: Path) -> None:
    def without(_: int, data: pydicom.Dataset) -> None:
        del data.FrameOfReferenceUID

    files = write_series(tmp_path / "ct", outcome.volume.voxels, GRID, change=without)
    with pytest.raises(InputError, match="has no FrameOfReferenceUID"):
        read_source_images(files)


def test_the_name_of_the_patient_is_in_no_warning(outcome: Outcome, tmp_path: Path) -> None:
    def named(_: int, data: pydicom.Dataset) -> None:
        data.PatientName = "Onename"

    files = write_series(tmp_path / "ct", outcome.volume.voxels, GRID, change=named)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        write_dicom_seg(outcome, files, tmp_path / "seg.dcm")
    assert not [warning for warning in seen if "Onename" in str(warning.message)]
    assert pydicom.dcmread(tmp_path / "seg.dcm").PatientName == "Onename"


def test_nothing_found_is_nothing_to_write(outcome: Outcome, series: list[Path], tmp_path: Path) -> None:
    nothing = replace(outcome, instances=np.zeros_like(outcome.instances))
    with pytest.raises(InputError, match="no kidney and no mass"):
        write_dicom_seg(nothing, series, tmp_path / "seg.dcm")
    assert list(tmp_path.iterdir()) == []


def test_highdicom_missing_is_told(
    outcome: Outcome, series: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(InputError, match=r"highdicom .*renalai\[dicom\]"):
        write_dicom_seg(outcome, series, tmp_path / "seg.dcm")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    make_bundle(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "toy"


def test_the_command_writes_it_into_the_result(toy: Path, tmp_path: Path) -> None:
    affine, shape = axial((5.0, 3.0, 3.0))
    files = write_series(tmp_path / "study", painted(affine, shape).voxels, affine)
    words = ["segment", "study", "-o", "out", "--bundle", str(toy), "--device", "cpu"]
    assert cli.main([*words, "--dicom"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*FILES, *DICOM_FILES}
    labels = read_labels(tmp_path / "out" / "labels.nii.gz").voxels
    assert np.array_equal(numbered(tmp_path / "out" / "segmentation.dcm", files) > 0, labels > 0) and labels.any()
    assert cli.main(words) == 0  # an older result with the object in it is a result, and is replaced as a whole
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FILES)


def test_the_command_refuses_other_files_before_the_work(
    toy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    affine, shape = axial((5.0, 4.0, 4.0))
    write_nifti(tmp_path / "scan.nii.gz", painted(affine, shape).voxels, affine)
    assert cli.main(["segment", "scan.nii.gz", "-o", "out", "--bundle", str(toy), "--dicom"]) == 2
    assert "scan.nii.gz is no DICOM" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
