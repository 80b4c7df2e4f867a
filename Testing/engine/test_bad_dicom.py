"""DICOM that is no CT, or a damaged one: one sentence each, that names the series and the cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from badinput import Cases, Words
from pydicom.dataset import Dataset
from pydicom.uid import MPEG2MPML
from scanfiles import small_ct, write_series

CASES = Cases()
bad = CASES.bad


def _dicom(folder: Path, change: Callable[[int, Dataset], object] | None = None) -> Words:
    write_series(folder / "series", small_ct(), change=change)
    return ["segment", str(folder / "series")]


def _setting(**values: object) -> Callable[[int, Dataset], None]:
    return lambda _k, data: [setattr(data, key, value) for key, value in values.items()] and None


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


@pytest.mark.parametrize("case", CASES)
def test_one_sentence(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    CASES.hold(case, tmp_path, monkeypatch, capfd)
