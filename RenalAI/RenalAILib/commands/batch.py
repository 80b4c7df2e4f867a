"""batch: many CTs, one after the other or side by side, and a page about all of them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .console import console
from .pacs_options import add_connection, add_query, archive_of, pacs_studies, query_of, sentence
from .segment import add_device, add_phases, add_weights

if TYPE_CHECKING:
    from ..batch.pace import Pace
    from ..batch.processes import Execution
    from ..batch.sources import Found
    from ..batch.supply import Supply
    from ..study.task import StudyRecord

    Told = Callable[[Pace, StudyRecord | None], None]

_EVERY_S = 10.0  # between lines where there is no terminal
_PRINTED = 10
_OF_PACS = ("study", "patient-id", "accession", "date", "description", "send", "keep", "login", "ca", "cert", "key")


class Batch:
    """``renalai batch run|report``."""

    help = "segment a folder, a list or a PACS's CTs; stopped at any moment it goes on where it was"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        words = parser.add_subparsers(dest="batch_word", required=True, metavar="run|report")
        run = words.add_parser("run", help="do what is not done yet; the same command again goes on")
        run.add_argument(
            "source", metavar="SOURCE", nargs="?", help="a folder, or a .csv with the columns ct, study, series, ..."
        )
        run.add_argument("-o", "--output", metavar="OUT", required=True, help="folder for the batch")
        run.add_argument(
            "--pattern", metavar="GLOB", help="which files or folders of SOURCE, such as '*/imaging.nii.gz'"
        )
        add_weights(run)
        add_device(run)
        run.add_argument("--dicom", action="store_true", help="also write DICOM objects (every CT must be DICOM)")
        add_phases(run)
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
        pacs = run.add_argument_group("studies of a PACS, in place of SOURCE")
        pacs.add_argument("--pacs", metavar="PACS", help="https://HOST/dicom-web, or dimse://AET@HOST:PORT")
        add_query(pacs)
        pacs.add_argument("--send", action="store_true", help="send the DICOM objects back to the PACS")
        pacs.add_argument("--keep", action="store_true", help="keep the fetched CTs")
        add_connection(pacs)
        report = words.add_parser("report", help="(re)write the cohort's table and page, also while a batch runs")
        report.add_argument("output", metavar="OUT", help="folder of the batch")

    def run(self, arguments: argparse.Namespace) -> int:
        from ..batch.cohort_page import write_cohort

        output = Path(arguments.output).expanduser()
        if arguments.batch_word == "run":
            with sentence():
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
    from ..bundles.store import load_bundle

    studies, supply = _of_pacs(arguments) if arguments.pacs else _of_files(arguments)
    plan = Plan(
        studies,
        output,
        load_bundle(arguments.bundle),
        fast=arguments.fast,
        device=arguments.device,
        dicom=arguments.dicom or bool(arguments.pacs),
        phases=arguments.phases,
        number=arguments.part_id,
        parts=arguments.num_parts,
        retry=arguments.retry,
        supply=supply,
    )
    with _shown() as told:
        run_batch(plan, _execution(arguments), told)


def _of_files(arguments: argparse.Namespace) -> tuple[list[Found], Supply]:
    from ..batch.sources import find_studies
    from ..batch.supply import Files

    if arguments.source is None:
        raise InputError("batch run needs a folder or a .csv file, or --pacs")
    asked = [name for name in _OF_PACS if getattr(arguments, name.replace("-", "_"))]
    if asked:
        raise InputError(f"--{asked[0]} needs --pacs")
    return find_studies(Path(arguments.source), arguments.pattern), Files()


def _of_pacs(arguments: argparse.Namespace) -> tuple[list[Found], Supply]:
    if arguments.source is not None or arguments.pattern:
        raise InputError("the studies are those of SOURCE or those of --pacs; give one of them")
    studies = pacs_studies(archive_of(arguments.pacs, arguments), arguments, send=arguments.send)
    found = studies.find(query_of(arguments))
    if not found:
        raise InputError("no study of the PACS matches")
    return found, studies


def _execution(arguments: argparse.Namespace) -> Execution:
    from ..batch.processes import Processes

    if arguments.engine == "local":
        if arguments.scheduler:
            raise InputError("--scheduler needs --engine dask")
        return Processes(arguments.jobs)
    from ..batch.on_dask import DaskCluster

    return DaskCluster(arguments.scheduler, workers=arguments.jobs, device=arguments.device)


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
