"""batch: many CTs, one after the other or side by side, and a page about all of them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .console import console
from .segment import add_device, add_weights

if TYPE_CHECKING:
    from ..batch.pace import Pace
    from ..batch.processes import Execution
    from ..studytask.task import StudyRecord

    Told = Callable[[Pace, StudyRecord | None], None]

_EVERY_S = 10.0  # between lines where there is no terminal
_PRINTED = 10


class Batch:
    """``renalai batch run|report``."""

    help = "segment a folder or a list of CTs; stopped at any moment it goes on where it was"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        words = parser.add_subparsers(dest="batch_word", required=True, metavar="run|report")
        run = words.add_parser("run", help="do what is not done yet; the same command again goes on")
        run.add_argument("source", metavar="SOURCE", help="a folder, or a .csv with the columns ct, study, series, ...")
        run.add_argument("-o", "--output", metavar="OUT", required=True, help="folder for the batch")
        run.add_argument(
            "--pattern", metavar="GLOB", help="which files or folders of SOURCE, such as '*/imaging.nii.gz'"
        )
        add_weights(run)
        add_device(run)
        run.add_argument("--dicom", action="store_true", help="also write DICOM objects (every CT must be DICOM)")
        run.add_argument("--jobs", type=int, default=1, metavar="N", help="studies at a time here (default: 1)")
        run.add_argument("--num-parts", type=int, default=1, metavar="N", help="of a job array (default: 1)")
        run.add_argument("--part-id", type=int, default=0, metavar="I", help="this job's part, from 0")
        run.add_argument("--retry", action="store_true", help="try failed studies again")
        run.add_argument(
            "--engine", choices=("local", "dask"), default="local", help="who does the work (default: local)"
        )
        run.add_argument(
            "--scheduler", metavar="ADDRESS", help="with --engine dask: a running one, such as tcp://head:8786"
        )
        report = words.add_parser("report", help="(re)write the cohort's table and page, also while a batch runs")
        report.add_argument("output", metavar="OUT", help="folder of the batch")

    def run(self, arguments: argparse.Namespace) -> int:
        from ..batch.cohort_page import write_cohort

        output = Path(arguments.output).expanduser()
        if arguments.batch_word == "run":
            _run(arguments, output)
        page, rows = write_cohort(output)
        out = console()
        failed = [row for row in rows if not row.record.done]
        out.print(f"{len(rows) - len(failed)} done, {len(failed)} failed")
        for row in failed[:_PRINTED]:
            out.print(f"Failed: {row.record.name}. {row.record.reason}")
        if len(failed) > _PRINTED:
            out.print(f"... and {len(failed) - _PRINTED} more")
        out.print(f"\nCohort: {page}")
        return 0


def _run(arguments: argparse.Namespace, output: Path) -> None:
    from ..batch.running import Plan, run_batch
    from ..batch.sources import find_studies
    from ..bundle_store import load_bundle

    plan = Plan(
        find_studies(Path(arguments.source), arguments.pattern),
        output,
        load_bundle(arguments.bundle),
        fast=arguments.fast,
        device=arguments.device,
        dicom=arguments.dicom,
        number=arguments.part_id,
        parts=arguments.num_parts,
        retry=arguments.retry,
    )
    with _shown() as told:
        run_batch(plan, _execution(arguments), told)


def _execution(arguments: argparse.Namespace) -> Execution:
    from ..batch.processes import Processes
    from ..errors import InputError

    if arguments.engine == "local":
        if arguments.scheduler:
            raise InputError("--scheduler needs --engine dask")
        return Processes(arguments.jobs)
    from ..batch.on_dask import DaskCluster

    return DaskCluster(arguments.scheduler, workers=arguments.jobs)


@contextmanager
def _shown() -> Iterator[Told]:
    """A bar at a terminal; elsewhere a line every few seconds and for each failure."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(BarColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def told(pace: Pace, ended: StudyRecord | None) -> None:
            bar.update(task, completed=pace.share, description=pace.line())
            if ended is not None and not ended.done:
                bar.console.print(f"Failed: {ended.name}. {ended.reason}", markup=False)

        yield told


class _Lines:
    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, pace: Pace, ended: StudyRecord | None) -> None:
        if ended is not None and not ended.done:
            print(f"Failed: {ended.name}. {ended.reason}", flush=True)
        if pace.left == 0 or time.monotonic() - self._last >= _EVERY_S:
            self._last = time.monotonic()
            print(pace.line(), flush=True)


command = Batch()
