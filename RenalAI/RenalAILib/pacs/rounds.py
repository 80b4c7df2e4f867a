"""Rounds: studies of a PACS fetched, segmented and sent back, each once, in an order that any crash may interrupt."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..batch.journal import Journal
from ..batch.processes import do_in
from ..bundle import Bundle
from ..errors import InputError
from ..studytask.task import StudyRecord, StudyTask, Weights
from ..worker.client import Worker
from .archive import Archive, PacsError, Query
from .exchange import fetch_study, result_files, send_files
from .retrying import Patience

SCHEMA = "renalai.pacs/1"
JOURNAL = "pacs.jsonl"


@dataclass(frozen=True)
class Round:
    """What is done with the studies of a PACS.

    Attributes:
        output: folder for the results, the journal, and the CTs while they are worked on.
        bundle: verified.
        send: whether the DICOM objects go back to the PACS.
        keep: whether the fetched CTs stay.
    """

    output: Path
    bundle: Bundle
    fast: bool = False
    device: str = "auto"
    send: bool = True
    keep: bool = False

    def task(self, study_uid: str, ct: Path) -> StudyTask:
        weights = Weights(str(self.bundle.folder), self.bundle.sha256, self.fast, self.device)
        return StudyTask(study_uid, str(ct), str(self.output.resolve()), weights, dicom=True)


@dataclass(frozen=True)
class Ended:
    """What became of one study: ``sent`` objects now, ``there`` before; or why not."""

    study_uid: str
    sent: int = 0
    there: int = 0
    reason: str | None = None


class Desk:
    """Works on studies and knows which ones are finished; one process at a time for an output.

    Nothing is sent twice and nothing lost, because every step can be done again without harm: a series is fetched
    whole or not at all, a result is found by its key, an object that the PACS has is not sent. The journal says only
    what need not be looked at any more, and is written after the PACS has shown that it has the objects.

    Raises:
        InputError: another process works there.
    """

    def __init__(self, archive: Archive, what: Round, patience: Patience, worker: Worker) -> None:
        self._archive, self._what, self._patience, self._worker = archive, what, patience, worker
        self._journal = Journal(what.output / JOURNAL, SCHEMA, {"bundle": what.bundle.sha256})
        self._finished: dict[str, str] = {}
        for event in self._journal.events:
            if event["event"] == "finished":
                self._finished[event["study"]] = event["state"]

    def close(self) -> None:
        """Ends the engine's process and gives the output free."""
        self._worker.close()
        self._journal.close()

    def state_of(self, study_uid: str) -> str:
        """Tells the state of a study's CT in the PACS; another one when images come. Raises PacsError."""
        found = self._patience(lambda: self._archive.series(study_uid))
        told = sorted(f"{entry.uid}:{entry.instances}" for entry in found if entry.modality == "CT")
        return " ".join([self._what.bundle.sha256, str(self._what.fast), str(self._what.send), *told])

    def is_finished(self, study_uid: str, state: str) -> bool:
        """Whether this state of the study was dealt with, well or not."""
        return self._finished.get(study_uid) == state

    def work_on(self, study_uid: str, state: str) -> Ended:
        """Fetch, segment, send, note. What fails for the moment is not noted, and so comes again.

        Raises:
            PacsError: the PACS failed and went on failing; the study is as open as before.
        """
        ct = self._what.output / "fetched" / study_uid
        try:
            fetch_study(self._archive, study_uid, ct, self._patience)
            record = do_in(self._worker, self._what.task(study_uid, ct))
            if record.fault:  # perhaps this computer's: a later start tries again, this one does not
                self._finished[study_uid] = state
                return Ended(study_uid, reason=record.reason)
            ended = self._sent(study_uid, record)
        except InputError as problem:
            ended = Ended(study_uid, reason=str(problem))
        except PacsError as problem:
            if problem.passing:
                raise
            ended = Ended(study_uid, reason=str(problem))
        self._journal.append(
            {"event": "finished", "study": study_uid, "state": state, "sent": ended.sent, "reason": ended.reason}
        )
        self._finished[study_uid] = state
        if not self._what.keep:
            shutil.rmtree(ct, ignore_errors=True)
        return ended

    def _sent(self, study_uid: str, record: StudyRecord) -> Ended:
        if record.folder is None:
            return Ended(study_uid, reason=record.reason)
        if not self._what.send:
            return Ended(study_uid)
        done = send_files(self._archive, result_files(self._what.output / record.folder), self._patience)
        return Ended(study_uid, len(done.sent), len(done.there))


@contextmanager
def opened(archive: Archive, what: Round, patience: Patience) -> Iterator[Desk]:
    """A desk with an engine process of its own, closed at the end."""
    what.output.mkdir(parents=True, exist_ok=True)
    desk = Desk(archive, what, patience, Worker())
    try:
        yield desk
    finally:
        desk.close()


def segment_studies(
    desk: Desk, archive: Archive, query: Query, patience: Patience, told: Callable[[Ended], None]
) -> list[Ended]:
    """Every study that matches and is not finished, one after the other. Raises PacsError."""
    ended = []
    for entry in patience(lambda: archive.find(query)):
        state = desk.state_of(entry.uid)
        if not desk.is_finished(entry.uid, state):
            ended.append(desk.work_on(entry.uid, state))
            told(ended[-1])
    return ended


def watch(
    desk: Desk,
    archive: Archive,
    query: Query,
    patience: Patience,
    told: Callable[[Ended | str], None],
    wait: Callable[[], bool],
) -> None:
    """Looks again and again and takes each new CT once, when it has stopped growing from one look to the next.

    Args:
        desk, archive, query, patience: as for :func:`segment_studies`.
        told: of each study that ended, and of troubles with the PACS, which end nothing.
        wait: waits until the next look; False ends the watch.
    """
    seen: dict[str, str] = {}
    going = True
    while going:
        try:
            for entry in patience(lambda: archive.find(query)):
                state = desk.state_of(entry.uid)
                if desk.is_finished(entry.uid, state):
                    continue
                if seen.get(entry.uid) != state:
                    seen[entry.uid] = state
                    continue
                told(desk.work_on(entry.uid, state))
        except PacsError as problem:
            told(f"{problem}; the next look will try again")
        going = wait()
