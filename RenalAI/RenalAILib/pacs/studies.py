"""Studies of a PACS as a batch: fetched, segmented, sent back, each once, in an order that a crash may interrupt."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..batch.sources import Found
from ..batch.supply import SupplyError
from ..errors import InputError
from ..study.task import StudyRecord, StudyTask
from .archive import Archive, PacsError, Query
from .exchange import Sent, fetch_study, result_files, send_files
from .retrying import Patience


class PacsStudies:
    """A :class:`~RenalAILib.batch.supply.Supply`: brings CTs from a PACS and results to it.

    Nothing is sent twice and nothing lost, because every step can be done again without harm: a series is fetched
    whole or not at all, a result is found by its key, an object that the PACS has is not sent. The batch's manifest
    says only what need not be looked at any more, and is written after the PACS has shown that it has the objects.

    The PACS is spoken to by the process that runs the batch and by no other: whoever segments sees files.

    Args:
        archive: the PACS.
        patience: while it fails.
        output: the batch's folder; CTs lie in ``fetched/`` there while they are worked on.
        send: whether the DICOM objects go back to the PACS.
        keep: whether the fetched CTs stay.
    """

    def __init__(self, archive: Archive, patience: Patience, output: Path, *, send: bool, keep: bool = False) -> None:
        self._archive, self._patience, self._send, self._keep = archive, patience, send, keep
        self._fetched = output.expanduser().resolve() / "fetched"
        self._states: dict[str, str] = {}

    def find(self, query: Query) -> list[Found]:
        """The studies that match, by UID, which is also their name in the batch. Raises PacsError."""
        uids = {entry.uid for entry in self._patience(lambda: self._archive.find(query))}
        return [Found(uid, self._fetched / uid) for uid in sorted(uids)]

    def state_of(self, study_uid: str) -> str:
        """Tells the state of a study's CT in the PACS now; another one when images come. Raises PacsError."""
        found = self._patience(lambda: self._archive.series(study_uid))
        told = sorted(f"{entry.uid}:{entry.instances}" for entry in found if entry.modality == "CT")
        self._states[study_uid] = " ".join(told)
        return self._states[study_uid]

    def wish(self, task: StudyTask) -> str:
        try:
            state = self._states.get(task.name)
            return task.key(f"pacs {self._send} {self.state_of(task.name) if state is None else state}")
        except PacsError as problem:
            if problem.passing:
                raise
            return task.key("missing")

    def bring(self, task: StudyTask) -> None:
        try:
            self.state_of(task.name)  # before the images: of what comes in between, the next start will know
            fetch_study(self._archive, task.name, Path(task.source), self._patience)
        except PacsError as problem:
            if problem.passing:
                raise
            self._clear(task)
            raise InputError(str(problem)) from problem

    def deliver(self, task: StudyTask, record: StudyRecord) -> StudyRecord:
        record = replace(record, wish=self.wish(task))
        try:
            if self._send and record.folder is not None:
                done = self._sent(Path(task.output, record.folder))
                record = replace(record, sent=len(done.sent), there=len(done.there))
        except InputError as problem:
            record = replace(record, folder=None, reason=str(problem))
        except PacsError as problem:
            if problem.passing:
                raise
            record = replace(record, folder=None, reason=str(problem))
        self._clear(task)
        return record

    def _sent(self, result: Path) -> Sent:
        return send_files(self._archive, result_files(result), self._patience)

    def _clear(self, task: StudyTask) -> None:
        if not self._keep:
            shutil.rmtree(task.source, ignore_errors=True)


def watch(
    studies: PacsStudies,
    query: Query,
    begin: Callable[[Sequence[Found]], object],
    told: Callable[[str], None],
    wait: Callable[[], bool],
) -> None:
    """Looks again and again and takes each new CT once, when it has stopped growing from one look to the next.

    Args:
        studies: of the PACS.
        query: which of them.
        begin: runs the batch for those that are ready; what is done already it knows from its manifest.
        told: of troubles with the PACS, which end nothing.
        wait: waits until the next look; False ends the watch.
    """
    seen: dict[str, str] = {}
    settled: dict[str, str] = {}
    going = True
    while going:
        try:
            ready = []
            for study in studies.find(query):
                try:
                    state = studies.state_of(study.name)
                except PacsError as problem:
                    if problem.passing:
                        raise
                    told(f"{study.name}: {problem}")  # this one alone
                    continue
                if seen.get(study.name) == state and settled.get(study.name) != state:
                    ready.append(study)
                seen[study.name] = state
            if ready:
                begin(ready)
                settled |= {study.name: seen[study.name] for study in ready}
        except SupplyError as problem:
            told(f"{problem}; the next look will try again")
        going = wait()
