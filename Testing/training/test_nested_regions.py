"""Nested regions: BraTS folders as a dataset, and regions measured one inside the other."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from RenalAILib.cli import main as renalai
from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.importers.incoming import Options
from RenalAITrainingLib.dataset.importers.layouts import LAYOUTS, layout_of
from RenalAITrainingLib.dataset.patient_phases import other_phases, patients_in_phases
from RenalAITrainingLib.evaluation.regions import REGIONS, region_agreement
from RenalAITrainingLib.evaluation.slice_pictures import STEP, SlicePictures


def _patient(folder: Path, mark: str, words: dict[str, str], enhancing: int) -> np.ndarray:
    """Four sequences and a segmentation: edema around a core with an enhancing rim."""
    folder.mkdir(parents=True)
    brain = np.zeros((20, 24, 16), np.float32)
    brain[2:18, 2:22, 2:14] = np.random.default_rng(0).normal(600, 50, (16, 20, 12))
    seg = np.zeros(brain.shape, np.uint8)
    seg[5:15, 6:18, 4:12] = 2
    seg[7:13, 8:16, 5:11] = enhancing
    seg[9:11, 10:14, 6:10] = 1
    for word, name in words.items():
        scaled = brain * (1 + len(word))
        nibabel.save(
            nibabel.Nifti1Image(scaled, np.diag([8.0, 8.0, 8.0, 1.0])), folder / f"{folder.name}{mark}{name}.nii.gz"
        )
    nibabel.save(nibabel.Nifti1Image(seg, np.diag([8.0, 8.0, 8.0, 1.0])), folder / f"{folder.name}{mark}seg.nii.gz")
    return seg


@pytest.mark.parametrize(
    ("name", "mark", "words", "enhancing"),
    [
        ("HGG/BraTS19_1", "_", {"flair": "flair", "t1": "t1", "t1ce": "t1ce", "t2": "t2"}, 4),
        ("BraTS-GLI-00001-000", "-", {"flair": "t2f", "t1": "t1n", "t1ce": "t1c", "t2": "t2w"}, 3),
    ],
)
def test_each_sequence_of_a_brats_folder_comes_in(
    name: str, mark: str, words: dict[str, str], enhancing: int, tmp_path: Path
) -> None:
    seg = _patient(tmp_path / name, mark, words, enhancing)
    assert layout_of(tmp_path) is LAYOUTS["brats-t1ce"]
    patients = set()
    for sequence in words:
        (case,) = LAYOUTS[f"brats-{sequence}"].listed(tmp_path, Options())
        patients.add(case.patient)
        incoming = case.load()
        assert incoming.ct is not None and incoming.facts.source == f"BraTS-{sequence}"
        values = np.asarray(incoming.ct.voxels)
        inside = values[values > -1024]
        assert abs(float(inside.mean()) - 40) < 2 and abs(float(inside.std()) - 100) < 2
        for region, parts in (
            ("kidney_and_mass", (1, 2, enhancing)),
            ("mass", (1, enhancing)),
            ("solid", (enhancing,)),
        ):
            wanted = np.isin(seg, parts)
            assert int(np.isin(incoming.labels.voxels, REGIONS[region]).sum()) == int(wanted.sum())
    assert len(patients) == 1  # the same pseudonym in the dataset of each sequence


def test_all_sequences_of_a_patient_lie_in_one_dataset_by_their_words(tmp_path: Path) -> None:
    _patient(tmp_path / "brats" / "BraTS20_1", "_", {"t1ce": "t1ce", "t2": "t2"}, 4)
    for sequence in ("t1ce", "t2"):
        words = ["import", str(tmp_path / "brats"), "-o", str(tmp_path / "data"), "--format", f"brats-{sequence}"]
        assert renalai(["dataset", *words]) == 0
    dataset = Dataset.open(tmp_path / "data")
    assert [case.phase_word for case in dataset] == ["t1ce", "t2"] and len({case.patient for case in dataset}) == 1
    (group,) = patients_in_phases(dataset, None, ["t2", "t1ce"])
    assert [case.phase_word for case in group] == ["t2", "t1ce"]
    assert [case.phase_word for case in other_phases(dataset, group[0], ["t1ce", "t2"])] == ["t1ce"]


def test_a_missing_sequence_is_named(tmp_path: Path) -> None:
    _patient(tmp_path / "BraTS20_1", "_", {"t1ce": "t1ce"}, 4)
    (case,) = LAYOUTS["brats-t2"].listed(tmp_path, Options())
    with pytest.raises(InputError, match="BraTS20_1 has no t2"):
        case.load()
    with pytest.raises(InputError, match="holds no BraTS case"):
        LAYOUTS["brats-t2"].listed(tmp_path / "nothing", Options())


def test_regions_are_measured_one_inside_the_other() -> None:
    truth = np.array([0, 0, 1, 1, 4, 5, 5, 5], np.uint8)
    found = np.array([0, 1, 1, 1, 1, 5, 5, 4], np.uint8)
    told = region_agreement(found, truth)
    assert told["kidney_and_mass"].dice == pytest.approx(12 / 13)
    assert told["mass"].dice == pytest.approx(6 / 7) and told["mass"].sensitivity == pytest.approx(3 / 4)
    assert told["solid"].dice == pytest.approx(4 / 5) and told["solid"].specificity == 1
    assert told["kidney_and_mass"].specificity == pytest.approx(1 / 2)


def test_a_region_that_both_lack_counts_one_and_an_invented_one_nothing() -> None:
    empty = np.zeros(4, np.uint8)
    assert (
        region_agreement(empty, empty)["mass"].dice == 1 and region_agreement(empty, empty)["mass"].sensitivity is None
    )
    found = np.array([0, 0, 0, Label.SOLID], np.uint8)
    assert region_agreement(found, empty)["solid"].dice == 0
    with pytest.raises(ValueError, match="one shape"):
        region_agreement(found, empty[:2])


def test_slices_become_pictures_of_prediction_and_truth(tmp_path: Path) -> None:
    truth = np.zeros((3, 4, 5), np.uint8)
    truth[1, 1, 1:4] = Label.KIDNEY_LEFT
    found = np.zeros((6, 4, 5), np.uint8)  # on finer slices of the same place
    found[2:4, 1, 1:3], found[2:4, 1, 3] = Label.KIDNEY_LEFT, Label.SOLID
    lps = np.diag([-1.0, -1.0, 2.0, 1.0])
    fine = np.diag([-1.0, -1.0, 1.0, 1.0])
    pictures = SlicePictures(tmp_path)
    assert not pictures.has("case-1")
    pictures.write("case-1", Volume(found, fine), Volume(truth, lps))
    assert pictures.has("case-1")
    for name in ("prediction", "truth"):
        assert [path.name for path in (tmp_path / "case-1" / name).iterdir()] == ["0001.png"]
    drawn = sitk.ReadImage(str(tmp_path / "case-1" / "prediction" / "0001.png"))
    wanted = np.zeros((4, 5), np.uint8)
    wanted[1, 1:3], wanted[1, 3] = STEP * Label.KIDNEY_LEFT, STEP * Label.SOLID
    assert np.array_equal(sitk.GetArrayFromImage(drawn), wanted)
    told = json.loads((tmp_path / "case-1" / "regions.json").read_text(encoding="utf-8"))
    assert told["kidney_and_mass"]["dice"] == 1
    assert told["mass"] == {"dice": 0.0, "sensitivity": None, "specificity": 59 / 60}
