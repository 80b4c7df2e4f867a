"""Training shared by processes that torchrun starts is the training of one process, and survives a kill like it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from RenalAILib.errors import InputError
from RenalAITrainingLib.recipes.recipe import Recipe
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training import checkpoint
from RenalAITrainingLib.training.metrics_log import read_metrics
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.ranks import Ranks
from RenalAITrainingLib.training.trainer import Trainer

CHILD = """
import json, os, signal, sys
from pathlib import Path
from RenalAITrainingLib.recipes.recipe import from_mapping
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer
recipe, samples, folder, how = sys.argv[1:]
def kill_at_11():
    if how == "killed" and trainer.step == 11:
        os.kill(os.getpid(), signal.SIGKILL)
    return False
options = Options(seed=5, threads=1, resume=how == "resumed", checkpoint_s=0.0, device="cpu")
store = SampleStore(samples)
trainer = Trainer(from_mapping(json.loads(recipe), "toy"), store, Path(folder), options, stop=kill_at_11)
trainer.run()
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal")


def _start(recipe: Recipe, samples: SampleStore, folder: Path, how: str, script: Path) -> subprocess.Popen[str]:
    script.write_text(CHILD, encoding="utf-8")
    root = Path(__file__).parents[2]
    paths = os.pathsep.join(str(root / part) for part in ("RenalAI", "RenalAITraining"))
    # Port 0: torchrun takes a free one and keeps it; one that is looked for beforehand may be somebody's by then.
    meeting = ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node=2", *meeting]
    words = [str(script), json.dumps(recipe.to_json()), str(samples.folder), str(folder), how]
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen(
        [sys.executable, *torchrun, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


@pytest.mark.timeout(1800)
def test_two_processes_killed_and_resumed_equal_one(
    toy_samples: SampleStore, toy_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = toy_recipe(
        "delineate",
        optimiser={"name": "sgd", "learning_rate": 0.05},  # Adam makes steps of the rounding of tiny gradients
        schedule={"steps": 16, "validate_every": 8, "batch": 2, "accumulate": 2},
    )
    one, two = tmp_path / "one", tmp_path / "two"
    Trainer(recipe, toy_samples, one, Options(seed=5, threads=1, device="cpu"), report=lambda _: None).run()

    killed = _start(recipe, toy_samples, two, "killed", tmp_path / "train.py")
    told, _ = killed.communicate(timeout=800)
    assert killed.returncode != 0 and "Signal 9 (SIGKILL)" in told  # torchrun has ended the other one too
    assert 10 <= checkpoint.load(two / "last.pt")["step"] <= 11
    process = _start(recipe, toy_samples, two, "resumed", tmp_path / "train.py")
    told, _ = process.communicate(timeout=800)
    assert process.returncode == 0, told
    assert told.count("shared by 2 processes") == 1  # one of them speaks

    lines, expected = read_metrics(two / "metrics.jsonl"), read_metrics(one / "metrics.jsonl")
    assert [(line["event"], line["step"]) for line in lines] == [(line["event"], line["step"]) for line in expected]
    for line, other in zip(lines, expected, strict=True):
        for name in ("loss", "score"):
            assert line.get(name, 0) == pytest.approx(other.get(name, 0), abs=2e-3), line
    weights, wanted = (checkpoint.load(folder / "last.pt")["network"] for folder in (two, one))
    assert weights.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(weights[name], value, atol=2e-3, rtol=2e-3, msg=name)


def test_a_batch_that_cannot_be_shared_is_told() -> None:
    assert [Ranks(number, 2).share(6) for number in range(2)] == [slice(0, 3), slice(3, 6)]
    with pytest.raises(InputError, match=r"a batch of 3 cannot be shared evenly by 2 processes: set schedule\.batch"):
        Ranks(0, 2).share(3)
