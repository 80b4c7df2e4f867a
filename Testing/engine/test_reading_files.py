"""Reading NIfTI, NRRD and MetaImage: the voxels and the place in the patient come back exactly."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scanfiles import AXIAL, oblique, small_ct, write_metaimage, write_nifti, write_nrrd

from RenalAILib.errors import InputError
from RenalAILib.reading import check_ct, read_ct, read_labels, read_volume
from RenalAILib.volume import Volume

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scans")


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from(["a.nii", "a.nii.gz"]), st.sampled_from([1, 2]), st.booleans())
def test_any_nifti_grid_comes_back(folder: Path, seed: int, name: str, version: int, qform: bool) -> None:
    rng = np.random.default_rng(seed)
    affine = oblique(rng, shear=0.0 if qform else rng.uniform(-0.4, 0.4))
    voxels = small_ct(seed=seed)
    volume = read_volume(write_nifti(folder / name, voxels, affine, qform, version))
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=2e-3 if qform else 1e-4)
    assert volume.voxels.dtype == np.int16


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from(["LPS", "RAS"]))
def test_any_nrrd_grid_comes_back(folder: Path, seed: int, space: str) -> None:
    rng = np.random.default_rng(seed)
    affine, voxels = oblique(rng, shear=rng.uniform(-0.4, 0.4)), small_ct(seed=seed)
    volume = read_volume(write_nrrd(folder / "a.nrrd", voxels, affine, space))
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_any_metaimage_grid_comes_back(folder: Path, seed: int) -> None:
    affine, voxels = oblique(np.random.default_rng(seed)), small_ct(seed=seed)
    volume = read_volume(write_metaimage(folder / "a.mha", voxels, affine))
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.ijk_to_ras, affine, atol=1e-6)


def test_itk_and_nibabel_agree_with_us(tmp_path: Path) -> None:
    import SimpleITK as sitk

    path = write_nifti(tmp_path / "a.nii.gz", small_ct(), AXIAL)
    image = sitk.ReadImage(str(path))
    volume = read_volume(path)
    for i, j, k in ((0, 0, 0), (3, 5, 7), (15, 2, 1)):
        left, back, head = image.TransformIndexToPhysicalPoint((i, j, k))
        np.testing.assert_allclose(volume.ras((k, j, i)), (-left, -back, head), atol=1e-4)


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "u2", "i4", "i8", "f4", ">f4", "f8"])
def test_voxel_types_become_int16(tmp_path: Path, dtype: str) -> None:
    if dtype == "u1":
        hu = np.clip(small_ct(), -128, 127)
        path = write_nifti(tmp_path / "a.nii", (hu + 128).astype(np.uint8))
        _rescale(path, 1.0, -128.0)
    elif dtype == "u2":
        hu = small_ct()
        path = write_nifti(tmp_path / "a.nii", (hu + 1024).astype(np.uint16))
        _rescale(path, 1.0, -1024.0)
    else:
        hu = small_ct()
        path = write_nifti(tmp_path / "a.nii", hu.astype(dtype))
    volume = read_volume(path)
    assert volume.voxels.dtype == np.int16
    np.testing.assert_array_equal(volume.voxels, hu)


def _rescale(path: Path, slope: float, intercept: float) -> None:
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([slope, intercept], "<f4").tobytes()
    path.write_bytes(raw)


def test_fractions_of_hu_stay_float32(tmp_path: Path) -> None:
    voxels = small_ct() + np.float32(0.25)
    volume = read_volume(write_nifti(tmp_path / "a.nii", voxels))
    assert volume.voxels.dtype == np.float32
    np.testing.assert_array_equal(volume.voxels, voxels)


def test_values_beyond_int16_are_not_wrapped(tmp_path: Path) -> None:
    voxels = small_ct().astype(np.int32)
    voxels[0, 0, 0] = -100_000
    volume = read_volume(write_nifti(tmp_path / "a.nii", voxels))
    assert volume.voxels[0, 0, 0] == -100_000


def test_meters_become_millimeters(tmp_path: Path) -> None:
    scaled = AXIAL.copy()
    scaled[:3] /= 1000
    path = write_nifti(tmp_path / "a.nii", small_ct(), scaled)
    raw = bytearray(path.read_bytes())
    raw[123] = 1  # meters
    path.write_bytes(raw)
    np.testing.assert_allclose(read_volume(path).ijk_to_ras, AXIAL, atol=1e-3)


def test_a_fourth_axis_of_one_is_no_fourth_axis(tmp_path: Path) -> None:
    voxels = small_ct()
    volume = read_volume(write_nifti(tmp_path / "a.nii", voxels[None]))
    np.testing.assert_array_equal(volume.voxels, voxels)


def test_disagreeing_forms_are_noted(tmp_path: Path) -> None:
    import nibabel

    image = nibabel.Nifti1Image(small_ct().T, None)
    shifted = AXIAL.copy()
    shifted[0, 3] += 50
    image.set_sform(AXIAL, 1)
    image.set_qform(shifted, 1)
    nibabel.save(image, tmp_path / "a.nii")
    reading = read_ct(tmp_path / "a.nii")
    np.testing.assert_allclose(reading.volume.ijk_to_ras, AXIAL, atol=1e-4)
    assert len(reading.notes) == 1 and "sform" in reading.notes[0]


def test_gzip_members_one_after_the_other(tmp_path: Path) -> None:
    plain = write_nifti(tmp_path / "a.nii", small_ct()).read_bytes()
    path = tmp_path / "b.nii.gz"
    path.write_bytes(gzip.compress(plain[:1000]) + gzip.compress(plain[1000:]))
    np.testing.assert_array_equal(read_volume(path).voxels, small_ct())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([".nii", ".nii.gz", ".nrrd", ".mha"]))
def test_a_file_cut_anywhere_is_refused(folder: Path, cut: int, suffix: str) -> None:
    write = {".nrrd": write_nrrd, ".mha": write_metaimage}.get(suffix, write_nifti)
    path = write(folder / f"whole{suffix}", small_ct())
    whole = path.read_bytes()
    short = folder / f"short{suffix}"
    short.write_bytes(whole[: cut % len(whole)])
    with pytest.raises(InputError, match=f"short{suffix}"):
        read_volume(short)


@settings(max_examples=40, deadline=None)
@given(st.integers(10, 10_000), st.integers(1, 255))
def test_a_changed_byte_in_a_gzip_file_is_noticed(folder: Path, at: int, flip: int) -> None:
    raw = bytearray(write_nifti(folder / "sound.nii.gz", small_ct()).read_bytes())
    raw[10 + at % (len(raw) - 10)] ^= flip
    path = folder / "flipped.nii.gz"
    path.write_bytes(raw)
    with suppress(InputError):  # what is read all the same: a code that nothing is packed with, bits that fill a byte
        np.testing.assert_array_equal(read_volume(path).voxels, small_ct())


def test_labels_are_whole_numbers(tmp_path: Path) -> None:
    labels = (np.arange(8 * 14 * 16).reshape(8, 14, 16) % 7).astype(np.float32)
    volume = read_labels(write_nifti(tmp_path / "labels.nii.gz", labels))
    assert volume.voxels.dtype == np.uint8
    np.testing.assert_array_equal(volume.voxels, labels)
    with pytest.raises(InputError, match="not a label map"):
        read_labels(write_nifti(tmp_path / "ct.nii", small_ct()))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda hu: np.clip(hu, -126, 276), id="clipped as in BTCV"),
        pytest.param(lambda hu: np.where(hu == -1000, -3024, hu), id="padded"),
        pytest.param(lambda hu: np.where(hu > 200, 30000, hu), id="metal"),
        pytest.param(lambda hu: hu // 10 * 10, id="coarse steps"),
    ],
)
def test_what_is_ct_in_practice_passes(spoil: object) -> None:
    check_ct(Volume(spoil(small_ct()), AXIAL))  # type: ignore[operator]


@pytest.mark.skipif(not (DATA / "ct").is_dir(), reason="the shared CTs are not beside this checkout")
def test_real_scans_are_read() -> None:
    paths = sorted(DATA.glob("ct/*/ct.nii.gz"))
    assert len(paths) >= 10
    for path in paths[::4]:
        reading = read_ct(path)
        assert reading.volume.voxels.dtype == np.int16 and not reading.notes
        labels = path.with_name("labels.nii.gz")
        if labels.is_file():
            assert read_labels(labels).same_grid(reading.volume)
            with pytest.raises(InputError, match="label map"):
                read_ct(labels)
