"""Reading DICOM folders: order, geometry, choice of the series, and what cannot be a stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless, RLELossless, generate_uid
from scanfiles import AXIAL, oblique, small_ct, write_series

from RenalAILib.errors import InputError
from RenalAILib.reading import list_series, read_ct, read_volume
from RenalAILib.volume import Volume

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom"


def same_place(read: Volume, voxels: np.ndarray, affine: np.ndarray) -> None:
    """Every voxel written is found again at its place in the patient."""
    written = Volume(voxels, affine)
    index = np.stack(np.indices(voxels.shape), -1).reshape(-1, 3)
    at = read.kji(written.ras(index))
    np.testing.assert_allclose(at, np.rint(at), atol=1e-3)
    k, j, i = np.rint(at).astype(int).T
    np.testing.assert_array_equal(read.voxels[k, j, i], voxels.reshape(-1))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_series_comes_back_at_its_place(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Oblique, mirrored and tilted stacks, files in any order."""
    rng = np.random.default_rng(seed)
    affine, voxels = oblique(rng, shear=rng.uniform(-0.4, 0.4)), small_ct((8, 10, 12), seed)
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, voxels, affine)
    volume = read_volume(folder)
    assert volume.voxels.dtype == np.int16
    same_place(volume, voxels, affine)


def test_axial_series_runs_to_the_head(tmp_path: Path) -> None:
    voxels = small_ct()
    write_series(tmp_path, voxels[::-1], AXIAL @ np.diag([1, 1, -1, 1]))  # from the head down
    assert read_volume(tmp_path).ijk_to_ras[2, 2] > 0


def test_gantry_tilt_is_kept_and_told(tmp_path: Path) -> None:
    tilted = AXIAL.copy()
    tilted[1, 2] = 5 * np.tan(np.radians(15))
    voxels = small_ct()
    write_series(tmp_path, voxels, tilted)
    reading = read_ct(tmp_path)
    same_place(reading.volume, voxels, tilted)
    assert ["tilted by 15.0 degrees" in note for note in reading.notes] == [True]


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, DeflatedExplicitVRLittleEndian])
def test_compressed_series(tmp_path: Path, syntax: str) -> None:
    def compress(k: int, data: Dataset) -> None:
        if syntax == DeflatedExplicitVRLittleEndian:
            data.file_meta.TransferSyntaxUID = syntax
        else:
            data.compress(syntax)

    voxels = small_ct()
    write_series(tmp_path, voxels, change=compress)
    same_place(read_volume(tmp_path), voxels, AXIAL)


@pytest.mark.parametrize(
    ("compressor", "syntax"), [("JPEG2000", "1.2.840.10008.1.2.4.90"), ("JPEG", "1.2.840.10008.1.2.4.70")]
)
def test_series_compressed_by_gdcm(tmp_path: Path, compressor: str, syntax: str) -> None:
    import SimpleITK as sitk

    def unsigned(k: int, data: Dataset) -> None:
        data.BitsStored, data.HighBit, data.PixelRepresentation = 12, 11, 0

    voxels = small_ct((4, 64, 64))
    for path in write_series(tmp_path, voxels, change=unsigned):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.LoadPrivateTagsOn()
        image = reader.Execute()
        for key in reader.GetMetaDataKeys():
            image.SetMetaData(key, reader.GetMetaData(key))
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
        writer.SetFileName(str(path))
        writer.Execute(image)
        assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == syntax
    same_place(read_volume(tmp_path), voxels, AXIAL)


def test_fractional_rescale(tmp_path: Path) -> None:
    def halves(k: int, data: Dataset) -> None:
        data.RescaleSlope = "0.5"

    voxels = small_ct()
    write_series(tmp_path, voxels, intercept=0.0, change=halves)
    np.testing.assert_allclose(read_volume(tmp_path).voxels, voxels * 0.5)


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    def shifted(k: int, data: Dataset) -> None:
        data.RescaleIntercept = -1024 - 10 * k

    voxels = small_ct()
    write_series(tmp_path, voxels, change=shifted)
    np.testing.assert_array_equal(read_volume(tmp_path).voxels, voxels - 10 * np.arange(len(voxels))[:, None, None])


def test_identical_doubles_are_dropped_and_told(tmp_path: Path) -> None:
    paths = write_series(tmp_path, small_ct())
    (tmp_path / "again.dcm").write_bytes(paths[3].read_bytes())
    reading = read_ct(tmp_path)
    same_place(reading.volume, small_ct(), AXIAL)
    assert ["1 doubled slice" in note for note in reading.notes] == [True]


def test_localizers_and_other_orientations_are_left_out_and_told(tmp_path: Path) -> None:
    uid = generate_uid()

    def in_one_series(k: int, data: Dataset) -> None:
        data.SeriesInstanceUID = uid

    def localizer(k: int, data: Dataset) -> None:
        in_one_series(k, data)
        data.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    sagittal = AXIAL[:, [1, 2, 0, 3]]
    write_series(tmp_path, small_ct(), change=in_one_series)
    write_series(tmp_path, small_ct((1, 8, 8)), number=2, change=localizer)
    write_series(tmp_path, small_ct((2, 14, 16)), sagittal, number=3, change=in_one_series)
    reading = read_ct(tmp_path)
    same_place(reading.volume, small_ct(), AXIAL)
    assert ["3 images of another" in note for note in reading.notes] == [True]


def several(folder: Path) -> None:
    write_series(folder / "a", small_ct((12, 14, 16)), number=1, description="Topogram", change=_as_localizer)
    write_series(folder / "b", small_ct((12, 14, 16)), number=2, description="Abdomen native 5.0")
    write_series(folder / "c", small_ct((12, 14, 16)), number=3, description="Abdomen arterial 5.0")
    write_series(folder / "d", small_ct((12, 14, 16)), number=4, description="Abdomen portal venous 5.0")
    write_series(folder / "e", small_ct((12, 14, 16)), number=5, description="Abdomen portal venous bone")
    coronal = AXIAL[:, [0, 2, 1, 3]]
    write_series(folder / "f", small_ct((12, 14, 16)), coronal, number=6, description="Abdomen portal venous cor")


def _as_localizer(k: int, data: Dataset) -> None:
    data.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


def test_series_are_listed(tmp_path: Path) -> None:
    several(tmp_path)
    found = list_series(tmp_path)
    assert [series.number for series in found] == [1, 2, 3, 4, 5, 6]
    assert [series.contrast for series in found] == [0, 0, 1, 2, 2, 2]
    assert [series.orientation for series in found] == ["axial"] * 5 + ["coronal"]
    assert found[0].projected and found[4].sharp
    np.testing.assert_allclose(found[3].spacing_mm, (5.0, 4.0, 4.0))


def test_the_best_axial_contrast_series_is_taken_and_told(tmp_path: Path) -> None:
    several(tmp_path)
    reading = read_ct(tmp_path)
    assert "series 4 (Abdomen portal venous 5.0)" in reading.volume.name
    (note,) = reading.notes
    assert "series 4" in note and "Topogram" in note and "series 6" in note


def test_the_asked_series_is_taken(tmp_path: Path) -> None:
    several(tmp_path)
    uid = list_series(tmp_path)[1].uid
    for asked in ("2", uid):
        reading = read_ct(tmp_path, series=asked)
        assert "native" in reading.volume.name and not reading.notes
    with pytest.raises(InputError, match=r"no series 9.*series 1 \(Topogram\)"):
        read_ct(tmp_path, series="9")


def test_a_file_stands_for_its_series(tmp_path: Path) -> None:
    write_series(tmp_path, small_ct(seed=1), number=1, description="portal venous")
    paths = write_series(tmp_path, small_ct(seed=2), number=2, description="native")
    same_place(read_volume(paths[0]), small_ct(seed=2), AXIAL)


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path) -> None:
    write_series(tmp_path / "deep" / "deeper", small_ct())
    (tmp_path / "README.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "deep" / "empty").touch()
    same_place(read_volume(tmp_path), small_ct(), AXIAL)


@pytest.mark.parametrize("missing", [[4], [3, 4], [1, 5]])
def test_missing_slices_are_named(tmp_path: Path, missing: list[int]) -> None:
    paths = write_series(tmp_path, small_ct((10, 14, 16)))
    for k in missing:
        paths[k].unlink()
    first = -100 + 5 * (missing[0] - 1)
    with pytest.raises(InputError, match=rf"lacks {len(missing)} slices?: nothing between {first:.1f} and"):
        read_ct(tmp_path)


def test_uneven_slices_are_refused(tmp_path: Path) -> None:
    def uneven(k: int, data: Dataset) -> None:
        data.ImagePositionPatient[2] = -100 + 5 * k + (1.5 if k == 4 else 0)

    write_series(tmp_path, small_ct(), change=uneven)
    with pytest.raises(InputError, match=r"uneven slices: they are 3\.50 to 6\.50 mm apart"):
        read_ct(tmp_path)


def test_rounded_positions_pass(tmp_path: Path) -> None:
    def rounded(k: int, data: Dataset) -> None:
        data.ImagePositionPatient[2] = round(-100 + 0.625 * k, 1)

    thin = AXIAL @ np.diag([1, 1, 0.125, 1])
    write_series(tmp_path, small_ct((40, 14, 16)), thin, change=rounded)
    volume = read_volume(tmp_path)
    assert volume.spacing_mm[0] == pytest.approx(0.625, abs=0.005)


def test_shifted_slices_are_refused(tmp_path: Path) -> None:
    def shifted(k: int, data: Dataset) -> None:
        data.ImagePositionPatient[0] = -40 + (8 if k == 3 else 0)

    write_series(tmp_path, small_ct(), change=shifted)
    with pytest.raises(InputError, match="shifted against each other by 8"):
        read_ct(tmp_path)


def test_two_phases_in_one_series_are_refused(tmp_path: Path) -> None:
    uid = generate_uid()

    def in_one_series(k: int, data: Dataset) -> None:
        data.SeriesInstanceUID = uid

    write_series(tmp_path, small_ct(seed=1), number=1, change=in_one_series)
    write_series(tmp_path, small_ct(seed=2), number=2, change=in_one_series)
    with pytest.raises(InputError, match="several phases"):
        read_ct(tmp_path)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared DICOM series is not beside this checkout")
def test_a_real_series() -> None:
    reading = read_ct(DATA / "kits_00072_top")
    assert reading.volume.shape == (18, 512, 512) and reading.volume.voxels.dtype == np.int16 and not reading.notes
    (series,) = list_series(DATA)
    assert (series.modality, series.orientation, series.contrast) == ("CT", "axial", 1)
    assert reading.volume.voxels.min() < -900 and 20 < np.median(reading.volume.voxels[:, 256, 200:300]) < 300


@settings(max_examples=12, deadline=None)
@given(st.floats(0.01, 0.99), st.sampled_from([None, RLELossless, JPEGLSLossless]))
def test_a_slice_cut_anywhere_is_never_read_as_whole(
    tmp_path_factory: pytest.TempPathFactory, share: float, syntax: str | None
) -> None:
    """Refused as damaged; cut within its header, it is no DICOM image any more and missing from the stack."""

    def compress(k: int, data: Dataset) -> None:
        if syntax is not None:
            data.compress(syntax)

    folder = tmp_path_factory.mktemp("cut")
    path = write_series(folder, small_ct((6, 24, 24)), change=compress)[2]
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(InputError):
        read_ct(folder)
