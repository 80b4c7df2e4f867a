"""Dask: the same task function on many machines, handed out by a Dask scheduler.

A worker that dies takes no study with it: the scheduler gives its tasks to another one. Should a worker die between
the renaming of its result and the word about it, the next one finds the result there and does nothing twice. What the
machines share is the file system with the CTs and the batch's folder; bundles travel by themselves, by checksum.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..bundles.bundle import read_bundle
from ..errors import InputError
from ..study.task import StudyRecord, StudyTask
from .shares import shares, visible_gpus

AHEAD = 2
"""Tasks handed out for each worker: one in work, one waiting. The rest stays here, so that memory stays flat."""
_CONNECT_S = 20.0


class DaskCluster:
    """A scheduler's workers, one study at a time each.

    Args:
        scheduler: its address; None starts workers on this computer for as long as the batch runs.
        workers: how many of these; on a computer with GPUs one for each GPU instead.
        device: with ``cpu`` GPUs do not count.
    """

    def __init__(self, scheduler: str | None = None, workers: int = 1, device: str = "auto") -> None:
        if workers < 1:
            raise InputError(f"--jobs must be 1 or more, got {workers}")
        self._scheduler, self._workers, self._device = scheduler, workers, device

    def run(self, tasks: Iterable[StudyTask], begun: Callable[[str], None]) -> Iterator[StudyRecord]:
        distributed = _distributed()
        with ExitStack() as stack:
            if self._scheduler is None:
                address = stack.enter_context(self._local(distributed)).scheduler_address
            else:
                address = self._scheduler
            try:
                client = stack.enter_context(distributed.Client(address, timeout=_CONNECT_S, set_as_default=False))
            except OSError as problem:
                raise InputError(f"no Dask scheduler answers at {address}") from problem
            yield from _handed_out(distributed, client, tasks, begun)

    def _local(self, distributed: Any) -> Any:
        import dask.config

        gpus = [] if self._device == "cpu" else visible_gpus()
        options = {"nthreads": 1, "memory_limit": 0}
        workers = {
            n: {"cls": distributed.Nanny, "options": {**options, "env": share}}
            for n, share in enumerate(shares(len(gpus) or self._workers, gpus))
        }
        scheduler = {"cls": distributed.Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}}
        with dask.config.set({"distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "warning"}):
            return distributed.SpecCluster(workers=workers, scheduler=scheduler, silence_logs=40)


def do_remote_study(task: StudyTask) -> dict[str, Any]:
    """On a worker: the task, with the bundle that came to this machine before."""
    from ..study.doing import do_study
    from .bundle_plugin import kept_bundle

    folder = kept_bundle(task.weights.sha256)
    here = task if folder is None else replace(task, weights=replace(task.weights, bundle=str(folder)))
    return do_study(here, lambda stage, fraction, message: None).to_json()


def _handed_out(
    distributed: Any, client: Any, tasks: Iterable[StudyTask], begun: Callable[[str], None]
) -> Iterator[StudyRecord]:
    waiting = iter(tasks)
    shipped: set[str] = set()
    under_way = distributed.as_completed(loop=client.loop)
    names: dict[str, StudyTask] = {}

    def hand_out() -> bool:
        task = next(waiting, None)
        if task is None:
            return False
        if task.weights.sha256 not in shipped:
            _ship(client, task)
            shipped.add(task.weights.sha256)
        begun(task.name)
        future = client.submit(do_remote_study, task, pure=False, key=f"study-{task.name}-{uuid.uuid4().hex}")
        names[future.key] = task
        under_way.add(future)
        return True

    def room() -> int:
        return AHEAD * max(1, len(client.scheduler_info(n_workers=-1)["workers"])) - len(names)

    while room() > 0 and hand_out():
        pass
    while names:
        future = next(under_way)
        task = names.pop(future.key)
        yield _record(distributed, task, future)
        future.release()
        while room() > 0 and hand_out():
            pass


def _record(distributed: Any, task: StudyTask, future: Any) -> StudyRecord:
    """The task's word; of a task that took several workers with it, the scheduler's."""
    try:
        return StudyRecord(**future.result())
    except distributed.KilledWorker:
        reason = "one Dask worker after the other died while it did this study"
    except Exception as problem:  # of the transport: the task function itself raises nothing
        reason = f"the Dask worker failed: {type(problem).__name__}: {' '.join(str(problem).split())[:200]}"
    return StudyRecord(task.name, "", reason=reason, fault=True)


def _ship(client: Any, task: StudyTask) -> None:
    from .bundle_plugin import BundlePlugin

    client.register_plugin(BundlePlugin(read_bundle(Path(task.weights.bundle))))


def _distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError as problem:
        raise InputError(
            f"--engine dask needs Dask ({problem.name} is missing): pip install 'renalai[dask]'"
        ) from problem
    return distributed
