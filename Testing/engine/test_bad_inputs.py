"""Bad input and wrong usage: exit 2 and exactly one sentence on standard error, which names what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MPEG2MPML
from scanfiles import AXIAL, small_ct, write_metaimage, write_nifti, write_nrrd, write_series
from toybundle import make_bundle

from RenalAILib import cli

Words = list[str]
Make = Callable[[Path], Words]
CASES: dict[str, tuple[Make, str]] = {}


def bad(told: str) -> Callable[[Make], Make]:
    """Registers a case: a function that makes the input in a folder and returns the command's words; what is told."""

    def register(make: Make) -> Make:
        CASES[make.__name__] = (make, told)
        return make

    return register


def _nifti(folder: Path, voxels: np.ndarray, affine: np.ndarray = AXIAL, name: str = "scan.nii.gz") -> Words:
    return ["segment", str(write_nifti(folder / name, voxels, affine))]


def _patched(folder: Path, at: int, dtype: str, *values: float) -> Words:
    """An uncompressed NIfTI-1 file with some header fields overwritten."""
    path = write_nifti(folder / "scan.nii", small_ct())
    raw = bytearray(path.read_bytes())
    patch = np.array(values, dtype).tobytes()
    raw[at : at + len(patch)] = patch
    path.write_bytes(raw)
    return ["segment", str(path)]


def _dicom(folder: Path, change: Callable[[int, Dataset], object] | None = None) -> Words:
    write_series(folder / "series", small_ct(), change=change)
    return ["segment", str(folder / "series")]


def _setting(**values: object) -> Callable[[int, Dataset], None]:
    return lambda _k, data: [setattr(data, key, value) for key, value in values.items()] and None


@bad(r"nothing\.nii\.gz does not exist")
def missing_file(folder: Path) -> Words:
    return ["segment", str(folder / "nothing.nii.gz")]


@bad(r"scan\.nii\.gz is empty")
def empty_nifti(folder: Path) -> Words:
    (folder / "scan.nii.gz").touch()
    return ["segment", str(folder / "scan.nii.gz")]


@bad(r"scan\.mha is empty")
def empty_metaimage(folder: Path) -> Words:
    (folder / "scan.mha").touch()
    return ["segment", str(folder / "scan.mha")]


@bad(r"scan\.nii\.gz is not a NIfTI file")
def text_named_nifti(folder: Path) -> Words:
    (folder / "scan.nii.gz").write_text("this is no image " * 100, encoding="utf-8")
    return ["segment", str(folder / "scan.nii.gz")]


@bad(r"scan\.nrrd is not an NRRD file")
def text_named_nrrd(folder: Path) -> Words:
    (folder / "scan.nrrd").write_text("this is no image " * 100, encoding="utf-8")
    return ["segment", str(folder / "scan.nrrd")]


@bad(r"scan\.mha is not a MetaImage file")
def text_named_metaimage(folder: Path) -> Words:
    (folder / "scan.mha").write_text("this is no image " * 100, encoding="utf-8")
    return ["segment", str(folder / "scan.mha")]


@bad(r"report\.pdf is of no kind that RenalAI reads")
def wrong_kind(folder: Path) -> Words:
    (folder / "report.pdf").write_bytes(b"%PDF-1.7 " + bytes(1000))
    return ["segment", str(folder / "report.pdf")]


def _cut(path: Path) -> Words:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) * 2 // 3])
    return ["segment", str(path)]


@bad(r"scan\.nii is truncated")
def truncated_nifti(folder: Path) -> Words:
    return _cut(write_nifti(folder / "scan.nii", small_ct()))


@bad(r"scan\.nii\.gz is truncated")
def truncated_gzip(folder: Path) -> Words:
    return _cut(write_nifti(folder / "scan.nii.gz", small_ct()))


@bad(r"scan\.nrrd is truncated")
def truncated_nrrd(folder: Path) -> Words:
    return _cut(write_nrrd(folder / "scan.nrrd", small_ct()))


@bad(r"scan\.mha is truncated")
def truncated_metaimage(folder: Path) -> Words:
    return _cut(write_metaimage(folder / "scan.mha", small_ct()))


@bad(r"scan\.nii\.gz is damaged")
def changed_byte(folder: Path) -> Words:
    path = write_nifti(folder / "scan.nii.gz", small_ct())
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    return ["segment", str(path)]


@bad(r"scan\.nii is damaged: its header promises 30000 x 30000 x 30000")
def header_promises_too_much(folder: Path) -> Words:
    return _patched(folder, 40, "<i2", 3, 30000, 30000, 30000)


@bad(r"scan\.nii is truncated: its header promises 448,000,352 bytes")
def header_promises_more_than_there_is(folder: Path) -> Words:
    return _patched(folder, 40, "<i2", 3, 16, 14000, 1000)


@bad(r"scan\.nii is damaged: its header gives the size")
def negative_size(folder: Path) -> Words:
    return _patched(folder, 40, "<i2", 3, 16, -14, 8)


@bad(r"scan\.nii does not say how the patient lies")
def no_orientation(folder: Path) -> Words:
    return _patched(folder, 252, "<i2", 0, 0)


@bad(r"scan\.nii has a voxel spacing of 0 x 4 x 5 mm")
def zero_spacing(folder: Path) -> Words:
    return _patched(folder, 280, "<f4", 0, 0, 0, 40)


@bad(r"scan\.nii is damaged: its position in space")
def position_is_no_number(folder: Path) -> Words:
    return _patched(folder, 280, "<f4", np.nan)


@bad(r"scan\.nii keeps its voxels in another file")
def two_file_nifti(folder: Path) -> Words:
    return _patched(folder, 344, "u1", *b"ni1\0")


@bad(r"scan\.nii is a color image")
def color_nifti(folder: Path) -> Words:
    return _patched(folder, 70, "<i2", 128)


@bad(r"scan\.nii has voxels of NIfTI type 32")
def complex_nifti(folder: Path) -> Words:
    return _patched(folder, 70, "<i2", 32)


@bad(r"scan\.nii\.gz has 4 dimensions \(16 x 14 x 8 x 3\)")
def four_dimensions(folder: Path) -> Words:
    return _nifti(folder, np.stack([small_ct()] * 3))


@bad(r"scan\.nrrd has 3 values per voxel")
def vectors(folder: Path) -> Words:
    import SimpleITK as sitk

    path = folder / "scan.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([small_ct()] * 3, -1), isVector=True), str(path))
    return ["segment", str(path)]


@bad(r"scan\.nrrd does not say how the patient lies")
def nrrd_without_space(folder: Path) -> Words:
    return ["segment", str(write_nrrd(folder / "scan.nrrd", small_ct(), space=None))]


@bad(r"scan\.mhd names scan\.raw for its voxels, which is not there")
def metaimage_without_its_data(folder: Path) -> Words:
    path = write_metaimage(folder / "scan.mha", small_ct())
    head = path.read_bytes().partition(b"LOCAL\n")[0]
    (folder / "scan.mhd").write_bytes(head + b"scan.raw\n")
    return ["segment", str(folder / "scan.mhd")]


@bad(r"scan\.nii\.gz is a single slice")
def single_slice(folder: Path) -> Words:
    return _nifti(folder, small_ct((1, 64, 64)))


@bad(r"scan\.nii\.gz covers 1\.6 x 1\.4 x 1 mm")
def mouse(folder: Path) -> Words:
    return _nifti(folder, small_ct(), np.diag([-0.1, -0.1, 0.125, 1.0]))


@bad(r"scan\.nii\.gz has 2 voxels that are not a number")
def not_a_number(folder: Path) -> Words:
    voxels = small_ct().astype(np.float32)
    voxels[2, 3, 4], voxels[3, 4, 5] = np.nan, np.inf
    return _nifti(folder, voxels)


@bad(r"scan\.nii\.gz is empty: every voxel is 0")
def constant(folder: Path) -> Words:
    return _nifti(folder, np.zeros((8, 14, 16), np.int16))


@bad(r"scan\.nii\.gz looks like a label map")
def label_map(folder: Path) -> Words:
    return _nifti(folder, (small_ct() > 40).astype(np.uint8) * 2)


@bad(r"scan\.nii\.gz is not a CT in HU.*normalization")
def normalized(folder: Path) -> Words:
    return _nifti(folder, ((small_ct() + 1000) / 2000).astype(np.float32))


@bad(r"scan\.nii\.gz is a CT stored with 1024 added")
def offset_by_1024(folder: Path) -> Words:
    return _nifti(folder, np.maximum(small_ct() + 1024, 0).astype(np.int16))


@bad(r"scan\.nii\.gz is not a CT in HU.*is it MR or PET")
def magnetic_resonance(folder: Path) -> Words:
    return _nifti(folder, np.random.default_rng(0).gamma(2, 200, (8, 14, 16)).astype(np.int16))


@bad(r"scan\.nii\.gz is not a CT in HU")
def standardized_uptake(folder: Path) -> Words:
    return _nifti(folder, np.random.default_rng(0).gamma(0.5, 2, (8, 14, 16)).astype(np.float32))


@bad(r"scan\.nii\.gz is not a CT in HU.*raw data")
def random_numbers(folder: Path) -> Words:
    return _nifti(folder, np.random.default_rng(0).integers(-32768, 32767, (8, 14, 16)).astype(np.int16))


@bad(r"nothing-here holds no DICOM images")
def empty_folder(folder: Path) -> Words:
    (folder / "nothing-here").mkdir()
    return ["segment", str(folder / "nothing-here")]


@bad(r"pictures holds no DICOM images")
def folder_without_images(folder: Path) -> Words:
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.jpg").write_bytes(b"\xff\xd8\xff" + bytes(500))
    return ["segment", str(folder / "pictures")]


@bad(r"series holds no CT, only 1 series of MR")
def dicom_mr(folder: Path) -> Words:
    return _dicom(folder, _setting(Modality="MR"))


@bad(r"series holds no CT, only 1 series of PT")
def dicom_pet(folder: Path) -> Words:
    return _dicom(folder, _setting(Modality="PT"))


@bad(r"1-\d+\.dcm|series, series 1 is MR, not CT")
def dicom_file_of_an_mr(folder: Path) -> Words:
    paths = write_series(folder / "series", small_ct(), change=_setting(Modality="MR"))
    return ["segment", str(paths[0])]


@bad(r"series, series 1 lacks 1 slice: nothing between -85\.0 and -75\.0 mm")
def dicom_gap(folder: Path) -> Words:
    paths = write_series(folder / "series", small_ct())
    paths[4].unlink()
    return ["segment", str(folder / "series")]


@bad(r"series, series 1 is a single slice")
def dicom_single_slice(folder: Path) -> Words:
    write_series(folder / "series", small_ct((1, 64, 64)))
    return ["segment", str(folder / "series")]


@bad(r"series, series 1 does not say where its slices lie")
def dicom_without_positions(folder: Path) -> Words:
    def strip(_k: int, data: Dataset) -> None:
        del data.ImagePositionPatient

    return _dicom(folder, strip)


@bad(r"series, series 1 holds nothing but localizers")
def dicom_localizer(folder: Path) -> Words:
    return _dicom(folder, _setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))


@bad(r"series, series 1 is an enhanced \(multi-frame\) CT")
def dicom_multi_frame(folder: Path) -> Words:
    return _dicom(folder, _setting(NumberOfFrames=3))


@bad(r"series, series 1 holds color images")
def dicom_color(folder: Path) -> Words:
    return _dicom(folder, _setting(SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0))


@bad(r"1-\d+\.dcm is compressed as MPEG2")
def dicom_unknown_compression(folder: Path) -> Words:
    def relabel(_k: int, data: Dataset) -> None:
        data.file_meta.TransferSyntaxUID = MPEG2MPML
        data.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
        data["PixelData"].is_undefined_length = True

    return _dicom(folder, relabel)


@bad(r"1-\d+\.dcm is (truncated|damaged)")
def dicom_truncated(folder: Path) -> Words:
    words = _dicom(folder)
    path = sorted((folder / "series").iterdir())[3]
    path.write_bytes(path.read_bytes()[:-200])
    return words


@bad(r"1-\d+\.dcm has a damaged DICOM header")
def dicom_header_with_words_for_numbers(folder: Path) -> Words:
    words = _dicom(folder)
    path = sorted((folder / "series").iterdir())[3]
    path.write_bytes(path.read_bytes().replace(b"-1024", b"-10x4"))
    return words


@bad(r"series, series 1 is a CT stored with 1024 added")
def dicom_without_intercept(folder: Path) -> Words:
    def strip(_k: int, data: Dataset) -> None:
        data.PixelData = np.maximum(np.frombuffer(data.PixelData, "<i2"), 0).tobytes()
        del data.RescaleIntercept

    return _dicom(folder, strip)


@bad(r"series holds no DICOM images")
def dicom_without_pixels(folder: Path) -> Words:
    def strip(_k: int, data: Dataset) -> None:
        del data.Rows, data.Columns, data.PixelData
        data.Modality = "SR"

    return _dicom(folder, strip)


@bad(r"series holds no series 7; there are: series 1")
def unknown_series(folder: Path) -> Words:
    return [*_dicom(folder), "--series", "7"]


@bad(r"scan\.nii\.gz is one file.*--series")
def series_of_a_nifti(folder: Path) -> Words:
    return [*_nifti(folder, small_ct()), "--series", "7"]


@bad(r"scan\.nii\.gz is not a folder")
def list_of_a_file(folder: Path) -> Words:
    return [*_nifti(folder, small_ct()), "--series", "list"]


@bad(r"late\.nii does not exist")
def missing_second_phase(folder: Path) -> Words:
    return [*_nifti(folder, small_ct()), "--second-phase", str(folder / "late.nii")]


@bad(r"there is no bundle nonesuch")
def unknown_bundle(folder: Path) -> Words:
    return [*_nifti(folder, small_ct()), "--bundle", "nonesuch"]


@bad(r"the bundle toy .*locate\.onnx")
def tampered_bundle(folder: Path) -> Words:
    shutil.copytree(os.environ["RENALAI_BUNDLES"], folder / "toy")
    with (folder / "toy" / "models" / "locate.onnx").open("ab") as file:
        file.write(b"x")
    return [*_nifti(folder, small_ct()), "--bundle", str(folder / "toy")]


@bad(r"result is a file; the output must be a folder")
def output_is_a_file(folder: Path) -> Words:
    (folder / "result").touch()
    return [*_nifti(folder, small_ct()), "-o", str(folder / "result")]


@bad(r"photos holds files but no RenalAI result")
def output_holds_other_things(folder: Path) -> Words:
    (folder / "photos").mkdir()
    (folder / "photos" / "cat.jpg").touch()
    return [*_nifti(folder, small_ct()), "-o", str(folder / "photos")]


@bad(r"invalid choice: 'abacus'")
def unknown_device(folder: Path) -> Words:
    return [*_nifti(folder, small_ct()), "--device", "abacus"]


@bad(r"required: INPUT")
def no_input(folder: Path) -> Words:
    return ["segment"]


@bad(r"invalid choice: 'segmnt'")
def unknown_command(folder: Path) -> Words:
    return ["segmnt", "scan.nii.gz"]


@bad(r"required: COMMAND")
def no_command(folder: Path) -> Words:
    return []


@bad(r"unrecognized arguments: --fats")
def unknown_option(folder: Path) -> Words:
    return [*_nifti(folder, small_ct()), "--fats"]


@bad(r"manual\.nii\.gz does not exist")
def compare_with_nothing(folder: Path) -> Words:
    prediction = write_nifti(folder / "labels.nii.gz", (small_ct() > 40).astype(np.uint8))
    return ["compare", str(prediction), str(folder / "manual.nii.gz")]


@bad(r"scan\.nii\.gz is not a label map")
def compare_a_ct(folder: Path) -> Words:
    prediction = write_nifti(folder / "labels.nii.gz", (small_ct() > 40).astype(np.uint8))
    return ["compare", str(prediction), str(write_nifti(folder / "scan.nii.gz", small_ct()))]


@bad(r"manual\.nii\.gz and labels\.nii\.gz do not overlap")
def compare_in_another_place(folder: Path) -> Words:
    labels = (small_ct() > 40).astype(np.uint8)
    far = AXIAL.copy()
    far[2, 3] += 1000
    one = write_nifti(folder / "labels.nii.gz", labels)
    return ["compare", str(one), str(write_nifti(folder / "manual.nii.gz", labels, far))]


@bad(r"manual\.nii\.gz holds the value 9")
def compare_with_other_values(folder: Path) -> Words:
    labels = (small_ct() > 40).astype(np.uint8)
    one = write_nifti(folder / "labels.nii.gz", labels)
    return ["compare", str(one), str(write_nifti(folder / "manual.nii.gz", labels * 9))]


@bad(r"--seed must be 0 or more, got -1")
def negative_seed(folder: Path) -> Words:
    return ["demo", "--seed", "-1"]


@bad(r"weights\.zip does not exist")
def import_of_nothing(folder: Path) -> Words:
    return ["bundle", "import", str(folder / "weights.zip")]


@bad(r"weights\.zip is neither a bundle's folder nor a zip file")
def import_of_no_zip(folder: Path) -> Words:
    (folder / "weights.zip").write_text("no zip", encoding="utf-8")
    return ["bundle", "import", str(folder / "weights.zip")]


@bad(r"there is no bundle nonesuch")
def export_of_nothing(folder: Path) -> Words:
    return ["bundle", "export", "nonesuch"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "toy"
    make_bundle(folder)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_one_sentence(
    case: str, tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RENALAI_BUNDLES", str(toy))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    make, told = CASES[case]
    words = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    assert cli.main(words) == 2
    error = capfd.readouterr().err  # of the whole process: C++ libraries print as well
    assert re.fullmatch(r"renalai: [^\n]+\n", error), error
    assert re.search(told, error), error
    written = {path for path in tmp_path.rglob("*") if path not in before and tmp_path / "home" not in path.parents}
    assert written <= {tmp_path / "home"}


def test_there_are_many() -> None:
    assert len(CASES) >= 25


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read every file")
def test_a_forbidden_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_nifti(tmp_path / "scan.nii.gz", small_ct())
    path.chmod(0)
    assert cli.main(["segment", str(path)]) == 2
    assert "scan.nii.gz may not be read" in capfd.readouterr().err


def test_a_fault_of_ours_leaves_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from RenalAILib import bundle_store

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(bundle_store, "find_bundles", broken)
    assert cli.main(["bundle", "list"]) == 1
    error = capfd.readouterr().err
    assert re.fullmatch(r"renalai: internal fault, ZeroDivisionError; please report \S+\.log\n", error), error
    (log,) = (tmp_path / "home" / "logs").iterdir()
    assert "Traceback" in log.read_text(encoding="utf-8") and str(log) in error


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["segment", "--help"], ["bundle", "import", "--help"]])
def test_help(words: Words, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    assert capfd.readouterr().out.strip()
