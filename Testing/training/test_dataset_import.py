"""Importers: every layout, sides by place, geometry by affine; and the command from import to samples."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from labelledcases import NAMES, ct_of, labels

from RenalAILib.errors import InputError
from RenalAILib.labels import KIDNEY_LABELS, Label, MassClass
from RenalAILib.orientation import canonical
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.command import dataset as command
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.importers.bringing import Brought, bring
from RenalAITrainingLib.dataset.importers.incoming import Options
from RenalAITrainingLib.dataset.importers.layouts import layout_of
from RenalAITrainingLib.dataset.importers.structures import Structure, structures_of_values, to_labels
from RenalAITrainingLib.samples import SampleStore

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def save(path: Path, volume: Volume) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write = nifti_labels if volume.voxels.dtype == np.uint8 else nifti_ct
    path.write_bytes(write(volume, ""))


def stored_as_kits(volume: Volume) -> Volume:
    """KiTS' own order: the file's first axis runs through the slices."""
    matrix = volume.ijk_to_ras.copy()
    matrix[:, [0, 2]] = matrix[:, [2, 0]]
    return Volume(np.ascontiguousarray(volume.voxels.transpose(2, 1, 0)), matrix, volume.name)


def mapped(mask: Volume, values: dict[int, int]) -> Volume:
    table = np.arange(256, dtype=np.uint8)
    for ours, theirs in values.items():
        table[ours] = theirs
    return mask.with_voxels(table[mask.voxels])


TO_KITS = {1: 1, 2: 1, 3: 2, 5: 2, 6: 2, 4: 3}


@pytest.fixture
def kits(tmp_path: Path) -> tuple[Path, list[Volume]]:
    """Two cases in the exact layout of KiTS23, and what their masks mean."""
    root = tmp_path / "kits23" / "dataset"
    truths = [
        labels((Label.AML, "right", 11.0), (Label.CYSTIC, "left", 9.0), seed=1),
        labels((Label.SOLID, "left", 12.0), seed=2),
    ]
    table = []
    for n, (truth, histology) in enumerate(zip(truths, ("angiomyolipoma", "clear_cell_rcc"), strict=True)):
        save(root / f"case_{n:05d}" / "imaging.nii.gz", stored_as_kits(ct_of(truth, n)))
        save(root / f"case_{n:05d}" / "segmentation.nii.gz", stored_as_kits(mapped(truth, TO_KITS)))
        table.append({"case_id": f"case_{n:05d}", "tumor_histologic_subtype": histology})
    (root / "kits23.json").write_text(json.dumps(table), encoding="utf-8")
    return root, truths


def brought(source: Path, folder: Path, options: Options | None = None) -> tuple[Dataset, Brought]:
    dataset = Dataset.create(folder, "imported")
    return dataset, bring(dataset, layout_of(source).listed(source, options or Options()), NAMES)


def assert_is(dataset: Dataset, number: int, truth: Volume, with_ct: bool = True) -> None:
    case = dataset.cases[number]
    got = canonical(dataset.labels(case))
    assert got.same_grid(canonical(truth))
    np.testing.assert_array_equal(got.voxels, canonical(truth).voxels)
    if with_ct:
        np.testing.assert_array_equal(canonical(dataset.volume(case)).voxels, canonical(ct_of(truth, number)).voxels)


def test_kits(kits: tuple[Path, list[Volume]], tmp_path: Path) -> None:
    dataset, result = brought(kits[0], tmp_path / "set")
    assert len(result.added) == 2 and not result.refused
    for number, truth in enumerate(kits[1]):
        assert_is(dataset, number, truth)
    facts = dataset.cases[0].facts
    assert (facts.source, facts.licence, facts.histology.value) == ("KiTS23", "CC-BY-NC-SA-4.0", "angiomyolipoma")
    again = bring(dataset, layout_of(kits[0]).listed(kits[0], Options()), NAMES)
    assert again.there == 2 and not again.added


def test_kits_before_its_download(kits: tuple[Path, list[Volume]], tmp_path: Path) -> None:
    (kits[0] / "case_00000" / "imaging.nii.gz").unlink()
    dataset, result = brought(kits[0].parent, tmp_path / "set")  # the repository's folder will do
    assert len(dataset) == 1
    ((shown, reason),) = result.refused
    assert shown == "case_00000" and "kits23_download_data" in reason


def test_kits_without_a_table(kits: tuple[Path, list[Volume]], tmp_path: Path) -> None:
    """No histology, no class: a tumour of unknown histology might be an AML."""
    (kits[0] / "kits23.json").unlink()
    dataset, _ = brought(kits[0], tmp_path / "set")
    assert {mass.mass_class for case in dataset for mass in case.masses} == {MassClass.UNKNOWN, MassClass.CYSTIC}


def test_masks_alone(kits: tuple[Path, list[Volume]], tmp_path: Path) -> None:
    truth = kits[1][1]
    one_kidney = truth.with_voxels(np.where(truth.voxels == Label.KIDNEY_LEFT, 1, 0).astype(np.uint8))
    save(tmp_path / "masks" / "case_00001.nii.gz", mapped(truth, TO_KITS))
    save(tmp_path / "masks" / "case_00002.nii.gz", one_kidney)
    dataset, result = brought(tmp_path / "masks", tmp_path / "set", Options(table=kits[0] / "kits23.json"))
    assert_is(dataset, 0, truth, with_ct=False)
    assert not dataset.cases[0].has_image
    assert "side cannot be told" in result.refused[0][1]


@pytest.mark.parametrize("kept", KIDNEY_LABELS)
def test_the_side_of_a_single_kidney_is_told_by_the_body(kept: Label) -> None:
    mask = labels((Label.SOLID, "right" if kept is Label.KIDNEY_RIGHT else "left", 10.0))
    one = mask.with_voxels(np.isin(mask.voxels, (kept, Label.SOLID)) * mask.voxels)
    ct = ct_of(mask)
    meaning = {1: Structure.KIDNEY, 5: Structure.SOLID}
    for turn in (lambda v: v, stored_as_kits, _flipped):
        got = to_labels(turn(mapped(one, {2: 1})), meaning, turn(ct))
        np.testing.assert_array_equal(got.voxels, turn(one).voxels)


def _flipped(volume: Volume) -> Volume:
    """Stored from the patient's left to right."""
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = volume.shape[2] - 1
    return Volume(np.ascontiguousarray(volume.voxels[:, :, ::-1]), volume.ijk_to_ras @ flip, volume.name)


def test_nnunet(tmp_path: Path) -> None:
    truths = [labels((Label.CYSTIC, "right", 10.0), seed=1), labels((Label.SOLID, "left", 10.0), seed=2)]
    root = tmp_path / "Dataset501_Kidneys"
    for n, truth in enumerate(truths):
        save(root / "imagesTr" / f"k_{n}_0001.nii.gz", ct_of(truth, n))
        save(root / "imagesTr" / f"k_{n}_0000.nii.gz", ct_of(truth, 77))
        save(root / "labelsTr" / f"k_{n}.nii.gz", mapped(truth, {1: 1, 2: 1, 4: 9, 5: 2}))
    names = {"background": 0, "kidney": [1, 2, 9], "tumor": 2, "Zyste": 9}
    content = {"channel_names": {"0": "T1", "1": "CT"}, "labels": names, "file_ending": ".nii.gz", "numTraining": 2}
    (root / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    dataset, result = brought(root, tmp_path / "set", Options(structures={"Zyste": Structure.CYSTIC}))
    assert not result.refused
    for number, truth in enumerate(truths):
        assert_is(dataset, number, truth)


def test_decathlon_with_its_split(tmp_path: Path) -> None:
    entries = []
    truths = [labels((Label.SOLID, "left", 10.0), seed=n) for n in range(2)]
    for n, truth in enumerate(truths):
        save(tmp_path / "task" / "a" / f"{n}.nii.gz", ct_of(truth, n))
        save(tmp_path / "task" / "b" / f"{n}.nii.gz", mapped(truth, {5: 3}))
        entries.append({"image": f"./a/{n}.nii.gz", "label": f"./b/{n}.nii.gz"})
    content = {
        "labels": {"0": "background", "1": "right kidney", "2": "left kidney", "3": "renal tumor"},
        "training": entries[:1], "validation": entries[1:], "test": ["./a/9.nii.gz"],
    }  # fmt: skip
    (tmp_path / "task" / "list.json").write_text(json.dumps(content), encoding="utf-8")
    dataset, _ = brought(tmp_path / "task" / "list.json", tmp_path / "set")
    for number, truth in enumerate(truths):
        assert_is(dataset, number, truth)
    assert dataset.split == {"training": (dataset.cases[0].name,), "validation": (dataset.cases[1].name,), "test": ()}


def test_totalsegmentator(tmp_path: Path) -> None:
    truth = labels((Label.CYSTIC, "left", 10.0))
    masks = {
        "kidney_right": [1], "kidney_left": [2, 4], "kidney_cyst_left": [4], "kidney_cyst_right": [], "liver": [1, 2],
    }  # fmt: skip
    for name, values in masks.items():
        mask = truth.with_voxels(np.isin(truth.voxels, values).astype(np.uint8))
        save(tmp_path / "ts" / "s0001" / "segmentations" / f"{name}.nii.gz", mask)
    save(tmp_path / "ts" / "s0001" / "ct.nii.gz", ct_of(truth))
    dataset, _ = brought(tmp_path / "ts", tmp_path / "set")
    assert_is(dataset, 0, truth)
    assert dataset.cases[0].facts.source == "TotalSegmentator"


def test_deephealth_of_others_and_our_own(tmp_path: Path) -> None:
    truth = labels((Label.AML, "left", 10.0))
    save(tmp_path / "ddf" / "scan.nii.gz", ct_of(truth))
    save(tmp_path / "ddf" / "mask.nii.gz", mapped(truth, {1: 1, 2: 1, 3: 2}))
    (tmp_path / "ddf" / "dataset.yaml").write_text(
        "classes: [kidney, AML]\nimages:\n- {location: scan.nii.gz, label: mask.nii.gz}\n"
        "- {location: 'https://a.b/c.nii.gz', label: mask.nii.gz}\n",
        encoding="utf-8",
    )
    dataset, result = brought(tmp_path / "ddf", tmp_path / "set")
    assert_is(dataset, 0, truth)
    assert "download it first" in result.refused[0][1]
    with pytest.raises(InputError, match="renalai dataset import"):
        Dataset.open(tmp_path / "ddf")
    copy, _ = brought(dataset.folder, tmp_path / "copy")
    assert_is(copy, 0, truth)
    assert copy.cases[0].masses == dataset.cases[0].masses and copy.cases[0].facts == dataset.cases[0].facts


@pytest.mark.parametrize(
    ("table", "cause"),
    [({"liver": 1}, "no label that is called a kidney"), ({"kidney": "a"}, "no whole number")],
)
def test_tables_without_kidneys_are_refused(table: dict[str, object], cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        structures_of_values(table, {}, "dataset.json")


def test_values_without_a_name_are_refused() -> None:
    with pytest.raises(InputError, match="value 5"):
        to_labels(labels((Label.SOLID, "left", 9.0)), {1: Structure.KIDNEY_RIGHT, 2: Structure.KIDNEY_LEFT}, None)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the layouts"):
        layout_of(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        layout_of(tmp_path / "nowhere")


def test_kits23_masks_of_real_patients(tmp_path: Path) -> None:
    """Sides by place: masses lie at the kidney whose side they have, the right kidney on the patient's right."""
    if not (SHARED / "kits23_masks").is_dir():
        pytest.skip("needs shared/data/kits23_masks beside the project")
    (tmp_path / "some").mkdir()
    for path in sorted((SHARED / "kits23_masks").glob("case_*.nii.gz"))[:2]:
        (tmp_path / "some" / path.name).symlink_to(path)
    dataset, result = brought(tmp_path / "some", tmp_path / "set", Options(table=SHARED / "kits23_cases.json"))
    assert len(result.added) == 2
    for case in dataset:
        mask = dataset.labels(case)
        right, left = (mask.ras(np.argwhere(mask.voxels == label))[:, 0].mean() for label in KIDNEY_LABELS)
        assert right > left + 60 and case.masses


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """``renalai dataset ...`` in an empty folder."""
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def words(text: str) -> int:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        return command.run(parser.parse_args(text.split()))

    return words


def test_from_kits_to_samples(
    kits: tuple[Path, list[Volume]], run: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"import {kits[0]} -o set --phase nephrographic") == 0
    assert run("check set") == 0 and Path("set/contact-sheet-1.png").stat().st_size > 1000
    with pytest.raises(InputError, match="no split yet"):
        run("samples set --stage locate -o samples")
    assert run("split set --ratio 1:1 --seed 4") == 0
    assert run("list set") == 0
    assert "2 cases of 2 patients; masses: 1 aml, 1 cystic, 1 solid" in capsys.readouterr().out
    for stage in ("locate", "delineate", "characterise"):
        assert run(f"samples set --stage {stage} -o samples --variants 2") == 0
        count = len(SampleStore("samples"))
        assert run(f"samples set --stage {stage} -o samples --variants 2") == 0
        assert len(SampleStore("samples")) == count, "nothing is made twice"
    store = SampleStore("samples")
    part_of = {name: part for part, names in Dataset.open(Path("set")).split.items() for name in names}
    for sample in store:
        (case,) = sample.record.sources
        assert part_of[case] == {"train": "training", "validation": "validation"}[sample.record.split]
        assert sample.record.kind == "real"
    assert len(store.stage("locate")) == 2 and len(store.stage("delineate")) == 6
    of_kidneys = [np.median(s.image[np.isin(s.label, KIDNEY_LABELS)]) for s in store.stage("delineate")]
    assert np.allclose(of_kidneys, 150, atol=15), "labels lie on the kidneys of the image"
    hu = {MassClass.AML: -60, MassClass.CYSTIC: 10, MassClass.SOLID: 80}
    for sample in store.stage("characterise"):
        assert sample.record.mass_class is not None
        inside = np.median(sample.image[sample.label > 0])
        assert inside == pytest.approx(hu[sample.record.mass_class], abs=25)


def test_folds_and_oversampling(kits: tuple[Path, list[Volume]], run: Callable[[str], int]) -> None:
    run(f"import {kits[0]} -o set")
    run("split set --folds 2")
    with pytest.raises(InputError, match="--fold 1"):
        run("samples set --stage locate -o samples")
    run("samples set --stage locate -o samples --fold 2")
    validating = {sample.record.sources[0] for sample in SampleStore("samples").split("validation")}
    assert validating == set(Dataset.open(Path("set")).split["fold_2"])
    with pytest.raises(InputError, match="3 folds are not possible"):
        run("split set --folds 3")
    with pytest.raises(InputError, match="--oversample"):
        run("split set --folds 2 --oversample 3")


def test_errors_are_one_sentence(kits: tuple[Path, list[Volume]], run: Callable[[str], int]) -> None:
    for n in range(2):
        (kits[0] / f"case_{n:05d}" / "segmentation.nii.gz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"no case of .* could be used"):
        run(f"import {kits[0]} -o set")
    with pytest.raises(InputError, match="--label a"):
        run(f"import {kits[0]} -o set --label a")
    assert run("create empty --name empty") == 0
    with pytest.raises(InputError, match="no case with the masks of two readers"):
        run("fuse empty")
    with pytest.raises(InputError, match="no case to split"):
        run("split empty")


def test_the_command_is_registered() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    place = project["entry-points"]["renalai.commands"]["dataset"]
    assert place == f"{type(command).__module__}:dataset"
    assert {"create", "import", "list", "check", "split", "fuse", "samples", "synthesise"} <= set(command.verbs)
