"""Running: what is not done yet is done, and every end is on disk before the next begins to count."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..bundles.bundle import Bundle
from ..errors import InputError
from ..study.task import StudyRecord, StudyTask, Weights
from .manifest import Manifest
from .pace import Pace
from .processes import Execution
from .sources import Found, part
from .supply import Files, Supply, SupplyError

MANIFESTS = "manifest-*.jsonl"
MOST_STARTS = 5
MOST_TROUBLES = 3
"""Studies in a row that the supply fails for: then it is the supply that is down, and not a study that is odd."""
Told = Callable[[Pace, StudyRecord | None], None]


@dataclass(frozen=True)
class Plan:
    """What a batch is to do.

    Attributes:
        studies: all of them, also those of other parts.
        output: the batch's folder, shared by all parts.
        bundle: verified.
        fast, device, dicom, phases: as of one study (:func:`RenalAILib.study.segmenting.segment_study`).
        number, parts: this process does the ``number``-th (from 0) of ``parts``.
        retry: failed studies are tried again, though nothing about them has changed.
        supply: who brings the CTs and takes the results.
    """

    studies: Sequence[Found]
    output: Path
    bundle: Bundle
    fast: bool = False
    device: str = "auto"
    dicom: bool = False
    phases: bool = False
    number: int = 0
    parts: int = 1
    retry: bool = False
    supply: Supply = field(default_factory=Files)

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
            options = (study.series, second, self.dicom, self.phases)
            yield StudyTask(study.name, str(study.source), output, weights, *options)


def run_batch(plan: Plan, execution: Execution, told: Told) -> list[StudyRecord]:
    """Does what this part of the batch has not done yet.

    Args:
        plan: of the batch.
        execution: who does it.
        told: called at the beginning, and with each study that ended.

    Returns:
        the records of all studies of this part, by name.

    Raises:
        InputError: the output belongs to something else, or another process works on this part.
        SupplyError: what the CTs come from failed; all that could be done is done, the rest is as open as before.
    """
    _check_output(plan)
    about = {"bundle": plan.bundle.name, "sha256": plan.bundle.sha256, "part": plan.number, "parts": plan.parts}
    tasks = {task.name: task for task in plan.tasks()}
    with Manifest(plan.manifest, about) as manifest:
        _sweep(plan.output / "results", tasks)
        given_up = [name for name in tasks if manifest.starts[name] >= MOST_STARTS and not plan.retry]
        for name in given_up:
            reason = f"it was begun {MOST_STARTS} times and the whole batch died each time; --retry tries it again"
            manifest.ended(StudyRecord(name, plan.supply.wish(tasks[name]), reason=reason, fault=True))
        waiting = [task for task in tasks.values() if _is_open(plan, task, manifest.records.get(task.name))]
        pace = Pace(len(tasks), before=len(tasks) - len(waiting))
        told(pace, None)
        run = _Run(plan.supply, tasks, manifest, pace, told)
        try:
            for record in execution.run(run.brought(waiting), run.begun):
                run.deliver(record)
        except (KeyboardInterrupt, SupplyError):
            manifest.interrupted(run.under_way)
            _sweep(plan.output / "results", tasks)
            raise
        _sweep(plan.output / "results", tasks)  # of workers that died while others went on
        run.raise_troubles()
        return [manifest.records[name] for name in tasks]


class _Run:
    """One study's way through a run: brought, begun, delivered, ended; or put aside, because the supply failed."""

    def __init__(self, supply: Supply, tasks: dict[str, StudyTask], manifest: Manifest, pace: Pace, told: Told) -> None:
        self._supply, self._tasks, self._manifest, self._pace, self._told = supply, tasks, manifest, pace, told
        self.under_way: set[str] = set()
        self._aside: list[SupplyError] = []
        self._in_a_row = 0

    def brought(self, waiting: Iterable[StudyTask]) -> Iterator[StudyTask]:
        """The tasks whose CTs are there, one by one: with the next one in hand while the last one is worked on."""
        for task in waiting:
            try:
                self._supply.bring(task)
            except InputError as problem:
                self._end(StudyRecord(task.name, self._supply.wish(task), reason=str(problem)))
            except SupplyError as problem:
                self._put_aside(problem)
            else:
                self._in_a_row = 0
                yield task

    def begun(self, name: str) -> None:
        self.under_way.add(name)
        self._manifest.begun(name)

    def deliver(self, record: StudyRecord) -> None:
        try:
            self._end(self._supply.deliver(self._tasks[record.name], record))
        except SupplyError as problem:
            self._manifest.interrupted([record.name])
            self.under_way.discard(record.name)
            self._put_aside(problem)

    def raise_troubles(self) -> None:
        """Where studies were put aside: a SupplyError that says so."""
        if self._aside:
            count = "1 study is" if len(self._aside) == 1 else f"{len(self._aside)} studies are"
            raise SupplyError(f"{self._aside[-1]}; {count} left for another start") from self._aside[-1]

    def _end(self, record: StudyRecord) -> None:
        self._manifest.ended(record)
        self.under_way.discard(record.name)
        self._pace.done += record.done
        self._pace.failed += not record.done
        self._told(self._pace, record)

    def _put_aside(self, problem: SupplyError) -> None:
        self._aside.append(problem)
        self._in_a_row += 1
        if self._in_a_row >= MOST_TROUBLES:
            raise problem


def _is_open(plan: Plan, task: StudyTask, record: StudyRecord | None) -> bool:
    """Whether there is something to do: nothing known, or known about other files, weights or options."""
    if record is None or record.wish != plan.supply.wish(task):
        return True
    if not record.done:
        return plan.retry
    return not (Path(task.output, record.folder or "") / "findings.json").is_file()


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
