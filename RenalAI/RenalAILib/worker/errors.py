"""How a job can end other than well."""

from __future__ import annotations


class WorkerError(RuntimeError):
    """The worker crashed, was killed, or met a fault of the program.

    Attributes:
        cause: the most likely cause and the next step, in plain words; also the exception's own text.
        log: the last lines of the worker, for a bug report.
    """

    def __init__(self, cause: str, log: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.log = log


class CancelledError(RuntimeError):
    """The user cancelled the job."""
