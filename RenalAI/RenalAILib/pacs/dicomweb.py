"""DICOMweb: QIDO-RS finds, WADO-RS fetches, STOW-RS stores (PS3.18)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InputError
from .address import Security, WebAddress
from .archive import PacsError, Query, SeriesEntry, StudyEntry, checked_uid
from .credentials import Credentials, check_private

_STATUS_WORDS = {401: "wants other credentials", 403: "forbids it", 404: "does not know that"}
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_ATTRIBUTES = {
    "study_uid": "StudyInstanceUID", "patient_id": "PatientID", "accession": "AccessionNumber", "date": "StudyDate",
    "description": "StudyDescription", "modality": "ModalitiesInStudy",
}  # fmt: skip


class DicomWebArchive:
    """A PACS behind a URL.

    Args:
        address: of its DICOMweb root.
        given: the credentials; they stay in the session.
        security: TLS files.
        timeout_s: without a byte from the server.

    Raises:
        InputError: the packages are not installed, or a password would travel in the open.
    """

    def __init__(
        self, address: WebAddress, given: Credentials, security: Security | None = None, timeout_s: float = 60.0
    ) -> None:
        check_private(address, given)
        try:
            import requests
            from dicomweb_client import DICOMwebClient
        except ModuleNotFoundError as problem:
            raise InputError(f"the PACS needs {problem.name}: pip install 'renalai[pacs]'") from problem
        session = requests.Session()
        session.trust_env = False  # no password from a netrc file that nobody thought of, no proxy for patients' images
        if given.token:
            session.headers["Authorization"] = f"Bearer {given.token}"
        elif given.user:
            # As bytes: UTF-8, where requests would take text for Latin-1.
            session.auth = (given.user.encode(), given.password.encode())  # type: ignore[assignment]
        security = security or Security()
        if security.authorities:
            session.verify = str(security.authorities)
        if security.certificate and security.key:
            session.cert = (str(security.certificate), str(security.key))
        self._client = DICOMwebClient(address.url, session=session, timeout=timeout_s)
        self._client.set_http_retry_params(retry=False)  # who calls us waits, see retrying.py
        self._name = address.url

    def find(self, query: Query) -> list[StudyEntry]:
        filters = {name: value for field, name in _ATTRIBUTES.items() if (value := getattr(query, field))}
        fields = ["StudyDescription", "StudyDate", "PatientID", "AccessionNumber"]
        found = self._all(
            lambda offset: self._client.search_for_studies(search_filters=filters, fields=fields, offset=offset),
            "0020000D",
        )
        return [
            StudyEntry(
                uid=_text(entry, "0020000D"),
                date=_text(entry, "00080020"),
                description=_text(entry, "00081030"),
                patient_id=_text(entry, "00100020"),
                accession=_text(entry, "00080050"),
            )
            for entry in found
        ]

    def series(self, study_uid: str) -> list[SeriesEntry]:
        fields = ["NumberOfSeriesRelatedInstances", "SeriesDescription", "Modality"]
        found = self._all(
            lambda offset: self._client.search_for_series(study_uid, fields=fields, offset=offset), "0020000E"
        )
        return [
            SeriesEntry(
                uid=_text(entry, "0020000E"),
                modality=_text(entry, "00080060"),
                description=_text(entry, "0008103E"),
                instances=int(_text(entry, "00201209") or 0),
            )
            for entry in found
        ]

    def fetch(self, study_uid: str, series_uid: str, folder: Path) -> int:
        count = 0
        with self._told():
            for data in self._client.iter_series(study_uid, series_uid):  # one at a time: memory stays flat
                data.save_as(folder / f"{checked_uid(str(data.SOPInstanceUID))}.dcm", enforce_file_format=True)
                count += 1
        return count

    def present(self, study_uid: str, series_uid: str, instance_uids: Collection[str]) -> set[str]:
        found = self._all(
            lambda offset: self._client.search_for_instances(study_uid, series_uid, offset=offset), "00080018"
        )
        return {_text(entry, "00080018") for entry in found} & set(instance_uids)

    def store(self, files: Sequence[Path]) -> None:
        import pydicom

        for path in files:
            data = pydicom.dcmread(path)
            data.preamble = b"\0" * 128  # without it the library sends no DICM mark, and the PACS keeps a damaged file
            with self._told():
                answer = self._client.store_instances([data])
            failed: list[Any] = list(answer.get("FailedSOPSequence") or ())  # Orthanc always sends it, mostly empty
            if failed:
                reason = int(failed[0].get("FailureReason") or 0)
                # A700 to A7FF: out of resources (PS3.18 table I.2-2), which may pass.
                message = f"{self._name} did not take {path.name} (failure reason {reason:#06x})"
                raise PacsError(message, passing=reason >> 8 == 0xA7)

    def _all(self, search: Callable[[int], list[dict[str, Any]]], tag: str) -> list[dict[str, Any]]:
        """All pages of a search, by the UID under ``tag``.

        The library's own way asks until a page is empty, and so without end where a server (Orthanc 1.10) does not
        know offsets and answers the same again.
        """
        found: dict[str, dict[str, Any]] = {}
        while True:
            with self._told():
                page = search(len(found))
            new = {_text(entry, tag): entry for entry in page if _text(entry, tag) not in found}
            if not new:
                return list(found.values())
            found.update(new)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the library as ours, without its words: they hold the query, and so a patient's ID."""
        import requests

        try:
            yield
        except requests.exceptions.SSLError as problem:
            reason = re.search(r"certificate verify failed: [^(]*", str(problem))
            if reason:
                raise PacsError(f"{self._name} is not trusted: {reason.group().strip()}", passing=False) from None
            words = "makes no secure connection, or wants another client certificate (--cert and --key)"
            raise PacsError(f"{self._name} {words}", passing=False) from None
        except requests.HTTPError as problem:
            status = problem.response.status_code if problem.response is not None else 0
            words = _STATUS_WORDS.get(status, "answered with an error")
            message = f"{self._name} {words} (HTTP {status})"
            raise PacsError(message, passing=status in _PASSING) from None
        except (requests.RequestException, OSError) as problem:
            raise PacsError(f"{self._name} does not answer ({type(problem).__name__})", passing=True) from None
        except (ValueError, EOFError) as problem:  # a body that broke off
            raise PacsError(f"{self._name} sent what is no DICOM ({type(problem).__name__})", passing=True) from None


def _text(entry: dict[str, Any], tag: str) -> str:
    """The first value of DICOM JSON (PS3.18 F) as text."""
    values = entry.get(tag, {}).get("Value") or [""]
    return str(values[0])
