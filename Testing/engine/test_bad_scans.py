"""Files that are no CT, or a damaged one: one sentence each, that names the file and the cause."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from badinput import Cases, Words, nifti
from scanfiles import small_ct, write_metaimage, write_nifti, write_nrrd

from RenalAILib import cli

CASES = Cases()
bad = CASES.bad


def _patched(folder: Path, at: int, dtype: str, *values: float) -> Words:
    """An uncompressed NIfTI-1 file with some header fields overwritten."""
    path = write_nifti(folder / "scan.nii", small_ct())
    raw = bytearray(path.read_bytes())
    patch = np.array(values, dtype).tobytes()
    raw[at : at + len(patch)] = patch
    path.write_bytes(raw)
    return ["segment", str(path)]


@bad(r"nothing\.nii\.gz does not exist")
def missing_file(folder: Path) -> Words:
    return ["segment", str(folder / "nothing.nii.gz")]


@bad(r"scan\.nii\.gz is empty")
def emptynifti(folder: Path) -> Words:
    (folder / "scan.nii.gz").touch()
    return ["segment", str(folder / "scan.nii.gz")]


@bad(r"scan\.mha is empty")
def empty_metaimage(folder: Path) -> Words:
    (folder / "scan.mha").touch()
    return ["segment", str(folder / "scan.mha")]


@bad(r"scan\.nii\.gz is not a NIfTI file")
def text_namednifti(folder: Path) -> Words:
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
def truncatednifti(folder: Path) -> Words:
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
def two_filenifti(folder: Path) -> Words:
    return _patched(folder, 344, "u1", *b"ni1\0")


@bad(r"scan\.nii is a color image")
def colornifti(folder: Path) -> Words:
    return _patched(folder, 70, "<i2", 128)


@bad(r"scan\.nii has voxels of NIfTI type 32")
def complexnifti(folder: Path) -> Words:
    return _patched(folder, 70, "<i2", 32)


@bad(r"scan\.nii\.gz has 4 dimensions \(16 x 14 x 8 x 3\)")
def four_dimensions(folder: Path) -> Words:
    return nifti(folder, np.stack([small_ct()] * 3))


@bad(r"scan\.nrrd has 3 values per voxel")
def vectors(folder: Path) -> Words:
    import SimpleITK as sitk

    path = folder / "scan.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([small_ct()] * 3, -1), isVector=True), str(path))
    return ["segment", str(path)]


@bad(r"scan\.nrrd does not say how the patient lies")
def nrrd_without_space(folder: Path) -> Words:
    return ["segment", str(write_nrrd(folder / "scan.nrrd", small_ct(), space=None))]


def _nrrd(folder: Path, **fields: str) -> Words:
    """A detached header, with some fields overwritten (left out where empty)."""
    known = {"type": "short", "dimension": "3", "sizes": "16 14 8", "encoding": "raw", "data file": "scan.raw"} | fields
    lines = [f"{name}: {value}" for name, value in known.items() if value]
    (folder / "scan.nhdr").write_text("\n".join(["NRRD0005", "# made by hand", *lines, "", ""]), encoding="utf-8")
    return ["segment", str(folder / "scan.nhdr")]


@bad(r"scan\.nhdr names scan\.raw for its voxels, which is not there")
def nrrd_without_its_data(folder: Path) -> Words:
    return _nrrd(folder)


@bad(r"scan\.nhdr keeps its slices in separate files")
def nrrd_of_slices(folder: Path) -> Words:
    return _nrrd(folder, **{"data file": "LIST"})


@bad(r"scan\.nhdr is packed as bzip2, which RenalAI does not read")
def nrrd_packed_otherwise(folder: Path) -> Words:
    return _nrrd(folder, encoding="bzip2")


@bad(r"scan\.nhdr has voxels of type block, which RenalAI does not read")
def nrrd_of_blocks(folder: Path) -> Words:
    return _nrrd(folder, type="block")


@bad(r"scan\.nhdr is damaged: its header does not give its size")
def nrrd_without_size(folder: Path) -> Words:
    return _nrrd(folder, sizes="")


@bad(r"scan\.nhdr is truncated: its header promises 3,584 bytes")
def nrrd_with_too_few_voxels(folder: Path) -> Words:
    (folder / "scan.raw").write_bytes(bytes(3000))
    return _nrrd(folder)


@bad(r"scan\.mhd names scan\.raw for its voxels, which is not there")
def metaimage_without_its_data(folder: Path) -> Words:
    path = write_metaimage(folder / "scan.mha", small_ct())
    head = path.read_bytes().partition(b"LOCAL\n")[0]
    (folder / "scan.mhd").write_bytes(head + b"scan.raw\n")
    return ["segment", str(folder / "scan.mhd")]


@bad(r"scan\.nii\.gz is a single slice")
def single_slice(folder: Path) -> Words:
    return nifti(folder, small_ct((1, 64, 64)))


@bad(r"scan\.nii\.gz covers 1\.6 x 1\.4 x 1 mm")
def mouse(folder: Path) -> Words:
    return nifti(folder, small_ct(), np.diag([-0.1, -0.1, 0.125, 1.0]))


@bad(r"scan\.nii\.gz has 2 voxels that are not a number")
def not_a_number(folder: Path) -> Words:
    voxels = small_ct().astype(np.float32)
    voxels[2, 3, 4], voxels[3, 4, 5] = np.nan, np.inf
    return nifti(folder, voxels)


@bad(r"scan\.nii\.gz is empty: every voxel is 0")
def constant(folder: Path) -> Words:
    return nifti(folder, np.zeros((8, 14, 16), np.int16))


@bad(r"scan\.nii\.gz looks like a label map")
def label_map(folder: Path) -> Words:
    return nifti(folder, (small_ct() > 40).astype(np.uint8) * 2)


@bad(r"scan\.nii\.gz is not a CT in HU.*normalization")
def normalized(folder: Path) -> Words:
    return nifti(folder, ((small_ct() + 1000) / 2000).astype(np.float32))


@bad(r"scan\.nii\.gz is a CT stored with 1024 added")
def offset_by_1024(folder: Path) -> Words:
    return nifti(folder, np.maximum(small_ct() + 1024, 0).astype(np.int16))


@bad(r"scan\.nii\.gz is not a CT in HU.*is it MR or PET")
def magnetic_resonance(folder: Path) -> Words:
    return nifti(folder, np.random.default_rng(0).gamma(2, 200, (8, 14, 16)).astype(np.int16))


@bad(r"scan\.nii\.gz is not a CT in HU")
def standardized_uptake(folder: Path) -> Words:
    return nifti(folder, np.random.default_rng(0).gamma(0.5, 2, (8, 14, 16)).astype(np.float32))


@bad(r"scan\.nii\.gz is not a CT in HU.*raw data")
def random_numbers(folder: Path) -> Words:
    return nifti(folder, np.random.default_rng(0).integers(-32768, 32767, (8, 14, 16)).astype(np.int16))


@pytest.mark.parametrize("case", CASES)
def test_one_sentence(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    CASES.hold(case, tmp_path, monkeypatch, capfd)


def test_there_are_many() -> None:
    assert len(CASES) >= 25


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read every file")
def test_a_forbidden_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_nifti(tmp_path / "scan.nii.gz", small_ct())
    path.chmod(0)
    assert cli.main(["segment", str(path)]) == 2
    assert "scan.nii.gz may not be read" in capfd.readouterr().err
