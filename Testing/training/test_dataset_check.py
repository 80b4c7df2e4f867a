"""Check: each kind of damage is found, named, and told apart from a sound dataset; fusion of readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from labelledcases import NAMES, ct_of, labels

from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.case import Case
from RenalAITrainingLib.dataset.check import Finding, Severity, check
from RenalAITrainingLib.dataset.contact_sheet import ContactSheets
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.fusion import fuse_case, fused


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two sound cases of two patients."""
    made = Dataset.create(tmp_path / "set", "kidneys")
    for n, patient in enumerate(("a", "b")):
        mask = labels((Label.SOLID, "left", 12.0), seed=n)
        made.add_case(NAMES.case(patient), ct_of(mask, n), mask)
    return made


def sentence(findings: list[Finding], severity: Severity) -> str:
    """The one finding of this severity; every finding is one sentence."""
    assert all(finding.text.endswith(".") for finding in findings)
    found = [finding.text for finding in findings if finding.severity is severity]
    assert len(found) == 1, findings
    return found[0]


def replace_mask(dataset: Dataset, case: Case, mask: Volume) -> None:
    (dataset.folder / case.label_path()).write_bytes(nifti_labels(mask, ""))


def test_a_sound_dataset_has_nothing_to_tell(dataset: Dataset) -> None:
    seen: list[int] = []
    assert check(dataset, lambda number, inspected: seen.append(number)) == []
    assert seen == [1, 2]


def test_geometry(dataset: Dataset) -> None:
    case = dataset.cases[0]
    mask = dataset.labels(case)
    replace_mask(dataset, case, Volume(mask.voxels, mask.ijk_to_ras @ np.diag([1.0, 1.0, 1.05, 1.0]), "m"))
    text = sentence(check(dataset), Severity.ERROR)
    assert case.name in text and "grid" in text and "mm away" in text


def test_unknown_labels(dataset: Dataset) -> None:
    case = dataset.cases[0]
    mask = dataset.labels(case)
    replace_mask(dataset, case, mask.with_voxels(mask.voxels * np.uint8(4)))
    assert "holds the value 8" in sentence(check(dataset), Severity.ERROR)


def test_empty_labels(dataset: Dataset) -> None:
    case = dataset.cases[0]
    replace_mask(dataset, case, dataset.labels(case).with_voxels(np.zeros(dataset.labels(case).shape, np.uint8)))
    assert "is empty" in sentence(check(dataset), Severity.WARNING)


@pytest.mark.parametrize("only", [None, Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT])
def test_sides(dataset: Dataset, only: Label | None) -> None:
    """Both labels exchanged, or the only kidney (after nephrectomy) labelled as the other one."""
    case = dataset.cases[0]
    mask = dataset.labels(case)
    exchange = np.array([0, 2, 1, 3, 4, 5, 6], np.uint8)
    voxels = mask.voxels.copy()
    if only is not None:
        voxels[(voxels != only) & (voxels != 0)] = 0
        replace_mask(dataset, case, mask.with_voxels(voxels))
        assert Severity.ERROR not in {finding.severity for finding in check(dataset)}, "as it should be"
    replace_mask(dataset, case, mask.with_voxels(exchange[voxels]))
    errors = [f.text for f in check(dataset) if f.severity is Severity.ERROR]
    assert len(errors) == 1 and "mixed up" in errors[0] and case.name in errors[0]


def test_duplicates_by_content(dataset: Dataset) -> None:
    case = dataset.cases[0]
    ct, mask = dataset.volume(case), dataset.labels(case)
    turned = Volume(ct.voxels[::-1].copy(), ct.ijk_to_ras @ _flip_k(ct.shape[0]), "ct")
    flipped = Volume(mask.voxels[::-1].copy(), turned.ijk_to_ras, "mask")
    dataset.add_case(NAMES.case("c"), turned, flipped)
    text = sentence(check(dataset), Severity.ERROR)
    assert "same CT" in text and case.name in text and NAMES.case("c") in text


def _flip_k(count: int) -> np.ndarray:
    flip = np.diag([1.0, 1.0, -1.0, 1.0])
    flip[2, 3] = count - 1
    return flip


def test_one_patient_in_two_parts(dataset: Dataset) -> None:
    mask = labels(seed=9)
    second = dataset.add_case(NAMES.case("a", "late"), ct_of(mask, 9), mask)
    dataset.set_split({"training": tuple(c.name for c in dataset.cases[:2]), "test": (second.name,)}, {}, {})
    text = sentence(check(dataset), Severity.ERROR)
    assert second.patient in text and "training and test" in text


def test_a_case_after_the_split(dataset: Dataset) -> None:
    first, second = dataset.cases
    dataset.set_split({"training": (first.name,)}, {}, {})
    assert second.name in sentence(check(dataset), Severity.WARNING)


CHANGES = {"cannot be used": (40, 60), "HU, which no kidney has": (1, 250)}
"""What is told, and how the voxels were changed: divided, then shifted."""


@pytest.mark.parametrize("told", CHANGES)
def test_implausible_hounsfield(dataset: Dataset, told: str) -> None:
    case = dataset.cases[0]
    ct = dataset.volume(case)
    divisor, shift = CHANGES[told]
    changed = ct.with_voxels((ct.voxels // divisor + shift).astype(np.int16))
    (dataset.folder / case.image_path).write_bytes(nifti_ct(changed, ""))
    errors = [finding.text for finding in check(dataset) if finding.severity is Severity.ERROR]
    assert errors and all(case.name in text and told in text for text in errors)


def test_missing_and_strange_files(dataset: Dataset) -> None:
    case = dataset.cases[0]
    (dataset.folder / case.image_path).rename(dataset.folder / "images" / "other.nii.gz")
    findings = check(dataset)
    assert "does not exist" in sentence(findings, Severity.ERROR)
    assert "images/other.nii.gz" in sentence(findings, Severity.WARNING)


def test_masks_changed_by_hand(dataset: Dataset) -> None:
    case = dataset.cases[0]
    replace_mask(dataset, case, labels((Label.CYSTIC, "right", 10.0)))
    assert "changed afterwards" in sentence(check(dataset), Severity.WARNING)


def test_the_contact_sheet_shows_every_case(dataset: Dataset) -> None:
    mask = labels(seed=4)
    dataset.add_case(NAMES.case("c"), None, mask)
    (dataset.folder / dataset.cases[0].image_path).unlink()
    sheets = ContactSheets()
    check(dataset, sheets.add)
    (page,) = sheets.pages()
    assert page.startswith(b"\x89PNG") and int.from_bytes(page[16:20], "big") > 3 * 300
    first, second, third = sheets._tiles
    assert tuple(first[0, 0]) == (230, 40, 40) and tuple(second[0, 0]) == (70, 70, 70), "red frame around the error"
    assert second.max() == 255 and (second != third).any()


def readings(count: int) -> list[Volume]:
    """Readers who differ in where the mass is, and one more label each by mistake."""
    made = []
    for n in range(count):
        mask = labels((Label.CYSTIC, "left", 10.0 + n))
        mask.voxels[2 + n, 3, 4] = Label.AML
        made.append(mask)
    return made


@pytest.mark.parametrize("method", ["staple", "majority"])
def test_three_readers_are_fused(method: str) -> None:
    given = readings(3)
    one = fused(given, method)  # type: ignore[arg-type]
    assert not (one.voxels == Label.AML).any(), "what one reader alone saw"
    middle = int((given[1].voxels == Label.CYSTIC).sum())
    assert int((one.voxels == Label.CYSTIC).sum()) == pytest.approx(middle, rel=0.3)
    assert {int(value) for value in np.unique(one.voxels)} <= {0, 1, 2, int(Label.CYSTIC)}


def test_equal_votes_go_to_the_first_reader() -> None:
    first, second = readings(2)
    one = fused([first, second], "majority")
    np.testing.assert_array_equal(one.voxels, first.voxels)


def test_all_readings_of_a_case_are_kept(dataset: Dataset) -> None:
    case = dataset.cases[0]
    other = labels((Label.SOLID, "left", 14.0), seed=0)
    with pytest.raises(InputError, match="one reader"):
        fuse_case(dataset, case, "staple")
    dataset.add_reading(case.name, other, "reader-2")
    for _ in range(2):  # again, from the readers and not from the fusion
        case = fuse_case(dataset, dataset.case(case.name), "majority")
    assert case.readers == ("reader-1", "reader-2", "fused") and case.reference == "fused"
    case = Dataset.open(dataset.folder).cases[0]
    np.testing.assert_array_equal(dataset.labels(case, "reader-2").voxels, other.voxels)
    assert dataset.labels(case).same_grid(other)
    assert check(dataset) == []
    with pytest.raises(InputError, match="reader-2 already"):
        dataset.add_reading(case.name, other, "reader-2")
