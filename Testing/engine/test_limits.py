"""Scans outside of what the networks know: each is told in the result, and ordinary ones are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from scanfiles import small_ct, write_series
from toybundle import toy_bundle

from RenalAILib.errors import InputError
from RenalAILib.labels import KIDNEY_LABELS
from RenalAILib.orientation import canonical
from RenalAILib.phantom import Phantom, make_phantom
from RenalAILib.pipelines.limits import about_scan, metal, noise_hu, small_body
from RenalAILib.pipelines.running import segment
from RenalAILib.reading import read_ct, read_labels
from RenalAILib.reading.plausibility import check_ct
from RenalAILib.volume import Volume

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "ct"
SPACING, SHAPE = (4.0, 2.0, 2.0), (60, 160, 190)
ALL = slice(0, SHAPE[0])


@pytest.fixture(scope="module")
def adult() -> Phantom:
    """An ordinary scan; tests change copies of it."""
    return make_phantom(3, shape=SHAPE, spacing_mm=SPACING, noise_hu=14)


def changed(phantom: Phantom, voxels: np.ndarray, spacing: float = 1.0, along: float = 1.0) -> Volume:
    """Other voxels, or another size of the voxels: in plane and ``along`` the body."""
    scale = np.diag([spacing, spacing, along, 1.0])
    return Volume(voxels.astype(np.int16), phantom.volume.ijk_to_ras @ scale, "changed")


def told(view: Volume, labels: np.ndarray) -> str:
    """The one warning of a scan."""
    (warning,) = about_scan(view, labels)
    return warning


def test_nothing_is_said_of_an_ordinary_scan(adult: Phantom) -> None:
    nothing = np.zeros_like(adult.labels)
    assert about_scan(adult.volume, adult.labels) == [] == about_scan(adult.volume, nothing)


@pytest.mark.parametrize("case", sorted(path.name for path in DATA.glob("*")) if DATA.is_dir() else ["none"])
def test_nothing_is_said_of_the_real_scans(case: str) -> None:
    """Twelve abdomens, a low-dose scan without contrast, and chests with metal far from where kidneys are."""
    if not DATA.is_dir():
        pytest.skip(f"no real scans: {DATA} is not there")
    if not (DATA / case / "ct.nii.gz").is_file():
        pytest.skip(f"{case} is no scan")
    view = canonical(read_ct(DATA / case / "ct.nii.gz").volume)
    truth = DATA / case / "labels.nii.gz"
    labels = canonical(read_labels(truth)).voxels if truth.is_file() else np.zeros(view.shape, np.uint8)
    assert about_scan(view, labels) == []


def test_a_child_is_told_by_its_size(adult: Phantom) -> None:
    small = changed(adult, adult.volume.voxels, spacing=0.6, along=0.6)
    assert "a child, or another part of the body" in told(small, adult.labels)


def test_a_body_cut_off_by_the_image_is_not_called_small(adult: Phantom) -> None:
    inside = adult.volume.voxels[:, 50:110, 50:140]
    cut = Volume(np.ascontiguousarray(inside), adult.volume.ijk_to_ras, "cut")
    assert small_body(cut, ALL) is None


def test_a_head_is_another_part_of_the_body() -> None:
    k, j, i = np.indices((40, 120, 120)) - np.reshape([20, 60, 60], (3, 1, 1, 1))
    inside = (j / 48) ** 2 + (i / 38) ** 2
    head = np.where(inside < 0.85, 35, np.where(inside < 1, 900, -1000)) + np.random.default_rng(0).normal(
        0, 4, k.shape
    )
    scan = Volume(head.astype(np.int16), np.diag([-2.0, -2.0, 4.0, 1.0]), "head")
    check_ct(scan)
    assert "another part of the body" in told(scan, np.zeros(scan.shape, np.uint8))


def test_thick_slices_are_told(adult: Phantom) -> None:
    thick = changed(adult, adult.volume.voxels[::2], along=2.0)
    assert "8.0 mm apart" in told(thick, adult.labels[::2])
    assert about_scan(changed(adult, adult.volume.voxels, along=1.25), adult.labels) == []  # 5 mm are usual


def test_heavy_noise_is_measured_and_told() -> None:
    for noise, warned in ((10.0, False), (20.0, False), (60.0, True)):
        phantom = make_phantom(3, shape=SHAPE, spacing_mm=SPACING, noise_hu=noise)
        measured = noise_hu(phantom.volume, ALL)
        assert measured is not None and 0.55 * noise < measured < 1.1 * noise  # 16 voxels a patch: too low by a third
        warnings = about_scan(phantom.volume, phantom.labels)
        assert bool(warnings) is warned
        assert not warned or "noisy" in warnings[0]


def test_metal_counts_where_the_kidneys_are(adult: Phantom) -> None:
    level = np.flatnonzero(np.isin(adult.labels, [int(label) for label in KIDNEY_LABELS]).any(axis=(1, 2)))
    for k, warned in ((int(level.mean()), True), (int(level[0]) - 5, False)):
        voxels = adult.volume.voxels.copy()
        voxels[k : k + 2, 100:108, 90:98] = 3071  # a screw
        warning = metal(changed(adult, voxels), slice(int(level[0]), int(level[-1]) + 1))
        assert (warning is not None) is warned
        assert warning is None or "2.0 ml" in warning


def test_mr_stored_as_ct_is_refused_or_told(adult: Phantom) -> None:
    """Refused where its values cannot be HU; one whose values were moved into their range gets a warning."""
    rng = np.random.default_rng(1)
    signal = {-1000: 0, -100: 900, 0: 350, 40: 500, 200: 700, 1000: 60}  # by HU: fat is bright, bone is dark
    mr = np.interp(adult.volume.voxels, sorted(signal), [signal[hu] for hu in sorted(signal)])
    mr = mr * np.linspace(0.6, 1.4, SHAPE[2]) + rng.normal(0, 15, SHAPE)  # coils see the near side brighter
    with pytest.raises(InputError, match="MR"):
        check_ct(changed(adult, 0.5 * np.abs(mr)))
    moved = changed(adult, 1.6 * mr - 1024)
    check_ct(moved)
    assert "MR stored as CT" in about_scan(moved, np.zeros(SHAPE, np.uint8))[0]


@pytest.mark.parametrize(("age", "warned"), [("017Y", True), ("011M", True), ("064Y", False), (None, False)])
def test_the_age_in_a_dicom_header_is_told_without_its_years(age: str | None, warned: bool, tmp_path: Path) -> None:
    def aged(_: int, data: Dataset) -> None:
        if age is not None:
            data.PatientAge = age

    write_series(tmp_path / "series", small_ct(), change=aged)
    notes = " ".join(read_ct(tmp_path / "series").notes)
    assert ("under 18 years old" in notes) is warned and "17" not in notes and "11" not in notes


def test_the_result_carries_the_warnings(adult: Phantom) -> None:
    """Through a whole run."""
    scan = changed(adult, adult.volume.voxels, along=1.5)
    warnings = segment(scan, toy_bundle(), device="cpu").findings.warnings
    assert "6.0 mm apart" in warnings[0]
