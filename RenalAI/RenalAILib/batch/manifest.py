"""The manifest: what was begun and what became of it, on disk before the batch goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..study.task import StudyRecord
from .journal import Journal, read_journal

SCHEMA = "renalai.batch/1"


class Manifest:
    """An open manifest, a context manager.

    Args:
        path: of the file.
        about: what the batch is, for the first line of a new one.

    Attributes:
        records: the last record of each study.
        starts: how often a study was begun since it last ended, for studies that take the process with them.

    Raises:
        InputError: another process has it open, or it is no manifest.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self._journal = Journal(path, SCHEMA, about)
        self.records: dict[str, StudyRecord] = {}
        self.starts: Counter[str] = Counter()
        for event in self._journal.events:
            self._apply(event)
        self._journal.events.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._journal.close()

    def begun(self, name: str) -> None:
        """A study is being worked on from now."""
        self._add({"event": "begun", "study": name})

    def ended(self, record: StudyRecord) -> None:
        """A study is done or has failed; when this returns, it is on disk."""
        self._add({"event": "ended", "record": record.to_json()})

    def interrupted(self, names: Iterable[str]) -> None:
        """These studies were stopped from outside: their start does not count against them."""
        for name in names:
            self._add({"event": "interrupted", "study": name})

    def _add(self, event: dict[str, Any]) -> None:
        self._journal.append(event)
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "begun":
                self.starts[event["study"]] += 1
            case "interrupted":
                del self.starts[event["study"]]
            case "ended":
                record = StudyRecord(**event["record"])
                self.records[record.name] = record
                del self.starts[record.name]


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a manifest in order, also while another process writes it. Raises InputError."""
    return read_journal(path, SCHEMA)


def read_records(path: Path) -> dict[str, StudyRecord]:
    """The last record of each study, also while another process writes them. Raises InputError."""
    ended = (event for event in read_events(path) if event["event"] == "ended")
    return {record.name: record for event in ended if (record := StudyRecord(**event["record"]))}
