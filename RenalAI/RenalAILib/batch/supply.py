"""Supply: where a batch's CTs come from and where its results go. Files lie there; a PACS has to be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from ..errors import InputError
from ..study.content import stamp
from ..study.task import StudyRecord, StudyTask


class SupplyError(Exception):
    """What the CTs come from fails for the moment: no study's fault. The same batch goes on later."""


class Supply(Protocol):
    """What is done with a study before and after it is segmented, by the process that runs the batch."""

    def wish(self, task: StudyTask) -> str:
        """The task's key with what the source holds now: while it stays the same there is nothing to do again.

        Raises SupplyError.
        """
        ...

    def bring(self, task: StudyTask) -> None:
        """Sees to it that the CT lies at ``task.source``, for whoever does the task.

        Raises:
            InputError: there is no such CT; the study has failed.
            SupplyError: not now.
        """
        ...

    def deliver(self, task: StudyTask, record: StudyRecord) -> StudyRecord:
        """Brings the result to where it belongs; returns the record to keep, with its wish. Raises SupplyError."""
        ...


class Files:
    """CTs and results on disks that whoever does the work sees too."""

    def wish(self, task: StudyTask) -> str:
        try:
            return task.key(stamp(*task.sources))
        except InputError:
            return task.key("missing")

    def bring(self, task: StudyTask) -> None:
        """It lies there; reading it will tell if not."""

    def deliver(self, task: StudyTask, record: StudyRecord) -> StudyRecord:
        return record if record.wish else replace(record, wish=self.wish(task))
