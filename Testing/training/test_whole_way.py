"""From cases to a bundle that RenalAI runs, by the commands a user types, on phantoms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from labelledcases import ct_of, labels
from plancommands import shipped_plan, train_words, written_plan

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.cli import main as renalai
from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.reading import read_labels
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAILib.volume import Volume
from RenalAITrainingLib import commands
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.plans import bundle_plan
from RenalAITrainingLib.training.metrics_log import read_metrics

pytestmark = pytest.mark.usefixtures("same_pseudonyms")

CLASSES = (Label.AML, Label.CYSTIC, Label.SOLID)
NAMES = {"background": 0, "kidney_right": 1, "kidney_left": 2, "aml": 3, "cystic": 4, "solid": 5}
KIDNEY_BAR, MASS_BAR = 0.7, 0.4  # Dice on cases that the toy networks never saw


def _truth(number: int) -> Volume:
    masses = [(CLASSES[(number + n) % 3], ("right", "left", "right")[n], 12.0 + 2 * n) for n in range(3)]
    return labels(*masses, seed=number)


def _phantoms(folder: Path, count: int) -> Path:
    """Phantoms as an nnU-Net raw folder."""
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    for number in range(count):
        truth = _truth(number)
        (folder / "imagesTr" / f"p{number:02d}_0000.nii.gz").write_bytes(nifti_ct(ct_of(truth, number), ""))
        (folder / "labelsTr" / f"p{number:02d}.nii.gz").write_bytes(nifti_labels(truth, ""))
    facts = {"channel_names": {"0": "CT"}, "labels": NAMES, "numTraining": count, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def _dice(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, same_pseudonyms: None) -> Path:
    """Ten phantoms, imported, checked and split."""
    folder = tmp_path_factory.mktemp("whole") / "set"
    raw = _phantoms(folder.parent / "Dataset001_Phantoms", 10)
    assert renalai(["dataset", "import", str(raw), "-o", str(folder)]) == 0
    assert renalai(["dataset", "check", str(folder), "--no-sheet"]) == 0
    assert renalai(["dataset", "split", str(folder), "--ratio", "7:1:2"]) == 0
    return folder


@pytest.fixture(scope="module")
def trained(dataset: Path) -> Path:
    """All that ``train --all toy`` makes of them."""
    assert renalai(train_words("toy", dataset, dataset.parent / "out")) == 0
    return dataset.parent / "out"


def test_phantoms_to_a_bundle_that_segments(dataset: Path, trained: Path, tmp_path: Path) -> None:
    bundle = read_bundle(trained / "toy")
    measured = json.loads((trained / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    assert "On " in bundle.model_card and "Overlap by set and side" in bundle.model_card
    assert measured["split"] == "test"
    seen = Dataset.open(dataset)
    for name in seen.split["test"]:
        case = seen.case(name)
        place = tmp_path / "results" / name
        ct = str(dataset / case.image_path)
        assert renalai(["segment", ct, "--bundle", str(trained / "toy"), "-o", str(place), "--device", "cpu"]) == 0
        found, truth = read_labels(place / "labels.nii.gz").voxels, seen.labels(case).voxels
        assert _dice(found > 0, truth > 0) > KIDNEY_BAR
        assert _dice(found >= Label.AML, truth >= Label.AML) > MASS_BAR


def test_the_same_words_again_make_nothing_twice(
    dataset: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither where all is there, nor where the bundle is not."""
    words = train_words("toy", dataset, trained)
    curves = {name: read_metrics(trained / "runs" / name / "metrics.jsonl") for name in ("locate", "delineate")}
    assert renalai(words) == 0
    assert "is there already, complete" in capsys.readouterr().out
    first = (trained / "toy" / "SHA256SUMS").read_bytes()
    (trained / "toy").rename(tmp_path / "away")
    assert renalai(words) == 0
    assert curves == {name: read_metrics(trained / "runs" / name / "metrics.jsonl") for name in curves}
    assert (trained / "toy" / "SHA256SUMS").read_bytes() == first


def test_one_stage_is_trained_on_the_same_cases_and_set_against_two(
    dataset: Path, trained: Path, tmp_path: Path
) -> None:
    plan = shipped_plan("zhao2023-one-stage")
    plan["networks"][0]["changes"] = {
        "data": {"patch": [32, 32, 48]},
        "network": {"options": {"filters": [8, 16, 32], "residual_units": 0, "features": 8}},
        "optimiser": {"learning_rate": 0.01},
        "schedule": {"batch": 2, "epochs": None, "steps": 30, "validate_every": 15},
    }
    path, name = written_plan(plan, tmp_path), plan["bundle"]["name"]
    assert renalai(train_words(path, dataset, tmp_path / "out")) == 0
    one, two = str(tmp_path / "out" / name), str(trained / "toy")
    words = ["evaluate", str(dataset), "--split", "test", "--bundle", two, "--against", one, "--device", "cpu"]
    assert renalai([*words, "-o", str(tmp_path / "report")]) == 0
    content = json.loads((tmp_path / "report" / "evaluation.json").read_text(encoding="utf-8"))
    assert [system["name"].split()[0] for system in content["systems"]] == ["toy", name]
    assert content["comparison"]["rows"]


def test_plans_name_what_exists() -> None:
    for name in bundle_plan.shipped():
        loaded = bundle_plan.load(name)
        assert loaded.recipes and loaded.license
    demo = bundle_plan.load("zhao2023-demo")
    assert demo.stages == ("locate", "delineate", "characterise")
    assert {one.stage for one in demo.plan.synthesise} == set(demo.stages)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"networks": []}, "networks with different names"),
        ({"networks": [{"name": "a", "recipe": "unheard-of"}]}, "no recipe is called unheard-of"),
        ({"networks": [{"name": "a", "recipe": "demo-locate", "start_from": "b"}]}, "which does not stand before it"),
        (
            {"networks": [{"name": "a", "recipe": "demo-locate", "changes": {"schedule": {"stepps": 1}}}]},
            "unknown key 'stepps'",
        ),
        ({"bundle": {"name": "x"}}, "lacks the key 'version'"),
    ],
)
def test_a_plan_that_cannot_work_is_told_before_anything_starts(
    change: dict[str, object], told: str, tmp_path: Path
) -> None:
    path = written_plan(shipped_plan("toy") | change, tmp_path)
    with pytest.raises(InputError, match=told):
        bundle_plan.load(path)


def test_words_that_do_not_fit_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["-o", str(tmp_path / "out")]
    for words, told in (
        (["--all", *out], "the plan zhao2023-demo synthesises samples: name the data folder with --data"),
        (["--all", "toy", *out], "the plan toy trains on a dataset: name it with --dataset"),
        (["--all", "none", *out], "no plan is called none; there are crossval-demo, kits23, toy, zhao2023"),
        (["demo-locate", *out], "name a recipe and its --samples, or train a whole bundle with --all"),
        (["demo-locate", "--all", "toy", *out], "give one of them"),
        (["--all", "toy", "--minutes", "3", *out], "stand in the plan"),
    ):
        assert commands.main(["train", *words]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
