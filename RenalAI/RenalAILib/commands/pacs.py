"""pacs: studies found in a PACS, fetched, segmented, and their results sent back."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .console import console
from .pacs_options import add_connection, add_query, archive_of, pacs_studies, query_of, sentence
from .segment import add_device, add_phases, add_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..batch.pace import Pace
    from ..batch.sources import Found
    from ..pacs.archive import Archive
    from ..pacs.studies import PacsStudies
    from ..study.task import StudyRecord

_WORDS = {
    "find": "list the studies that match",
    "get": "fetch their CT series",
    "segment": "fetch, segment and send segmentation, measurements and Grad-CAM back",
    "send": "send DICOM files, or those of a result folder",
    "watch": "look for new CTs and segment each once, until stopped",
}


class Pacs:
    """``renalai pacs find|get|segment|send|watch``."""

    help = "find, fetch, segment and send studies of a PACS (DICOMweb or DIMSE)"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        words = parser.add_subparsers(dest="pacs_word", required=True, metavar="|".join(_WORDS))
        for word, told in _WORDS.items():
            one = words.add_parser(word, help=told, description=told)
            one.add_argument("address", metavar="PACS", help="https://HOST/dicom-web, or dimse://AET@HOST:PORT")
            if word == "send":
                one.add_argument("files", nargs="+", metavar="FILE", help="DICOM files, or folders that hold some")
            else:
                add_query(one)
            if word in ("get", "segment", "watch"):
                one.add_argument("-o", "--output", metavar="OUT", required=True, help="folder for what comes")
            if word in ("segment", "watch"):
                add_weights(one)
                add_device(one)
                add_phases(one)
                one.add_argument("--no-send", action="store_true", help="leave the PACS as it is")
                one.add_argument("--keep", action="store_true", help="keep the fetched CTs")
                one.add_argument("--retry", action="store_true", help="try failed studies again")
            if word == "watch":
                one.add_argument("--every", type=float, default=60.0, metavar="S", help="seconds between looks (60)")
                one.add_argument("--looks", type=int, metavar="N", help="end after so many (default: never)")
            add_connection(one)

    def run(self, arguments: argparse.Namespace) -> int:
        with sentence():
            return _DO[arguments.pacs_word](arguments, archive_of(arguments.address, arguments))


def _find(arguments: argparse.Namespace, archive: Archive) -> int:
    from rich.table import Table

    from ..pacs.retrying import Patience

    found = Patience(arguments.attempts)(lambda: archive.find(query_of(arguments)))
    table = Table("date", "description", "patient ID", "accession")
    table.add_column("study", overflow="fold")
    for entry in found:
        table.add_row(entry.date, entry.description, entry.patient_id, entry.accession, entry.uid)
    console().print(table)
    console().print("1 study" if len(found) == 1 else f"{len(found)} studies")
    return 0


def _get(arguments: argparse.Namespace, archive: Archive) -> int:
    from ..pacs.exchange import fetch_study
    from ..pacs.retrying import Patience

    patience = Patience(arguments.attempts)
    found = patience(lambda: archive.find(query_of(arguments)))
    if not found:
        raise InputError("no study matches")
    for entry in found:
        series = fetch_study(archive, entry.uid, Path(arguments.output) / entry.uid, patience)
        images = sum(one.instances for one in series)
        console().print(f"{entry.uid}: {len(series)} series, {images} images")
    return 0


def _send(arguments: argparse.Namespace, archive: Archive) -> int:
    from ..pacs.exchange import result_files, send_files
    from ..pacs.retrying import Patience

    files: list[Path] = []
    for given in map(Path, arguments.files):
        files += result_files(given) if given.is_dir() else [given]
    if not files:
        raise InputError(f"{arguments.files[0]} holds no DICOM objects (renalai segment --dicom writes them)")
    done = send_files(archive, files, Patience(arguments.attempts))
    console().print(f"{len(done.sent)} sent, {len(done.there)} were there")
    return 0


def _segment(arguments: argparse.Namespace, archive: Archive) -> int:
    studies = pacs_studies(archive, arguments, send=not arguments.no_send)
    count = _batch(arguments, studies, studies.find(query_of(arguments)))
    console().print(f"{count.done} done, {count.failed} failed; results: {Path(arguments.output) / 'results'}")
    return 0


def _watch(arguments: argparse.Namespace, archive: Archive) -> int:
    from ..pacs.studies import watch

    looks = 0

    def wait() -> bool:
        nonlocal looks
        looks += 1
        if arguments.looks is not None and looks >= arguments.looks:
            return False
        time.sleep(arguments.every)
        return True

    def told(words: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)

    studies = pacs_studies(archive, arguments, send=not arguments.no_send)
    watch(studies, query_of(arguments), lambda ready: _batch(arguments, studies, ready), told, wait)
    return 0


def _batch(arguments: argparse.Namespace, studies: PacsStudies, found: Sequence[Found]) -> Pace:
    """Runs the batch of these studies, a line each; how many were done and failed."""
    from ..batch.processes import Processes
    from ..batch.running import Plan, run_batch
    from ..bundles.store import load_bundle

    output = Path(arguments.output).expanduser()
    plan = Plan(
        found,
        output,
        load_bundle(arguments.bundle),
        fast=arguments.fast,
        device=arguments.device,
        dicom=True,
        phases=arguments.phases,
        retry=arguments.retry,
        supply=studies,
    )
    last: list[Pace] = []

    def told(pace: Pace, ended: StudyRecord | None) -> None:
        last[:] = [pace]
        if ended is not None:
            words = f"done, {ended.sent} sent, {ended.there} were there" if ended.done else f"failed. {ended.reason}"
            print(f"{time.strftime('%H:%M:%S')} {ended.name}: {words}", flush=True)

    run_batch(plan, Processes(), told)
    return last[0]


_DO = {"find": _find, "get": _get, "segment": _segment, "send": _send, "watch": _watch}

command = Pacs()
