"""pacs: studies found in a PACS, fetched, segmented, and their results sent back."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .console import console
from .segment import add_device, add_weights

if TYPE_CHECKING:
    from ..pacs.archive import Archive, Query
    from ..pacs.rounds import Ended, Round

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
                _add_query(one)
            if word in ("get", "segment", "watch"):
                one.add_argument("-o", "--output", metavar="OUT", required=True, help="folder for what comes")
            if word in ("segment", "watch"):
                add_weights(one)
                add_device(one)
                one.add_argument("--no-send", action="store_true", help="leave the PACS as it is")
                one.add_argument("--keep", action="store_true", help="keep the fetched CTs")
            if word == "watch":
                one.add_argument("--every", type=float, default=60.0, metavar="S", help="seconds between looks (60)")
                one.add_argument("--looks", type=int, metavar="N", help="end after so many (default: never)")
            _add_connection(one)

    def run(self, arguments: argparse.Namespace) -> int:
        from ..pacs.archive import PacsError

        try:
            return _DO[arguments.pacs_word](arguments, _archive(arguments))
        except PacsError as problem:
            raise InputError(str(problem)) from problem


def _add_query(parser: argparse.ArgumentParser) -> None:
    for name, told in (
        ("study", "Study Instance UID"),
        ("patient-id", "with * and ? as anything"),
        ("accession", "accession number"),
        ("date", "YYYYMMDD or YYYYMMDD-YYYYMMDD"),
        ("description", "study description, with * and ?"),
    ):
        parser.add_argument(f"--{name}", default="", help=told)


def _add_connection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--login", action="store_true", help="ask for user and password (else: RENALAI_PACS_USER, _PASSWORD, _TOKEN)"
    )
    parser.add_argument("--ca", metavar="PEM", help="authorities to trust (default: the system's)")
    parser.add_argument("--cert", metavar="PEM", help="client certificate")
    parser.add_argument("--key", metavar="PEM", help="its key")
    parser.add_argument("--aet", default="RENALAI", help="this client's name in DIMSE (default: RENALAI)")
    parser.add_argument("--attempts", type=int, default=6, metavar="N", help="while the PACS fails (default: 6)")


def _archive(arguments: argparse.Namespace) -> Archive:
    from ..pacs.address import DimseAddress, Security, parse_address
    from ..pacs.credentials import credentials

    address = parse_address(arguments.address)
    security = Security(*(Path(path) if path else None for path in (arguments.ca, arguments.cert, arguments.key)))
    given = credentials(arguments.login)
    if isinstance(address, DimseAddress):
        from ..pacs.dimse import DimseArchive

        if given:
            raise InputError("DIMSE knows no passwords; --cert and --key with dimses:// say who one is")
        return DimseArchive(address, arguments.aet, security)
    from ..pacs.dicomweb import DicomWebArchive

    return DicomWebArchive(address, given, security)


def _query(arguments: argparse.Namespace) -> Query:
    from ..pacs.archive import Query

    return Query(arguments.study, arguments.patient_id, arguments.accession, arguments.date, arguments.description)


def _find(arguments: argparse.Namespace, archive: Archive) -> int:
    from rich.table import Table

    from ..pacs.retrying import Patience

    found = Patience(arguments.attempts)(lambda: archive.find(_query(arguments)))
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
    found = patience(lambda: archive.find(_query(arguments)))
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
    from ..pacs.retrying import Patience
    from ..pacs.rounds import opened, segment_studies

    patience = Patience(arguments.attempts)
    with opened(archive, _round(arguments), patience) as desk:
        ended = segment_studies(desk, archive, _query(arguments), patience, _told)
    failed = sum(one.reason is not None for one in ended)
    console().print(f"{len(ended) - failed} done, {failed} failed; results: {Path(arguments.output) / 'results'}")
    return 0


def _watch(arguments: argparse.Namespace, archive: Archive) -> int:
    from ..pacs.retrying import Patience
    from ..pacs.rounds import opened, watch

    looks = 0

    def wait() -> bool:
        nonlocal looks
        looks += 1
        if arguments.looks is not None and looks >= arguments.looks:
            return False
        time.sleep(arguments.every)
        return True

    patience = Patience(arguments.attempts)
    with opened(archive, _round(arguments), patience) as desk:
        watch(desk, archive, _query(arguments), patience, _told, wait)
    return 0


def _round(arguments: argparse.Namespace) -> Round:
    from ..bundle_store import load_bundle
    from ..dicom.installed import highdicom
    from ..pacs.rounds import Round

    highdicom()  # told now, not after the first study
    return Round(
        Path(arguments.output).expanduser(),
        load_bundle(arguments.bundle),
        arguments.fast,
        arguments.device,
        send=not arguments.no_send,
        keep=arguments.keep,
    )


def _told(ended: Ended | str) -> None:
    if isinstance(ended, str):
        print(f"{time.strftime('%H:%M:%S')} {ended}", file=sys.stderr, flush=True)
    else:
        words = f"failed. {ended.reason}" if ended.reason else f"done, {ended.sent} sent, {ended.there} were there"
        print(f"{time.strftime('%H:%M:%S')} {ended.study_uid}: {words}", flush=True)


_DO = {"find": _find, "get": _get, "segment": _segment, "send": _send, "watch": _watch}

command = Pacs()
