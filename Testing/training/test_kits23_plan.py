"""From the folder of KiTS23 to a bundle in one command, and its cross-validation by patient, at toy size."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from kitscases import kits_folder
from plancommands import shipped_plan, train_words, written_plan

from RenalAILib.bundles.bundle import Bundle, read_bundle
from RenalAILib.cli import main as renalai
from RenalAILib.labels import KIDNEY_LABELS
from RenalAILib.reading import read_labels
from RenalAILib.volume import Volume
from RenalAITrainingLib import commands, networks
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.evaluation.cases import Prediction
from RenalAITrainingLib.evaluation.pairs import Pair
from RenalAITrainingLib.plans import bundle_plan, cross_validation
from RenalAITrainingLib.plans.cross_validation import FEWEST_FOLDS
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.deep_supervision import supervised_loss
from RenalAITrainingLib.training_cost import cost_table, step_cost

pytestmark = pytest.mark.usefixtures("same_pseudonyms")

QUIET = {
    "spatial_probability": 0, "brightness_hu": 0, "contrast": 0, "gamma": 0, "noise": 0, "blur_probability": 0,
    "coarse_probability": 0,
}  # fmt: skip
LEARNING = {"optimiser": {"learning_rate": 0.01}, "augmentation": QUIET}
STEPS = {"steps": 60, "validate_every": 60, "average": 0.9}
TOY: dict[str, dict[str, Any]] = {
    "kidney": LEARNING | {
        "data": {"patch": [32, 32, 48], "validation_samples": 1},
        "network": {"options": {"filters": [4, 8, 8], "residual_units": 0, "features": 4}},
        "schedule": STEPS | {"batch": 1},
    },
    "mass-1": LEARNING | {
        "data": {"patch": [32, 32, 32], "foreground": 0.7, "validation_samples": 1},
        "network": {"options": {"filters": 4, "blocks": [1, 1], "supervised": 2, "norm": "batch"}},
        "schedule": STEPS | {"batch": 1},
    },
    "class": {
        "network": {"options": {"filters": [4, 4, 8, 8], "stem": 3}},
        "schedule": {"steps": 2, "validate_every": 2, "batch": 4},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four patients."""
    return kits_folder(tmp_path_factory.mktemp("kits") / "kits23", 4)


def toy_plan(folder: Path, steps: int | None = None) -> Path:
    """The plan kits23 with one small network a stage and a few steps for each."""
    plan = shipped_plan("kits23")
    plan["networks"] = [
        network | {"changes": TOY[network["name"]]} for network in plan["networks"] if network["name"] in TOY
    ]
    if steps is not None:
        for one in plan["networks"]:
            one["changes"] = one["changes"] | {"schedule": one["changes"]["schedule"] | {"steps": steps}}
    plan |= {"variants": 1, "split": "2:1:1"}
    return written_plan(plan, folder)


def train(plan: Path, kits: Path, out: Path, *more: str) -> int:
    """The command as a user types it."""
    return renalai([*train_words(plan, kits, out), *more])


def test_one_command_from_the_download_to_a_bundle_that_runs(kits: Path, tmp_path: Path) -> None:
    assert train(toy_plan(tmp_path), kits, tmp_path / "out") == 0
    dataset = Dataset.open(tmp_path / "out" / "dataset")
    assert {part: len(names) for part, names in dataset.split.items()} == {"training": 2, "validation": 1, "test": 1}
    bundle = read_bundle(tmp_path / "out" / "kits23-own")
    assert "KiTS' scores beside published ones" in bundle.model_card and "0.975" in bundle.model_card
    (case,) = dataset.split["test"]
    ct = str(tmp_path / "out" / "dataset" / dataset.case(case).image_path)
    words = ["segment", ct, "--bundle", str(bundle.folder), "-o", str(tmp_path / "result"), "--device", "cpu"]
    assert renalai(words) == 0 and (tmp_path / "result" / "findings.json").is_file()


def test_kidneys_stay_as_the_challenge_drew_them(kits: Path, tmp_path: Path) -> None:
    """No sinus is filled, so that the challenge's own scores can be reached."""
    from RenalAITrainingLib.dataset.real_samples import scene_of
    from RenalAITrainingLib.plans.plan_dataset import plan_dataset

    dataset = Dataset.open(plan_dataset(kits, tmp_path / "set", "1:1:0", lambda line: None))
    case = dataset.case(dataset.split["training"][0])
    with_hole = dataset.labels(case).voxels.copy()
    kidney = np.argwhere(with_hole == KIDNEY_LABELS[0]).mean(axis=0).astype(int)
    hole = tuple(slice(place - 1, place + 2) for place in kidney)
    with_hole[hole] = 0
    labels = dataset.labels(case).with_voxels(with_hole)

    class Holed(Dataset):
        def labels(self, case: Any, reader: Any = None) -> Any:
            return labels

    holed = Holed.open(dataset.folder)
    drawn, filled = (scene_of(holed, case, "train", sinus).labels for sinus in (False, True))
    assert np.count_nonzero(filled) > np.count_nonzero(drawn) == np.count_nonzero(with_hole)


class Asked:
    """In place of a bundle's networks: gives the truth, which is quick, and remembers who was asked for what."""

    questions: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, bundle: Bundle, **_: Any) -> None:
        self.fold = bundle.folder.parent.name

    name = "asked"

    def key(self, pair: Pair) -> str:
        return self.fold

    def predict(self, pair: Pair, ct: Volume) -> Prediction:
        self.questions.append((self.fold, pair.case))
        return Prediction(read_labels(pair.labels))


def test_folds_test_every_patient_once_on_networks_that_never_saw_him(
    kits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_validation, "BundleSystem", Asked)
    plan, out = toy_plan(tmp_path, steps=2), tmp_path / "out"
    assert train(plan, kits, out, "--folds", "3") == 0
    folds = json.loads((out / "folds.json").read_text(encoding="utf-8"))["folds"]
    everyone = {case.name for case in Dataset.open(out / "dataset")}
    assert sorted(name for fold in folds for name in fold) == sorted(everyone)
    for number, tested in enumerate(folds, 1):
        for stage in ("locate", "delineate"):
            store = SampleStore(out / f"fold-{number}" / "samples" / stage)
            seen = {source for record in store.records for source in record.sources}
            assert seen and seen.isdisjoint(tested)
    with (out / "evaluation" / "tables" / "cases.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["case"]: row["set"] for row in csv.DictReader(file)}
    assert rows == {name: f"fold-{number}" for number, fold in enumerate(folds, 1) for name in fold}
    assert "no evaluation was made" in read_bundle(out / "fold-1" / "kits23-own").model_card
    assert sorted(Asked.questions) == [
        (f"fold-{number}", name) for number, fold in enumerate(folds, 1) for name in sorted(fold)
    ]
    before = (out / "fold-2" / "kits23-own" / "SHA256SUMS").read_bytes()
    assert train(plan, kits, out, "--folds", "3") == 0  # the same words go on: everything is there
    assert "is there already, complete" in capsys.readouterr().out
    assert (out / "fold-2" / "kits23-own" / "SHA256SUMS").read_bytes() == before


def test_words_that_do_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["-o", str(tmp_path / "out")]
    (tmp_path / "nothing").mkdir()
    for words, told in (
        (["--all", "toy", "--dataset", str(tmp_path / "nothing"), *out], "has none of the layouts"),
        (["--all", "toy", "--data", str(tmp_path), "--folds", str(FEWEST_FOLDS - 1), *out], "there must be 3 or more"),
        (["demo-locate", "--folds", "3", *out], "cross-validates a whole plan"),
        (["--cost"], "estimates a whole plan"),
        (["demo-locate"], "name the folder of the run with -o"),
    ):
        assert commands.main(["train", *words]) == 2
        assert told in capsys.readouterr().err


def test_coarser_levels_learn_from_the_same_truth() -> None:
    torch.manual_seed(0)
    network = networks.build("segresnet", outputs=2, filters=8, blocks=[1, 1, 1], supervised=2)
    image = torch.zeros(1, 1, 16, 16, 16)
    fine, coarse = network.train()(image)
    assert fine.shape == (1, 2, 16, 16, 16) and coarse.shape == (1, 2, 8, 8, 8)
    assert network.eval()(image).shape == (1, 2, 16, 16, 16)
    target = torch.zeros(1, 2, 16, 16, 16)
    target[..., :8] = 1

    def miss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return (logits - wanted).abs().mean()

    perfect = torch.nn.functional.interpolate(target, size=(8, 8, 8))
    assert float(supervised_loss(miss, [target, perfect], target)) == 0
    assert float(supervised_loss(miss, [target, perfect + 3], target)) == pytest.approx(1)  # a third of the weight
    assert float(supervised_loss(miss, target + 3, target)) == pytest.approx(3)


def test_the_cost_is_counted_without_computing() -> None:
    loaded = bundle_plan.load("kits23")
    mass = next(recipe for recipe in loaded.recipes if recipe.name == "kits23-mass")
    cost = step_cost(mass)
    # A convolution of 3 x 3 x 3 from 32 to 32 channels at 128^3 is 0.116 TFLOP, three times that with its gradients;
    # the network has nine at full resolution and more below.
    assert 2 * 3 * 9 * 0.1e12 < cost.flop < 20e12
    with torch.device("meta"):
        assert cost.weights == sum(w.numel() for w in networks.build("segresnet", outputs=2).parameters())
    assert 4 < cost.gpu_gb < 24  # fits the larger gaming GPUs
    table = cost_table([("a", mass)], measure=False)
    assert len(table.rows) == 2 and table.rows[0][2] == 250000
