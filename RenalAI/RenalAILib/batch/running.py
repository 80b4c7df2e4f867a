"""Running: what is not done yet is done, and every end is on disk before the next begins to count."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..bundle import Bundle
from ..errors import InputError
from ..studytask.content import stamp
from ..studytask.task import StudyRecord, StudyTask, Weights
from .manifest import Manifest
from .pace import Pace
from .processes import Execution
from .sources import Found, part

MANIFESTS = "manifest-*.jsonl"
MOST_STARTS = 5


@dataclass(frozen=True)
class Plan:
    """What a batch is to do.

    Attributes:
        studies: all of them, also those of other parts.
        output: the batch's folder, shared by all parts.
        bundle: verified.
        number, parts: this process does the ``number``-th (from 0) of ``parts``.
        retry: failed studies are tried again, though nothing about them has changed.
    """

    studies: Sequence[Found]
    output: Path
    bundle: Bundle
    fast: bool = False
    device: str = "auto"
    dicom: bool = False
    number: int = 0
    parts: int = 1
    retry: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.parts:
            raise InputError(f"--part-id counts from 0 to {self.parts - 1}, got {self.number}")

    @property
    def manifest(self) -> Path:
        return self.output / f"manifest-{self.number}-of-{self.parts}.jsonl"

    def tasks(self) -> Iterator[StudyTask]:
        """The tasks of this part, by name."""
        weights = Weights(str(self.bundle.folder), self.bundle.sha256, self.fast, self.device)
        output = str(self.output.expanduser().resolve())
        for study in part(self.studies, self.number, self.parts):
            second = str(study.second_phase) if study.second_phase else None
            yield StudyTask(study.name, str(study.source), output, weights, study.series, second, self.dicom)


def run_batch(plan: Plan, execution: Execution, told: Callable[[Pace, StudyRecord | None], None]) -> list[StudyRecord]:
    """Does what this part of the batch has not done yet.

    Args:
        plan: of the batch.
        execution: who does it.
        told: called at the beginning, and with each study that ended.

    Returns:
        the records of all studies of this part, by name.

    Raises:
        InputError: the output belongs to something else, or another process works on this part.
    """
    _check_output(plan)
    about = {"bundle": plan.bundle.name, "sha256": plan.bundle.sha256, "part": plan.number, "parts": plan.parts}
    tasks = {task.name: task for task in plan.tasks()}
    with Manifest(plan.manifest, about) as manifest:
        _sweep(plan.output / "results", tasks)
        given_up = [name for name in tasks if manifest.starts[name] >= MOST_STARTS and not plan.retry]
        for name in given_up:
            reason = f"it was begun {MOST_STARTS} times and the whole batch died each time; --retry tries it again"
            manifest.ended(StudyRecord(name, _wish(tasks[name]), reason=reason, fault=True))
        waiting = [task for task in tasks.values() if _is_open(task, manifest.records.get(task.name), plan.retry)]
        pace = Pace(len(tasks), before=len(tasks) - len(waiting))
        told(pace, None)
        under_way: set[str] = set()

        def begun(name: str) -> None:
            under_way.add(name)
            manifest.begun(name)

        try:
            for record in execution.run(waiting, begun):
                ended = record if record.wish else replace(record, wish=_wish(tasks[record.name]))
                manifest.ended(ended)
                under_way.discard(ended.name)
                pace.done += ended.done
                pace.failed += not ended.done
                told(pace, ended)
        except KeyboardInterrupt:
            manifest.interrupted(under_way)
            _sweep(plan.output / "results", tasks)
            raise
        _sweep(plan.output / "results", tasks)  # of workers that died while others went on
        return [manifest.records[name] for name in tasks]


def _is_open(task: StudyTask, record: StudyRecord | None, retry: bool) -> bool:
    """Whether there is something to do: nothing known, or known about other files, weights or options."""
    if record is None or record.wish != _wish(task):
        return True
    return retry if not record.done else not (Path(task.output, record.folder or "") / "findings.json").is_file()


def _wish(task: StudyTask) -> str:
    try:
        return task.key(stamp(*task.sources))
    except InputError:
        return task.key("missing")


def _check_output(plan: Plan) -> None:
    """Makes the batch's folder; one that holds something else is refused."""
    output = plan.output
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; the output must be a folder")
    if output.is_dir() and any(output.iterdir()) and not any(output.glob(MANIFESTS)):
        raise InputError(f"{output} holds files but no batch; give a new or an empty folder")
    output.mkdir(parents=True, exist_ok=True)
    for name in ("results", "logs"):
        (output / name).mkdir(exist_ok=True)


def _sweep(results: Path, tasks: dict[str, StudyTask]) -> None:
    """What a killed run of this part left half-written; other parts may be writing theirs at this moment."""
    for path in results.glob(".*.unfinished"):
        name = path.name[1:].rsplit(".", 2)[0].rpartition("-")[0]
        if name in tasks:
            shutil.rmtree(path, ignore_errors=True)
