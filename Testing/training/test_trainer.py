"""The one loop: it learns each task, goes on after a kill as if nothing had been, and says what is wrong."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from RenalAILib.errors import InputError
from RenalAITrainingLib import commands
from RenalAITrainingLib.recipes.recipe import Recipe
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training import checkpoint
from RenalAITrainingLib.training import trainer as trainer_module
from RenalAITrainingLib.training.metrics_log import MetricsLog, read_metrics
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer

MakeRecipe = Callable[..., Recipe]
TIMES = ("seconds_per_step",)


def _silent(_: str) -> None:
    pass


def _curve(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k not in TIMES} for line in read_metrics(folder / "metrics.jsonl")]


@pytest.mark.parametrize("stage", ["locate", "delineate"])
def test_segmentation_beats_the_best_constant(
    stage: str, toy_samples: SampleStore, toy_recipe: MakeRecipe, run_folder: Path
) -> None:
    task_lowest = [1] if stage == "locate" else [1, 3]
    baselines = []  # Dice of calling every voxel kidney (and mass)
    for lowest in task_lowest:
        share = np.mean([(s.label >= lowest).mean() for s in toy_samples.stage(stage).split("validation")])  # type: ignore[arg-type]
        baselines.append(2 * share / (1 + share))
    result = Trainer(toy_recipe(stage), toy_samples, run_folder, report=_silent).run()
    assert result.best_score > np.mean(baselines) + 0.4


def test_classification_beats_chance(toy_samples: SampleStore, toy_recipe: MakeRecipe, run_folder: Path) -> None:
    recipe = toy_recipe("characterise", data={"balance": "class"})
    Trainer(recipe, toy_samples, run_folder, report=_silent).run()
    last = [line for line in _curve(run_folder) if line["event"] == "validation"][-1]
    assert last["balanced_accuracy"] > 0.85  # chance is 1/3


CHILD = """
import json, os, signal, sys
from pathlib import Path
import torch
from RenalAITrainingLib.recipes.recipe import from_mapping
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer
torch.set_num_threads(1)
recipe, samples, folder, how = sys.argv[1:]

def at_each_step():
    if how == "killed" and trainer.step == 17:
        trainer._saved = -float("inf")  # a checkpoint is due at the end of this step, and of no other
    if how == "killed" and trainer.step == 32:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

options = Options(seed=5, threads=1, resume=how == "resumed", checkpoint_s=0.0 if how == "resumed" else 1e9)
trainer = Trainer(
    from_mapping(json.loads(recipe), "toy"), SampleStore(samples), Path(folder), options, stop=at_each_step
)
trainer.run()
"""


def _start(recipe: Recipe, samples: SampleStore, folder: Path, how: str) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    paths = os.pathsep.join(str(root / part) for part in ("RenalAI", "RenalAITraining"))
    words = [sys.executable, "-c", CHILD, json.dumps(recipe.to_json()), str(samples.folder), str(folder), how]
    return subprocess.Popen(words, env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.DEVNULL)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal")
def test_killed_and_resumed_equals_unbroken(toy_samples: SampleStore, toy_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = toy_recipe(
        "delineate",
        network={"options": {"filters": [8, 16, 32], "residual_units": 1, "dropout": 0.2}},
        schedule={"steps": 45, "validate_every": 15, "accumulate": 2},
    )
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    Trainer(recipe, toy_samples, unbroken, Options(seed=5, threads=1), report=_silent).run()

    assert _start(recipe, toy_samples, broken, "killed").wait(800) == -signal.SIGKILL
    # Lines later than the checkpoint are there, and a best network: they belong to work that the kill undid.
    assert checkpoint.load(broken / "last.pt")["step"] == 17 and _curve(broken)[-1]["step"] == 30
    assert _start(recipe, toy_samples, broken, "resumed").wait(800) == 0

    assert _curve(broken) == _curve(unbroken)
    one, two = checkpoint.load(broken / "last.pt"), checkpoint.load(unbroken / "last.pt")
    assert all(torch.equal(one["average"][name], two["average"][name]) for name in two["average"])
    assert one["best"] == two["best"]


def test_resuming_a_finished_run_changes_nothing(
    toy_samples: SampleStore, toy_recipe: MakeRecipe, run_folder: Path
) -> None:
    recipe = toy_recipe("locate", schedule={"steps": 3})
    first = Trainer(recipe, toy_samples, run_folder, report=_silent).run()
    curve = _curve(run_folder)
    assert Trainer(recipe, toy_samples, run_folder, Options(resume=True), report=_silent).run() == first
    assert _curve(run_folder) == curve


class Clock:
    """Time that passes with each look at it, and not otherwise: a machine that stands still changes nothing."""

    def __init__(self, seconds_a_look: float) -> None:
        self._seconds, self._now = seconds_a_look, 0.0

    def monotonic(self) -> float:
        self._now += self._seconds
        return self._now


def test_minutes_end_the_run_with_the_rate_decayed(
    toy_samples: SampleStore, toy_recipe: MakeRecipe, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "time", Clock(0.02))
    result = Trainer(toy_recipe("locate"), toy_samples, run_folder, Options(minutes=0.05), report=_silent).run()
    assert result.reason == "the end of its length" and 20 < result.steps < 60
    rates = [line["learning_rate"] for line in _curve(run_folder) if line["event"] == "train"]
    assert rates[-1] < 0.4 * rates[0]


def test_early_stopping(toy_samples: SampleStore, toy_recipe: MakeRecipe, run_folder: Path) -> None:
    recipe = toy_recipe(
        "locate",
        optimiser={"learning_rate": 0.0},
        schedule={"steps": 50, "validate_every": 1, "patience": 2, "average": 0.0},
        network={"options": {"filters": [4, 8], "residual_units": 0}},
    )
    result = Trainer(recipe, toy_samples, run_folder, report=_silent).run()
    assert result.steps < 50 and "2 validations" in result.reason


def test_a_loss_that_is_no_number_is_told_and_costs_nothing(
    toy_samples: SampleStore, toy_recipe: MakeRecipe, run_folder: Path
) -> None:
    Trainer(toy_recipe("locate", schedule={"steps": 2}), toy_samples, run_folder, report=_silent).run()
    before = (run_folder / "last.pt").read_bytes()
    recipe = toy_recipe("locate", schedule={"steps": 2})
    trainer = Trainer(recipe, toy_samples, run_folder, Options(resume=True), report=_silent)
    trainer.step, trainer.loss = 0, lambda logits, target: logits.mean() * float("nan")
    with pytest.raises(InputError, match=r"no longer a number at step 1: look at the samples \d+"):
        trainer.run()
    assert (run_folder / "last.pt").read_bytes() == before


def test_a_full_disk_is_told_and_the_old_checkpoint_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save({"step": 1}, tmp_path / "last.pt")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match=r"last\.pt could not be written .* free some space"):
        checkpoint.save({"step": 2}, tmp_path / "last.pt")
    assert checkpoint.load(tmp_path / "last.pt")["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "does not exist"), (b"nonsense", "cannot be read"), ({"weights": 1}, "not a checkpoint of this trainer")],
)
def test_a_damaged_checkpoint_is_told(tmp_path: Path, content: Any, told: str) -> None:
    path = tmp_path / "last.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(InputError, match=told):
        checkpoint.load(path)


def test_refusals_before_training(toy_samples: SampleStore, toy_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = toy_recipe("locate", schedule={"steps": 1})
    with pytest.raises(InputError, match="no sample to train on"):
        Trainer(recipe, SampleStore(tmp_path / "none"), tmp_path / "a")
    with pytest.raises(InputError, match="no network is called 'vnet'"):
        Trainer(toy_recipe("locate", network={"name": "vnet"}), toy_samples, tmp_path / "b")
    with pytest.raises(InputError, match="does not take these options"):
        Trainer(toy_recipe("locate", network={"options": {"layers": 3}}), toy_samples, tmp_path / "c")
    Trainer(recipe, toy_samples, tmp_path / "d", report=_silent).run()
    with pytest.raises(InputError, match="holds a run already"):
        Trainer(recipe, toy_samples, tmp_path / "d")
    with pytest.raises(InputError, match="another recipe or seed"):
        Trainer(recipe, toy_samples, tmp_path / "d", Options(resume=True, seed=9))
    with pytest.raises(InputError, match="another network"):
        Trainer(toy_recipe("delineate"), toy_samples, tmp_path / "e", Options(start_from=tmp_path / "d" / "best.pt"))


def test_the_command(
    toy_samples: SampleStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "time", Clock(0.05))
    words = ["train", "--samples", str(toy_samples.folder), "-o", str(tmp_path / "run"), "--threads", "1"]
    assert commands.main([*words, "demo-characterise", "--minutes", "0.005"]) == 0
    told = capsys.readouterr().out
    assert "demo-characterise on 18 samples, validated on 9, on cpu" in told and "best.pt" in told
    for more, problem in (
        (["demo-characterise"], "holds a run already"),
        (["unet"], "no recipe is called unet"),
        (["demo-locate", "--minutes", "-1"], "a run needs some minutes, got -1"),
        (["demo-locate", "--threads", "0"], "at least one thread, got 0"),
    ):
        assert commands.main([*words, *more]) == 2
        assert problem in capsys.readouterr().err


def test_metrics_after_the_checkpoint_are_cut_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    for step in (10, 20, 30):
        log.write("train", step, loss=1.0 / step)
    log.close()
    with open(tmp_path / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"event": "tr')
    MetricsLog(tmp_path, keep_to=20).close()
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [10, 20]
    MetricsLog(tmp_path).close()
    assert read_metrics(tmp_path / "metrics.jsonl") == []
