"""The runner: what the process of a run does, from the dataset's samples to the best weights."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from RenalAILib.errors import InputError

from .lock import RunLock
from .plan import STOP, RunPlan, State, Status

if TYPE_CHECKING:
    from ..training.trainer import Trainer

HEARTBEAT_S = 1.0


class _StoppedError(Exception):
    """The user wants it to end."""


class Wish:
    """Whether the run in ``folder`` shall stop: the file ``stop`` says so, or `now` was called."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / STOP
        self._now = False

    def now(self) -> None:
        """Stop, whatever the file says."""
        self._now = True

    def __call__(self) -> bool:
        return self._now or self._file.exists()


def work(folder: Path, wish: Wish | None = None) -> int:
    """Do the run in ``folder``, from its last checkpoint where there is one; the exit code of the process."""
    folder = folder.resolve()
    wish = wish or Wish(folder)
    try:
        lock = RunLock(folder)
    except InputError as problem:
        print(problem, flush=True)
        return 2
    before = Status.read(folder) or Status(State.STARTING)
    code = 0
    try:
        last = _train(folder, RunPlan.read(folder), wish)
    except _StoppedError:
        last = replace(before, state=State.STOPPED, message="")
    except InputError as problem:
        print(problem, flush=True)
        last, code = _failed(folder, before, str(problem)), 2
    except Exception as problem:  # the last line of defence: whoever looks at the run must learn of it
        traceback.print_exc()
        last, code = _failed(folder, before, f"An unexpected fault: {problem!r}"), 1
    with contextlib.suppress(InputError):  # a full disk: the log's last line says so
        replace(last, time=time.time()).write(folder)
    lock.release()
    return code


def _train(folder: Path, plan: RunPlan, wish: Wish) -> Status:
    _prepare(folder, plan, wish)
    _tell(folder, State.PREPARING, "Loading the training library")
    from ..recipes import recipe
    from ..samples import SampleStore
    from ..training.options import Options
    from ..training.trainer import STOPPED, Trainer

    options = Options(
        seed=plan.seed,
        minutes=plan.minutes,
        threads=plan.threads,
        device=plan.device,  # type: ignore[arg-type]  # the trainer refuses what it does not know
        resume=(folder / "last.pt").exists(),
    )
    store = SampleStore(plan.samples)
    trainer = Trainer(recipe.load(plan.recipe), store, folder, options, report=_say, stop=wish)
    with _heart(folder, trainer):
        result = trainer.run()
    print(f"{result.steps} steps, ended by {result.reason}; best score {result.best_score:.4f}", flush=True)
    state = State.STOPPED if result.reason == STOPPED else State.FINISHED
    return _status(trainer, state, 0.0)


def _prepare(folder: Path, plan: RunPlan, wish: Wish) -> None:
    """Cut the samples of the dataset that are not there yet."""
    if not plan.dataset:
        return
    _tell(folder, State.PREPARING, "Reading the dataset")
    from ..dataset.folder import Dataset
    from ..dataset.recipe_samples import fill_for
    from ..recipes import recipe

    def told(line: str) -> None:
        if wish():
            raise _StoppedError
        _say(line)
        _tell(folder, State.PREPARING, f"Cutting samples: {line}")

    dataset, samples = Dataset.open(Path(plan.dataset)), Path(plan.samples)
    fill_for(recipe.load(plan.recipe), dataset, samples, variants=plan.variants, fold=plan.fold, report=told)


@contextmanager
def _heart(folder: Path, trainer: Trainer) -> Iterator[None]:
    """Writes the status every second while the block trains."""
    over = threading.Event()
    first, begun = trainer.step, trainer.elapsed_s

    def speed() -> float:
        steps = trainer.step - first
        return (trainer.elapsed_s - begun) / steps if steps else 0.0

    def beat() -> None:
        while True:
            with contextlib.suppress(InputError):  # a full disk stops the trainer, with a sentence
                _status(trainer, State.TRAINING, speed()).write(folder)
            if over.wait(HEARTBEAT_S):
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _status(trainer: Trainer, state: State, seconds_per_step: float) -> Status:
    return Status(
        state,
        "",
        time.time(),
        trainer.step,
        trainer.total_steps,
        trainer.progress,
        trainer.elapsed_s,
        seconds_per_step or (trainer.elapsed_s / trainer.step if trainer.step else 0.0),
        trainer.best_score if trainer.best_step else None,
        trainer.best_step,
    )


def _failed(folder: Path, before: Status, message: str) -> Status:
    return replace(Status.read(folder) or before, state=State.FAILED, message=message)


def _tell(folder: Path, state: State, message: str) -> None:
    before = Status.read(folder) or Status(state)
    replace(before, state=state, message=message, time=time.time()).write(folder)


_say: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
