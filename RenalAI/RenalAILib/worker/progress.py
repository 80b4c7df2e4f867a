"""Progress: where a job stands, and its line on the worker's standard output."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

DONE = "done"
FAILED = "failed"


@dataclass(frozen=True)
class Progress:
    """One step of a job.

    Attributes:
        stage: ``read``, ``locate``, ``delineate``, ``characterise``, ``write``, ...; ``done`` and ``failed`` end a job.
        fraction: share of the whole job that is finished, 0 to 1.
        message: words for a log; with ``failed`` the sentence to show.
        exit_code: only with ``failed``: 2 bad input, 1 a fault of the program.

    Example:
        >>> Progress("locate", 0.25, "coarse grid").line()
        '{"stage": "locate", "fraction": 0.25, "message": "coarse grid"}'
        >>> Progress.parse('{"stage": "locate", "fraction": 0.25, "message": ""}').fraction
        0.25
    """

    stage: str
    fraction: float
    message: str = ""
    exit_code: int = 0

    def line(self) -> str:
        """The JSON line, without its end of line."""
        fields = asdict(self)
        if self.exit_code == 0:
            del fields["exit_code"]
        return json.dumps(fields)

    @classmethod
    def parse(cls, line: str) -> Progress | None:
        """The progress in a line, or None for a line that is something else (a library that prints)."""
        try:
            fields = json.loads(line)
            return cls(
                str(fields["stage"]), float(fields["fraction"]), str(fields["message"]), int(fields.get("exit_code", 0))
            )
        except (ValueError, KeyError, TypeError):
            return None

    @property
    def ends(self) -> bool:
        """Whether the job is over with this step."""
        return self.stage in (DONE, FAILED)
