"""Datasets, recipes and checkpoints from strangers are data: none runs code, reaches another file, fills the memory.

What may stand in a dataset's tables is in test_dataset_folder.py, entities of XML in test_nodules.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from labelledcases import NAMES, ct_of, labels

from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAITrainingLib.dataset.case import Facts
from RenalAITrainingLib.dataset.ddf import parse
from RenalAITrainingLib.dataset.folder import INDEX, Dataset
from RenalAITrainingLib.dataset.importers.deephealth import DeepHealth
from RenalAITrainingLib.dataset.importers.incoming import Options, read_json
from RenalAITrainingLib.evaluation.table import Table
from RenalAITrainingLib.networks import imagenet
from RenalAITrainingLib.nodules.lidc import read_readings
from RenalAITrainingLib.plans import bundle_plan
from RenalAITrainingLib.publishing import bundle_description
from RenalAITrainingLib.recipes import recipe
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training import checkpoint

LAUGHS = "a0: &a0 [ha]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)  # 10^9 words in 600 characters


class Bomb:
    """Pickled, this would run code when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("it-ran"),)


YAML_READERS: list[Callable[[Path], object]] = [
    recipe.load,
    bundle_plan.load,
    bundle_description.load_description,
    lambda path: parse(path.read_text(encoding="utf-8"), str(path)),
]


@pytest.mark.parametrize("read", YAML_READERS, ids=["recipe", "plan", "description", "dataset"])
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [it-ran]]", "not YAML"),
        (LAUGHS, "stands for more than"),
        ("a: &a [*a]", "nested too deeply"),
        ("[" * 2_000, "nested too deeply"),
        ("when: 2026-99-99", "not YAML"),
    ],
    ids=["code", "laughs", "itself", "brackets", "date"],
)
def test_yaml_of_strangers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object], text: str, cause: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=cause) as told:
        read(tmp_path / "a.yaml")
    assert "\n" not in str(told.value) and not (tmp_path / "it-ran").exists()


def test_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        read_json(tmp_path / "dataset.json")


@pytest.mark.parametrize("load", [checkpoint.load, imagenet._read])
def test_a_checkpoint_with_code_in_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Callable[[Path], object]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"schema": "renalai.checkpoint/1", "network": Bomb()}, "last.pt")
    with pytest.raises(InputError, match="cannot be read"):
        load(Path("last.pt"))
    assert not Path("it-ran").exists()


def test_a_pickled_sample_is_refused(toy_samples: SampleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = SampleStore(tmp_path / "samples")
    sample = toy_samples[0]
    store.append(sample.image, sample.label, split="train", stage="locate", kind="phantom", seed=0)
    np.save(tmp_path / "samples" / "00001.image.npy", np.array([Bomb()], dtype=object))
    with pytest.raises(InputError, match="cannot be read as a sample"):
        store[0]
    assert not Path("it-ran").exists()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Another patient's CT and mask, that no dataset from elsewhere should get at."""
    mask = labels((Label.SOLID, "left", 10.0))
    folder = tmp_path / "other patient"
    folder.mkdir()
    (folder / "ct.nii.gz").write_bytes(nifti_ct(ct_of(mask), ""))
    (folder / "mask.nii.gz").write_bytes(nifti_labels(mask, ""))
    return folder


@pytest.mark.parametrize("how", ["..", "absolute", "link"])
def test_paths_of_a_deephealth_file_stay_in_its_folder(tmp_path: Path, outside: Path, how: str) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    if how == "link":
        _link(folder / "ct.nii.gz", outside / "ct.nii.gz")
        _link(folder / "mask.nii.gz", outside / "mask.nii.gz")
    place = {"..": "../other patient/", "absolute": f"{outside}/", "link": ""}[how]
    content = {
        "classes": ["kidney_right", "kidney_left", "aml", "cystic", "solid"],
        "images": [{"location": f"{place}ct.nii.gz", "label": f"{place}mask.nii.gz"}],
    }
    (folder / INDEX).write_text(yaml.safe_dump(content), encoding="utf-8")
    (case,) = DeepHealth().listed(folder, Options())
    with pytest.raises(InputError, match="lies outside its folder"):
        case.load()


def test_links_out_of_a_dataset_are_neither_read_nor_written(tmp_path: Path, outside: Path) -> None:
    dataset = Dataset.create(tmp_path / "set", "kidneys")
    mask = labels((Label.SOLID, "left", 10.0))
    case = dataset.add_case(NAMES.case("a"), ct_of(mask), mask)
    (dataset.folder / case.image_path).unlink()
    _link(dataset.folder / case.image_path, outside / "ct.nii.gz")
    with pytest.raises(InputError, match="lies outside its folder by a link"):
        dataset.volume(case)
    before = (outside / "mask.nii.gz").read_bytes()
    (dataset.folder / case.label_path()).unlink()
    (dataset.folder / "labels").rmdir()
    _link(dataset.folder / "labels", outside)
    with pytest.raises(InputError, match="lies outside its folder by a link"):
        dataset.add_case(NAMES.case("b"), ct_of(mask), mask)
    assert sorted(path.name for path in outside.iterdir()) == ["ct.nii.gz", "mask.nii.gz"]
    assert (outside / "mask.nii.gz").read_bytes() == before


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "pabcdefghij-abcd/../x"])
def test_names_in_a_datasets_index_are_no_paths(tmp_path: Path, name: str) -> None:
    dataset = Dataset.create(tmp_path / "set", "kidneys")
    mask = labels()
    case = dataset.add_case(NAMES.case("a"), ct_of(mask), mask)
    index = dataset.folder / INDEX
    text = index.read_text(encoding="utf-8")
    for had in (f"case: {case.name}", "readers: reader-1", "reference: reader-1"):
        assert had in text
        index.write_text(text.replace(had, f"{had.partition(':')[0]}: {name}"), encoding="utf-8")
        with pytest.raises(InputError, match="damaged"):
            Dataset.open(dataset.folder)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_laughs_is_refused_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><LidcReadMessage>&a9;</LidcReadMessage>'
    (tmp_path / "a.xml").write_text(text, encoding=encoding)
    with pytest.raises(InputError, match="declares entities"):
        read_readings(tmp_path / "a.xml")


@pytest.mark.parametrize("word", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_cell_of_a_datasets_tables_is_a_formula(word: str) -> None:
    with pytest.raises(InputError, match="must be 1 to 40 letters"):
        Facts(source=word)
    table = Table("a", "A", ("case", "Dice"), ((word, -0.5),))
    (row,) = csv.DictReader(io.StringIO(table.csv_text(), newline=""))
    assert row == {"case": f"'{word}", "Dice": "-0.5"}


def _link(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("this system lets only administrators make links")
