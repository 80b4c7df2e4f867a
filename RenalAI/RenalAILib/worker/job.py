"""A job: what travels to the worker in a folder, what is done there, and what comes back."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from ..errors import InputError
from ..steps import Report

SCHEMA = "renalai.job/1"
OUTPUT = "output"
_CLASSES = {
    "segment": ("segmenting", "SegmentJob"),
    "compare": ("comparing", "CompareJob"),
    "report": ("reporting", "ReportJob"),
    "dicom": ("dicom_writing", "DicomJob"),
    "check": ("checking", "CheckJob"),
    "page": ("page_printing", "PrintPageJob"),
    "study": ("study_job", "StudyJob"),
}

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Job(Protocol[Result_co]):
    """One task of the engine. The starter calls ``write`` and ``load``, the worker ``read`` and ``run``.

    Other packages bring their own: their ``task`` is ``package.module:Class``.
    """

    task: ClassVar[str]

    def write(self, folder: Path) -> dict[str, Any]:
        """Writes what is large into ``folder`` and returns the rest for the job file."""
        ...

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> Job[Result_co]:
        """The inverse of :meth:`write`."""
        ...

    def run(self, output: Path, report: Report) -> None:
        """Does the work and leaves the result files in ``output``. Raises InputError for bad input."""
        ...

    def load(self, output: Path) -> Result_co:
        """The result from its files, read into memory: the folder is removed afterwards."""
        ...


def write_job(job: Job[Any], folder: Path) -> Path:
    """Writes ``job.json`` (last, so that a half-written job is none) into ``folder`` and returns its path."""
    fields = {"schema": SCHEMA, "task": job.task, **job.write(folder)}
    path = folder / "job.json"
    path.write_text(json.dumps(fields, indent=1), encoding="utf-8")
    return path


def read_job(path: Path) -> Job[Any]:
    """The job in a job file.

    Raises:
        InputError: the file is missing, not a job, or names a task that this version does not know.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InputError(f"{path} is not a readable job file: {problem}") from problem
    if not isinstance(fields, dict) or fields.pop("schema", None) != SCHEMA:
        raise InputError(f"{path} is not a job file of schema {SCHEMA}")
    task = fields.pop("task", None)
    job_class = _job_class(task, path)
    try:
        return job_class.read(fields, path.parent)
    except (KeyError, TypeError, ValueError, OSError) as problem:
        raise InputError(f"{path} is not a complete {task} job: {problem}") from problem


def _job_class(task: Any, path: Path) -> type[Job[Any]]:
    if isinstance(task, str) and ":" in task:
        module, _, name = task.partition(":")
    elif task in _CLASSES:
        module, name = f"{__package__}.{_CLASSES[task][0]}", _CLASSES[task][1]
    else:
        raise InputError(f"{path} asks for the task {task!r}; known are {', '.join(_CLASSES)}")
    try:
        found: type[Job[Any]] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as problem:
        raise InputError(f"{path} asks for the task {task}, which is not installed ({problem})") from problem
    return found
