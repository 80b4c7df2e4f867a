"""Runs in processes of their own: they outlive their starter, are found again, stop, resume and say what went wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from RenalAILib.errors import InputError
from RenalAITrainingLib.recipes.recipe import Recipe
from RenalAITrainingLib.runs import lock as runs_lock
from RenalAITrainingLib.runs.estimate import free_bytes, known_hours, run_bytes, samples_bytes
from RenalAITrainingLib.runs.lock import RunLock, holder
from RenalAITrainingLib.runs.plan import RunPlan, State, Status
from RenalAITrainingLib.runs.run import TrainingRun, runs_in, training_environment
from RenalAITrainingLib.runs.runner import work
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.metrics_log import read_metrics

MakeRecipe = Callable[..., Recipe]


ENDLESS = 200_000
"""Steps of a run that is ended before it is over: minutes on the fastest machine, and no end of the world on ours."""

TINY: dict[str, dict[str, Any]] = {
    "data": {"patch": [16, 16, 16], "validation_samples": 1},
    "network": {"options": {"filters": [4, 8], "residual_units": 0}},
}


@pytest.fixture
def make_run(toy_samples: SampleStore, toy_recipe: MakeRecipe, tmp_path: Path) -> Iterator[Callable[..., TrainingRun]]:
    """A run of a tiny network on the toy samples; changes are sections of its recipe."""

    def make(**changes: Any) -> TrainingRun:
        path = tmp_path / "toy-locate.yaml"
        content = toy_recipe("locate", **(TINY | changes)).to_json()
        path.write_text(yaml.safe_dump(_plain(content)), encoding="utf-8")
        plan = RunPlan(str(path), "toy", "locate", str(toy_samples.folder), threads=1, device="cpu")
        return TrainingRun.create(tmp_path / "runs", plan)

    yield make
    for run in runs_in(tmp_path / "runs"):  # they would outlive the tests, as they should outlive Slicer
        if holder(run.folder) != os.getpid():
            run.kill()


def _plain(content: Any) -> Any:
    """Tuples as lists, for YAML."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    return [_plain(value) for value in content] if isinstance(content, (list, tuple)) else content


def wait_for(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 800
    while not condition():
        assert time.monotonic() < end, "still waiting"
        time.sleep(0.02)


def curve(run: TrainingRun) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds_per_step"} for line in run.metrics()]


HELD = """
import sys, time
from pathlib import Path
from RenalAITrainingLib.runs import __main__, runner

class Held(runner.Wish):
    asked = 0

    def __call__(self):
        self.asked += 1
        while self.asked > 12 and not super().__call__():
            time.sleep(0.01)
        return super().__call__()

__main__.Wish = Held
sys.exit(__main__.main(Path(sys.argv[1])))
"""
"""A run's process as it is, but for one thing: after 12 steps it waits until it is asked to stop, however long."""

STARTER = """
import sys
from pathlib import Path
from RenalAITrainingLib.runs.run import TrainingRun
TrainingRun(Path(sys.argv[1])).start([sys.executable, "-c", sys.argv[2]])
"""


@pytest.mark.timeout(1800)
def test_a_run_outlives_its_starter_is_stopped_by_another_and_resumed_to_the_same_curve(
    make_run: Callable[..., TrainingRun],
) -> None:
    schedule = {"steps": 60, "validate_every": 20, "batch": 1}
    run = make_run(schedule=schedule)
    # The starter (Slicer) ends at once; its child must not.
    words = [sys.executable, "-c", STARTER, str(run.folder), HELD]
    subprocess.run(words, check=True, env=training_environment())
    wait_for(lambda: run.status().step == 12)
    (found,) = runs_in(run.folder.parent)  # another Slicer opens
    assert found.status().state is State.TRAINING and holder(found.folder) not in (None, os.getpid())
    assert found.status().remaining_s is not None and found.status().total_steps == 60
    with pytest.raises(InputError, match="already"):
        found.start()
    found.stop()
    wait_for(lambda: not found.status().state.active)
    assert found.status().state is State.STOPPED and found.resumable and found.status().step == 12
    assert not any(line["event"] == "validation" for line in found.metrics())
    found.start()
    wait_for(lambda: not found.status().state.active)
    assert found.status().state is State.FINISHED and found.best.is_file() and found.status().best_score is not None
    unbroken = make_run(schedule=schedule)
    assert work(unbroken.folder) == 0
    assert curve(found) == curve(unbroken)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal")
def test_a_killed_run_is_known_as_such_whatever_its_number_is_now(make_run: Callable[..., TrainingRun]) -> None:
    run = make_run(schedule={"steps": ENDLESS})
    run.start()
    wait_for(lambda: run.status().state is State.TRAINING and run.status().step > 0)
    number = holder(run.folder)
    assert number is not None
    os.kill(number, signal.SIGKILL)
    wait_for(lambda: run.status().state is State.INTERRUPTED)
    # Its number now belongs to somebody else: to us.
    (run.folder / "process.lock").write_text(str(os.getpid()), encoding="ascii")
    assert holder(run.folder) is None and run.status().state is State.INTERRUPTED and run.resumable
    run.kill()  # must not end this process
    run.start()
    wait_for(lambda: run.status().state is State.TRAINING and run.status().step > 0)
    number = holder(run.folder)
    assert number is not None
    os.kill(number, signal.SIGTERM)  # the computer shuts down: there is time to save
    wait_for(lambda: run.status().state is State.STOPPED)
    saved = run.status().step
    run.start()
    wait_for(lambda: run.status().state is State.TRAINING and run.status().step > saved)
    run.kill()
    wait_for(lambda: run.status().state is State.INTERRUPTED)


def test_a_run_that_cannot_work_says_why(make_run: Callable[..., TrainingRun], tmp_path: Path) -> None:
    run = make_run(optimiser={"learning_rate": 1e30, "clip": None})
    assert work(run.folder) == 2
    status = run.status()
    assert status.state is State.FAILED and "no longer a number" in status.message and run.resumable
    plan = RunPlan("no-such-recipe", "x", "locate", str(tmp_path))
    other = TrainingRun.create(tmp_path / "others", plan)
    other.start()
    wait_for(lambda: not other.status().state.active)
    assert "no recipe is called no-such-recipe" in other.status().message
    assert "no-such-recipe" in other.log()


def test_a_process_that_cannot_start_is_told(make_run: Callable[..., TrainingRun]) -> None:
    run = make_run()
    with pytest.raises(InputError, match="could not be started"):
        run.start(["/no/such/python"])
    assert run.status().state is State.FAILED
    run.start([sys.executable, "-c", "raise SystemExit('torch is missing')"])
    wait_for(lambda: not run.status().state.active)
    assert run.status().state is State.INTERRUPTED and run.status().message == "torch is missing"


def test_one_process_trains_a_run(make_run: Callable[..., TrainingRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_lock, "_WAIT_S", 0.1)
    run = make_run()
    lock = RunLock(run.folder)
    assert holder(run.folder) == os.getpid()
    assert work(run.folder) == 2  # and nothing of the first one's was touched
    assert read_metrics(run.folder / "metrics.jsonl") == []
    lock.release()
    assert holder(run.folder) is None


def test_the_samples_of_the_dataset_are_cut_first(toy_recipe: MakeRecipe, tmp_path: Path) -> None:
    from labelledcases import NAMES, Label, ct_of, labels

    from RenalAITrainingLib.dataset.folder import Dataset
    from RenalAITrainingLib.dataset.split import parsed_ratio, split_by_ratio

    dataset = Dataset.create(tmp_path / "data", "data")
    for number in range(3):
        mask = labels((Label.SOLID, "left", 9.0), seed=number)
        dataset.add_case(NAMES.case(str(number)), ct_of(mask, number), mask)
    made = split_by_ratio(dataset.cases, parsed_ratio("2:1"), 1)
    dataset.set_split(made.parts, made.record, made.repeats)
    path = tmp_path / "r.yaml"
    changes = TINY | {"schedule": {"steps": 2}}
    path.write_text(yaml.safe_dump(_plain(toy_recipe("locate", **changes).to_json())), encoding="utf-8")
    plan = RunPlan(str(path), "toy", "locate", str(tmp_path / "samples"), str(dataset.folder), threads=1, device="cpu")
    run = TrainingRun.create(tmp_path / "runs", plan)
    assert work(run.folder) == 0
    assert {record.split for record in SampleStore(tmp_path / "samples").records} == {"train", "validation"}
    assert run.status().state is State.FINISHED
    # A dataset without a split fails with the sentence that says so.
    bare = Dataset.create(tmp_path / "bare", "bare")
    mask = labels()
    bare.add_case(NAMES.case("a"), ct_of(mask), mask)
    plan = RunPlan(str(path), "toy", "locate", str(tmp_path / "other"), str(bare.folder))
    run = TrainingRun.create(tmp_path / "runs", plan)
    assert work(run.folder) == 2 and "has no split yet" in run.status().message


def test_plans_and_states_come_back_and_damage_is_told(tmp_path: Path) -> None:
    plan = RunPlan("demo-locate", "Kidneys", "locate", "samples", minutes=3.0)
    run = TrainingRun.create(tmp_path, plan)
    assert RunPlan.read(run.folder) == plan and TrainingRun.create(tmp_path, plan).name == "demo-locate-2"
    status = Status(State.TRAINING, step=10, total_steps=100, progress=0.1, seconds_per_step=2.0, best_score=0.5)
    status.write(run.folder)
    assert Status.read(run.folder) == status and status.remaining_s == pytest.approx(180)
    assert run.status().state is State.INTERRUPTED  # nobody holds the lock
    (run.folder / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"run\.json"):
        TrainingRun(run.folder)
    assert [found.name for found in runs_in(tmp_path)] == ["demo-locate-2"]


def test_needs_are_told_before_the_start(toy_recipe: MakeRecipe, tmp_path: Path) -> None:
    assert samples_bytes("locate", 2, 0, 5) == 2 * 133 * 133 * 150 * 3
    assert samples_bytes("characterise", 2, 3, 2) == 6 * 64**3 * 3
    assert run_bytes(toy_recipe("locate")) > 4 * 27 * (8 * 16 + 16 * 32)
    assert free_bytes(tmp_path / "not" / "there") > 0
    run = TrainingRun.create(tmp_path, RunPlan("demo-locate", "Kidneys", "locate", "samples"))
    assert known_hours([run], "demo-locate") is None
    Status(State.FINISHED, total_steps=3600, step=3600, seconds_per_step=2.0).write(run.folder)
    assert known_hours([run], "demo-locate") == pytest.approx(2.0) and known_hours([run], "other") is None
