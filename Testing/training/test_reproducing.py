"""A plan gives the same bundle again, byte for byte, though it was killed on its way; and trials of plans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kitscases import kits_folder
from plancommands import shipped_plan, train_words, written_plan

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.cli import main as renalai
from RenalAILib.errors import InputError
from RenalAITrainingLib import commands
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.plans import bundle_plan
from RenalAITrainingLib.plans.making_bundle import Sources, kept_back
from RenalAITrainingLib.plans.plan_scale import scaled
from RenalAITrainingLib.synthesis.sources import HELD_OUT_CASES, TRAINING_CASES, VALIDATION_CASES

KILLED = """
import os, signal, sys
from RenalAITrainingLib import commands
from RenalAITrainingLib.training.trainer import Trainer

learn = Trainer._learn

def learn_and_die(self, parts):
    if self.recipe.data.stage == "delineate":
        if self.step == 1:
            self._save()  # as every minute
        if self.step == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    return learn(self, parts)

Trainer._learn = learn_and_die
commands.main(sys.argv[1:])
"""


def small_plan(folder: Path) -> Path:
    """The toy plan with very small networks for three steps."""
    plan = shipped_plan("toy")
    for network in plan["networks"]:
        changes = network["changes"]
        changes["schedule"] = {"batch": 2, "steps": 3, "validate_every": 2}
        changes["augmentation"] = {}  # the recipe's own: everything random takes part
        changes["network"]["options"]["filters"] = [4, 4, 8, 8]
        if "patch" in changes.get("data", {}):
            changes["data"]["patch"] = [32, 32, 32]
    return written_plan(plan, folder)


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is what POSIX has")
def test_kits23_trains_as_it_is_and_a_plan_killed_in_its_second_network_ends_with_the_same_bundle(
    tmp_path: Path, same_pseudonyms: None
) -> None:
    """What ``kits23_download_data`` leaves: ``dataset/case_00000/{imaging,segmentation}.nii.gz``, ``kits23.json``."""
    dataset = tmp_path / "set"
    assert renalai(["dataset", "import", str(kits_folder(tmp_path / "kits23", 2)), "-o", str(dataset)]) == 0
    imported = Dataset.open(dataset)
    assert sorted(mass.mass_class.value for case in imported for mass in case.masses) == [
        "aml", "cystic", "cystic", "solid",
    ]  # fmt: skip
    assert renalai(["dataset", "split", str(dataset), "--ratio", "1:1:0"]) == 0
    plan = small_plan(tmp_path)
    unbroken, broken = (train_words(plan, dataset, tmp_path / name) for name in ("unbroken", "broken"))
    assert renalai(unbroken) == 0
    card = read_bundle(tmp_path / "unbroken" / "toy").model_card
    assert "no evaluation was made" in card  # there is no test part, and the card says so
    assert "demo-locate (3 steps, validation score" in card

    root = Path(__file__).parents[2]
    paths = os.pathsep.join(str(root / part) for part in ("RenalAI", "RenalAITraining"))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *broken],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / "broken" / "runs" / "delineate" / "last.pt").exists()
    assert not (tmp_path / "broken" / "toy").exists()
    assert renalai(broken) == 0
    one, other = ((tmp_path / name / "toy" / "SHA256SUMS").read_bytes() for name in ("unbroken", "broken"))
    assert one == other


def test_synthesised_plans_are_measured_on_scans_that_no_sample_is_made_of(tmp_path: Path) -> None:
    held_out, others = HELD_OUT_CASES[0], (*TRAINING_CASES, *VALIDATION_CASES)
    for name in (held_out, *others):
        (tmp_path / "ct" / name).mkdir(parents=True)
        for file in ("ct.nii.gz", "labels.nii.gz"):
            (tmp_path / "ct" / name / file).write_bytes(b"")
    selection, part = kept_back(Sources(tmp_path))
    assert [(pair.case, pair.part) for pair in selection.pairs] == [(held_out, part)]
    (tmp_path / "ct" / held_out / "labels.nii.gz").unlink()
    assert not kept_back(Sources(tmp_path))[0].pairs


def test_a_trial_is_shorter_and_says_what_it_is() -> None:
    whole = bundle_plan.load("zhao2023-demo-fast")
    trial = scaled(whole, 0.1)
    assert [item.count for item in trial.plan.synthesise] == [70, 110, 170]
    assert [recipe.schedule.steps for recipe in trial.recipes] == [500, 600, 600, 300]
    assert [recipe.network for recipe in trial.recipes] == [recipe.network for recipe in whole.recipes]
    assert trial.description.name == "zhao2023-demo-fast-at-0.1"
    assert trial.description.training_domain.startswith("A trial of the plan zhao2023-demo-fast: 0.1 of its samples")


def test_the_smallest_trial_still_validates() -> None:
    trial = scaled(bundle_plan.load("zhao2023-demo-fast"), 1e-6)
    assert [item.count for item in trial.plan.synthesise] == [20, 20, 40]  # every tenth draw validates
    assert {(one.schedule.steps, one.schedule.validate_every) for one in trial.recipes} == {(1, 1)}
    assert {one.schedule.epochs for one in scaled(bundle_plan.load("zhao2023"), 0.001).recipes} == {1}


@pytest.mark.parametrize("scale", [0.0, 1.0, -0.5])
def test_a_scale_that_is_no_share_is_told(scale: float) -> None:
    with pytest.raises(InputError, match="more than 0 and less than 1"):
        scaled(bundle_plan.load("toy"), scale)


def test_a_scale_without_a_plan_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["train", "demo-locate", "--samples", "x", "--scale", "0.1", "-o", str(tmp_path / "out")]) == 2
    assert "--scale shortens a whole plan" in capsys.readouterr().err
