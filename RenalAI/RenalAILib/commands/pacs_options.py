"""Options of every command that speaks to a PACS, and what they make."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..pacs.archive import Archive, Query
    from ..pacs.studies import PacsStudies

Options = argparse.ArgumentParser | argparse._ArgumentGroup


def add_query(parser: Options) -> None:
    """Which studies are looked for."""
    for name, told in (
        ("study", "Study Instance UID"),
        ("patient-id", "with * and ? as anything"),
        ("accession", "accession number"),
        ("date", "YYYYMMDD or YYYYMMDD-YYYYMMDD"),
        ("description", "study description, with * and ?"),
    ):
        parser.add_argument(f"--{name}", default="", help=told)


def add_connection(parser: Options) -> None:
    """How the PACS is spoken to. Passwords are no options: other users could read them."""
    parser.add_argument(
        "--login", action="store_true", help="ask for user and password (else: RENALAI_PACS_USER, _PASSWORD, _TOKEN)"
    )
    parser.add_argument("--ca", metavar="PEM", help="authorities to trust (default: the system's)")
    parser.add_argument("--cert", metavar="PEM", help="client certificate")
    parser.add_argument("--key", metavar="PEM", help="its key")
    parser.add_argument("--aet", default="RENALAI", help="this client's name in DIMSE (default: RENALAI)")
    parser.add_argument("--attempts", type=int, default=6, metavar="N", help="while the PACS fails (default: 6)")


def archive_of(given_address: str, arguments: argparse.Namespace) -> Archive:
    """The PACS of that address. Raises InputError."""
    from ..pacs.address import DimseAddress, Security, parse_address
    from ..pacs.credentials import credentials

    address = parse_address(given_address)
    security = Security(*(Path(path) if path else None for path in (arguments.ca, arguments.cert, arguments.key)))
    given = credentials(arguments.login)
    if isinstance(address, DimseAddress):
        from ..pacs.dimse import DimseArchive

        if given:
            raise InputError("DIMSE knows no passwords; --cert and --key with dimses:// say who one is")
        return DimseArchive(address, arguments.aet, security)
    from ..pacs.dicomweb import DicomWebArchive

    return DicomWebArchive(address, given, security)


def query_of(arguments: argparse.Namespace) -> Query:
    """What :func:`add_query` asked for."""
    from ..pacs.archive import Query

    return Query(arguments.study, arguments.patient_id, arguments.accession, arguments.date, arguments.description)


def pacs_studies(archive: Archive, arguments: argparse.Namespace, *, send: bool) -> PacsStudies:
    """The PACS as what a batch gets its CTs from. Raises InputError where its results could not be written."""
    from ..dicom.installed import highdicom
    from ..pacs.retrying import Patience
    from ..pacs.studies import PacsStudies

    highdicom()  # told now, not after the first study
    patience = Patience(arguments.attempts)
    return PacsStudies(archive, patience, Path(arguments.output), send=send, keep=arguments.keep)


@contextmanager
def sentence() -> Iterator[None]:
    """A PACS that fails is told like bad input: in one sentence."""
    from ..batch.supply import SupplyError

    try:
        yield
    except SupplyError as problem:
        raise InputError(str(problem)) from problem
