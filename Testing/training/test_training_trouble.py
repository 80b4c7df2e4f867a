"""What goes wrong while samples are cut and networks train: one clear sentence each, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from labelledcases import NAMES, ct_of, labels

from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.real_samples import fill
from RenalAITrainingLib.recipes.recipe import Recipe
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training import checkpoint
from RenalAITrainingLib.training.memory_told import memory_told
from RenalAITrainingLib.training.metrics_log import MetricsLog
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer

FULL = Path("/dev/full")  # every write to it meets a full disk, by the kernel's own word
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
MakeRecipe = Callable[..., Recipe]


@needs_full
def test_a_disk_that_is_full_at_a_checkpoint(
    toy_samples: SampleStore, toy_recipe: MakeRecipe, run_folder: Path
) -> None:
    recipe = toy_recipe("locate", schedule={"steps": 4, "validate_every": 2})
    Trainer(recipe, toy_samples, run_folder, Options(threads=1), lambda _: None, stop=_after(2)).run()
    before = {path.name: path.read_bytes() for path in run_folder.glob("*.pt")}
    assert set(before) == {"last.pt", "best.pt"}
    (run_folder / "last.pt.part").symlink_to(FULL)
    with pytest.raises(InputError, match=r"last\.pt could not be written .*; free some space and resume"):
        Trainer(recipe, toy_samples, run_folder, Options(threads=1, resume=True), lambda _: None).run()
    assert (run_folder / "last.pt").read_bytes() == before["last.pt"]
    assert not (run_folder / "last.pt.part").is_symlink()
    done = Trainer(recipe, toy_samples, run_folder, Options(threads=1, resume=True), lambda _: None).run()
    assert done.steps == 4


def _after(steps: int) -> Callable[[], bool]:
    """Says stop when it was asked more than ``steps`` times."""
    asked = iter(range(1000))
    return lambda: next(asked) >= steps


@needs_full
def test_a_disk_that_is_full_at_a_line_of_metrics(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    (tmp_path / "metrics.jsonl").unlink()
    (tmp_path / "metrics.jsonl").symlink_to(FULL)
    with pytest.raises(InputError, match=r"metrics\.jsonl could not be written \(No space left on device\)"):
        log.write("train", 1, loss=0.5)


@needs_full
def test_a_disk_that_is_full_at_a_sample(tmp_path: Path) -> None:
    store = SampleStore(tmp_path)
    image, label = np.zeros((4, 4, 4), np.int16), np.ones((4, 4, 4), np.uint8)
    store.append(image, label, split="train", stage="locate", kind="real")
    (tmp_path / "00002.label.npy").symlink_to(FULL)
    with pytest.raises(InputError, match=r"no sample could be written to .* \(No space left on device\); those that"):
        store.append(image, label, split="train", stage="locate", kind="real")
    assert len(store) == len(SampleStore(tmp_path)) == 1
    assert store.append(image, label, split="train", stage="locate", kind="real").id == 2


def test_a_corrupt_case(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "set", "set")
    for number in range(3):
        truth = labels((Label.SOLID, "right", 12.0), seed=number)
        dataset.add_case(NAMES.case(f"patient {number}", ""), ct_of(truth, number), truth)
    names = [case.name for case in dataset]
    dataset.set_split({"training": tuple(names[:2]), "validation": (names[2],)}, {}, {})
    image = dataset.folder / dataset.case(names[1]).image_path
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=f"{names[1]}.*"):
        fill(dataset, "locate", tmp_path / "samples")
    kept = SampleStore(tmp_path / "samples").records
    assert [record.sources for record in kept] == [(names[0],)]
    image.write_bytes(whole)
    assert fill(dataset, "locate", tmp_path / "samples") == 2  # the first is not made again
    assert SampleStore(tmp_path / "samples").records[0] == kept[0]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_corrupt_sample(workers: int, toy_samples: SampleStore, toy_recipe: MakeRecipe, tmp_path: Path) -> None:
    store = SampleStore(tmp_path / "samples")
    for sample in toy_samples.stage("locate"):
        store.append(sample.image, sample.label, split=sample.record.split, stage="locate", kind="phantom")
    recipe = toy_recipe("locate", schedule={"steps": 20, "validate_every": 10})
    run = tmp_path / "run"
    Trainer(recipe, store, run, Options(threads=1), lambda _: None, stop=_after(3)).run()
    before = (run / "last.pt").read_bytes()
    broken = tmp_path / "samples" / "00003.image.npy"
    broken.write_bytes(broken.read_bytes()[:200])
    options = Options(threads=1, resume=True, workers=workers)
    with pytest.raises(InputError, match=r"00003\.image\.npy cannot be read as a sample .*; write the samples again"):
        Trainer(recipe, SampleStore(store.folder), run, options, lambda _: None).run()
    assert (run / "last.pt").read_bytes() == before


def test_a_loss_that_breaks_by_itself(toy_samples: SampleStore, toy_recipe: MakeRecipe, run_folder: Path) -> None:
    """A learning rate far too high, nothing replaced: the loss or the weights are soon no numbers."""
    changes = {"optimiser": {"name": "sgd", "learning_rate": 1e18, "clip": None}, "schedule": {"steps": 40}}
    with pytest.raises(InputError, match=r"no longer a number at step \d+: look at the samples .*lower optimiser"):
        Trainer(toy_recipe("locate", **changes), toy_samples, run_folder, Options(threads=1), lambda _: None).run()
    for path in run_folder.glob("*.pt"):
        weights = checkpoint.load(path)["network"].values()
        assert all(bool(torch.isfinite(value).all()) for value in weights if value.is_floating_point())


def test_memory_that_ends_is_answered_with_what_to_change(toy_recipe: MakeRecipe) -> None:
    recipe = toy_recipe("locate", schedule={"batch": 4, "accumulate": 1})
    with (
        pytest.raises(
            InputError, match=r"this machine has too little memory .*batch to 2 and schedule\.accumulate to 2"
        ),
        memory_told(recipe, "cpu"),
    ):
        torch.empty(2**48)  # what no machine has: torch's own words
    single = toy_recipe("locate", schedule={"batch": 1}, data={"patch": [96, 96, 96]})
    with pytest.raises(InputError, match=r"the GPU .*set data\.patch to \[48, 48, 48\]"), memory_told(single, "cuda"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
    with pytest.raises(RuntimeError, match="something else"), memory_told(recipe, "cpu"):
        raise RuntimeError("something else")
