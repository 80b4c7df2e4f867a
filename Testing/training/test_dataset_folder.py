"""The dataset's folder: written whole, read back, edited by a person, read by others."""

from __future__ import annotations

import csv
import gzip
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from labelledcases import NAMES, ct_of, labels

from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass, Side
from RenalAILib.pseudonyms import Pseudonyms
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset import folder as folder_module
from RenalAITrainingLib.dataset.case import COLUMNS, Case, Facts, KnownMass
from RenalAITrainingLib.dataset.check import check
from RenalAITrainingLib.dataset.ddf import Ddf, DdfImage, parse, render
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.vocabulary import Histology, ScanPhase


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset.create(tmp_path / "set", "kidneys", "two made cases")


def add(dataset: Dataset, patient: str, *masses: tuple[Label, str, float], **more: object) -> Case:
    mask = labels(*masses, seed=len(dataset))
    return dataset.add_case(NAMES.case(patient), ct_of(mask, len(dataset)), mask, **more)  # type: ignore[arg-type]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text("abcdefghij_ -", min_size=1, max_size=10)


@st.composite
def ddfs(draw: st.DrawFn) -> Ddf:
    features = tuple(draw(st.lists(names, max_size=3, unique=True)))
    label = st.none() | names | st.integers(0, 9) | st.lists(names | st.integers(0, 9), min_size=1).map(tuple)
    values = st.lists(st.none() | words, max_size=len(features)).map(tuple)
    image = st.builds(DdfImage, st.lists(names, min_size=1, max_size=2).map(tuple), label, values)
    images = tuple(draw(st.lists(image, max_size=4)))
    indices = st.lists(st.integers(0, len(images) - 1), max_size=4).map(tuple) if images else st.just(())
    split = draw(st.dictionaries(names, indices, max_size=3))
    return Ddf(draw(words), draw(words), tuple(draw(st.lists(words, max_size=3))), features, images, split)


@settings(max_examples=60, deadline=None)
@given(ddfs())
def test_ddf_comes_back_as_it_was(ddf: Ddf) -> None:
    assert parse(render(ddf), "dataset.yaml") == ddf


def test_ddf_reads_what_ecvl_reads() -> None:
    text = """
    name: others
    classes: [cyst, tumor]
    features: [age, sex]
    images:
      - plain.nii.gz
      - location: [a.png, b.png]
        label: [cyst, 1]
        values: {sex: f}
      - {location: c.png, label: c_mask.png, values: [null, m]}
    split: {training: [0, 2], mine: [1]}
    """
    ddf = parse(text, "x")
    assert ddf.images[0] == DdfImage(("plain.nii.gz",))
    assert ddf.images[1] == DdfImage(("a.png", "b.png"), ("cyst", 1), (None, "f"))
    assert ddf.images[2].values == (None, "m")
    assert ddf.split == {"training": (0, 2), "mine": (1,)}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("images: [", "not YAML"),
        ("[1, 2]", "no list of images"),
        ("images: [{label: a}]", "no location"),
        ("images: [a]\nsplit: {training: [1]}", "from 0 to 0"),
        ("images: [{location: a, values: [1]}]", "at most 0 values"),
        ("images: [a]\npatients: [b]", "unknown key 'patients'"),
        ("!!python/object/apply:os.getcwd []", "not YAML"),
    ],
)
def test_a_bad_ddf_is_refused_in_one_sentence(text: str, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        parse(text, "dataset.yaml")


def test_a_case_comes_back_voxel_for_voxel(dataset: Dataset) -> None:
    mask = labels((Label.CYSTIC, "left", 12.0), (Label.AML, "right", 9.0))
    ct = ct_of(mask)
    facts = Facts(ScanPhase.EXCRETORY, Histology.ONCOCYTOMA, "ours", "CC-BY-4.0")
    dataset.add_case(NAMES.case("a"), ct, mask, reader="reader-2", facts=facts)
    again = Dataset.open(dataset.folder)
    (case,) = again
    assert case == dataset.cases[0] and case.facts == facts and case.readers == ("reader-2",)
    np.testing.assert_array_equal(again.volume(case).voxels, ct.voxels)
    np.testing.assert_array_equal(again.labels(case).voxels, mask.voxels)
    assert again.volume(case).same_grid(ct) and again.labels(case).same_grid(mask)
    assert [(mass.side, mass.mass_class) for mass in case.masses] == [
        (Side.LEFT, MassClass.CYSTIC),
        (Side.RIGHT, MassClass.AML),
    ]
    assert case.masses[0].diameter_mm == pytest.approx(24, abs=4)


def test_an_oblique_grid_is_kept(dataset: Dataset) -> None:
    mask = labels((Label.SOLID, "left", 12.0))
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    oblique = Volume(mask.voxels[::-1].copy(), turn @ mask.ijk_to_ras, "oblique")
    case = dataset.add_case(NAMES.case("a"), None, oblique)
    assert dataset.labels(case).same_grid(oblique)
    assert not case.has_image
    with pytest.raises(InputError, match="no CT"):
        dataset.volume(case)


masses = st.builds(
    KnownMass, st.sampled_from(Side), st.sampled_from(MassClass), st.integers(1, 3000).map(lambda n: n / 10)
)


@given(
    st.lists(masses, max_size=4).map(tuple),
    st.builds(Facts, st.sampled_from(ScanPhase), st.sampled_from(Histology), st.just("KiTS23"), st.just("CC-BY-4.0")),
    st.integers(1, 9),
)
def test_a_row_of_the_table_comes_back(known: tuple[KnownMass, ...], facts: Facts, repeats: int) -> None:
    case = Case(NAMES.case("x"), ("reader-1", "fused"), "fused", known, facts, True, repeats)
    assert Case.from_row(case.row()) == case


@pytest.mark.parametrize("dies_at", ["dataset.yaml", "cases.csv", "labels"])
def test_a_writer_that_is_killed_leaves_no_half_case(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    add(dataset, "first")
    real = folder_module.replaced_file, folder_module.write_text

    def dying(path: Path, *content: str) -> object:
        if dies_at in str(path.relative_to(dataset.folder)):
            raise KeyboardInterrupt
        return real[bool(content)](path, *content)

    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "replaced_file", dying)
        patch.setattr(folder_module, "write_text", dying)
        with pytest.raises(KeyboardInterrupt):
            add(dataset, "second", (Label.SOLID, "left", 12.0))
    again = Dataset.open(dataset.folder)
    assert [case.name for case in again] == [NAMES.case("first")]
    add(again, "second", (Label.SOLID, "left", 12.0))
    assert len(Dataset.open(dataset.folder)) == 2


def test_two_objects_see_each_others_cases(dataset: Dataset) -> None:
    other = Dataset.open(dataset.folder)
    add(dataset, "first")
    mask = labels(seed=5)
    other.add_case(NAMES.case("second"), None, mask)
    assert len(Dataset.open(dataset.folder)) == 2


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_table_may_be_edited_in_a_spreadsheet(dataset: Dataset, separator: str) -> None:
    add(dataset, "a", (Label.CYSTIC, "left", 12.0))
    rows = list(csv.DictReader((dataset.folder / "cases.csv").read_text(encoding="utf-8").splitlines()))
    rows[0]["histology"], rows[0]["masses"] = "oncocytoma", "nonsense"
    lines = [separator.join(COLUMNS), separator.join(rows[0][name] for name in COLUMNS)]
    (dataset.folder / "cases.csv").write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    (case,) = Dataset.open(dataset.folder)
    assert case.facts.histology is Histology.ONCOCYTOMA and len(case.masses) == 1
    add(dataset, "b")  # the first object takes the edit over before it writes
    assert Dataset.open(dataset.folder).cases[0].facts.histology is Histology.ONCOCYTOMA


def test_a_table_with_a_name_in_it_is_refused(dataset: Dataset) -> None:
    add(dataset, "a")
    path = dataset.folder / "cases.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace("case,patient", "case,surname").replace("\n", ",x\n"), encoding="utf-8"
    )
    with pytest.raises(InputError, match="surname"):
        Dataset.open(dataset.folder)


def test_others_can_read_the_datalist(dataset: Dataset) -> None:
    for patient in "abc":
        add(dataset, patient)
    one, two, three = (case.name for case in dataset)
    dataset.set_split({"training": (one,), "validation": (two,), "test": (three,)}, {}, {})
    content = json.loads((dataset.folder / "dataset.json").read_text(encoding="utf-8"))
    assert content["labels"] == {label.name.lower(): int(label) for label in Label}
    assert content["numTraining"] == 2 == len(content["dataset"]) and three not in content["dataset"]
    monai = pytest.importorskip("monai.data")
    for part in ("training", "validation", "test"):
        (pair,) = monai.load_decathlon_datalist(str(dataset.folder / "dataset.json"), True, part)
        assert Path(pair["image"]).is_file() and Path(pair["label"]).is_file()
    assert json.loads((dataset.folder / "splits_final.json").read_text(encoding="utf-8")) == [
        {"train": [one], "val": [two]}
    ]


def test_what_does_not_fit_is_refused(dataset: Dataset) -> None:
    mask = labels()
    with pytest.raises(InputError, match="no pseudonym"):
        dataset.add_case("Doe_John", ct_of(mask), mask)
    shifted = Volume(mask.voxels, mask.ijk_to_ras @ np.diag([1.1, 1, 1, 1]), "shifted")
    with pytest.raises(InputError, match="grid"):
        dataset.add_case(NAMES.case("a"), ct_of(mask), shifted)
    with pytest.raises(InputError, match="value 9"):
        dataset.add_case(NAMES.case("a"), None, mask.with_voxels(np.where(mask.voxels > 0, 9, 0).astype(np.uint8)))
    dataset.add_case(NAMES.case("a"), None, mask)
    with pytest.raises(InputError, match="already"):
        dataset.add_case(NAMES.case("a"), None, mask)
    with pytest.raises(InputError, match="empty folder"):
        Dataset.create(dataset.folder, "again")
    with pytest.raises(InputError, match="renalai dataset create"):
        Dataset.open(dataset.folder / "images")


PLANTED = ("Doe", "John", "19610423", "1961-04-23", "PID4711007", "Hospital", "secret/place")


def test_nothing_that_names_a_patient_reaches_the_folder(dataset: Dataset) -> None:
    """Identifiers are planted wherever a volume or a caller can carry them."""
    mask = labels((Label.SOLID, "left", 12.0))
    ct = ct_of(mask)
    named = Volume(ct.voxels, ct.ijk_to_ras, "/secret/place/Doe^John PID4711007 19610423.nii.gz")
    name = Pseudonyms(b"x" * 32).case("Doe^John PID4711007", "1961-04-23 Hospital")
    dataset.add_case(name, named, Volume(mask.voxels, mask.ijk_to_ras, "Doe^John"))
    for path in (path for path in dataset.folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".gz":
            assert content[4:8] == bytes(4) and not content[3] & 0x08, "no time and no file name in gzip's header"
            content = gzip.decompress(content)
            assert content[4:38] == bytes(34), "data_type, db_name"
            assert content[148:252] == bytes(104) and content[328:344] == bytes(16), "descrip, aux_file, intent_name"
            assert struct.unpack("<f", content[108:112]) == (352.0,), "no header extension"
        for word in PLANTED:
            assert word.encode() not in content, (path, word)
            assert word not in str(path.relative_to(dataset.folder))


@pytest.mark.parametrize(
    "facts",
    [{"source": "from Doe 1961-04-23"}, {"source": "4711007"}, {"licence": "a/b"}, {"source": "ward 23.04.1961"}],
)
def test_words_that_could_name_a_patient_are_refused(facts: dict[str, str]) -> None:
    with pytest.raises(InputError):
        Facts(**facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("reader", ["Dr. Doe", "reader-19610423", "", "fused"])
def test_readers_are_words(dataset: Dataset, reader: str) -> None:
    with pytest.raises(InputError, match="reader"):
        dataset.add_case(NAMES.case("a"), None, labels(), reader=reader)


def test_pseudonyms_need_the_users_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    first = Pseudonyms.of_user(tmp_path / "set").case("Doe", "1")
    assert Pseudonyms.of_user(tmp_path / "other").case("Doe", "1") == first
    key = tmp_path / "home" / "pseudonyms.key"
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="may not lie in"):
        Pseudonyms.of_user(tmp_path)
    key.write_text("no key", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        Pseudonyms.of_user(tmp_path / "set")
    key.unlink()
    assert Pseudonyms.of_user(tmp_path / "set").case("Doe", "1") != first


def test_the_index_is_plain_yaml(dataset: Dataset) -> None:
    add(dataset, "a", (Label.SOLID, "left", 12.0))
    content = yaml.safe_load((dataset.folder / "dataset.yaml").read_text(encoding="utf-8"))
    assert list(content) == ["name", "description", "classes", "features", "images"]
    assert content["images"][0]["label"].startswith("labels/") and content["images"][0]["values"]["repeats"] == "1"


def test_reader_time_and_histology_of_each_mass_are_kept(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "data", "data")
    mask = labels((Label.SOLID, "left", 12.0), (Label.CYSTIC, "right", 8.0))
    name = NAMES.case("someone")
    words = [Histology.PAPILLARY_RCC, Histology.CYST]
    dataset.add_case(name, ct_of(mask), mask, time="2026-03-31T14:05Z", histologies=words)
    dataset.add_reading(name, mask, "reader-2")
    dataset.add_reading(name, mask, "reader-3", time="2026-04-01T08:00Z")
    (case,) = Dataset.open(dataset.folder)
    assert [mass.histology for mass in case.masses] == words
    assert case.times == ("2026-03-31T14:05Z", "", "2026-04-01T08:00Z")
    assert check(dataset) == []
    with pytest.raises(ValueError, match="times such as"):
        replace(case, times=("yesterday",))


def test_datasets_written_before_reading_times_were_kept_still_open(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "data", "data")
    mask = labels()
    dataset.add_case(NAMES.case("someone"), ct_of(mask), mask, facts=Facts(licence="CC0-1.0"))
    path = dataset.folder / "dataset.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    place = content["features"].index("read")
    del content["features"][place]
    for image in content["images"]:
        image["values"].pop("read", None)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    (dataset.folder / "cases.csv").unlink()
    (case,) = Dataset.open(dataset.folder)
    assert case.facts.licence == "CC0-1.0" and case.times == () and case.repeats == 1
