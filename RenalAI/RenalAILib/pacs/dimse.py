"""DIMSE: C-FIND, C-GET and C-STORE (PS3.4 C and B). C-GET rather than C-MOVE: nobody has to be let in here."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InputError
from .address import DimseAddress, Security
from .archive import PacsError, Query, SeriesEntry, StudyEntry, checked_uid

_LOOK_S = 10.0
_PENDING = (0xFF00, 0xFF01)
_OUT_OF_RESOURCES = 0xA7
_WARNINGS = (0xB000, 0xB006, 0xB007)  # stored, with something changed or left out


class DimseArchive:
    """A PACS that speaks the classic protocol.

    Args:
        address: of the PACS.
        own_aet: the name by which the PACS knows this client.
        security: TLS files, for ``dimses://``.
        timeout_s: without an answer.

    Raises:
        InputError: pynetdicom is not installed.
    """

    def __init__(
        self, address: DimseAddress, own_aet: str = "RENALAI", security: Security | None = None, timeout_s: float = 60.0
    ) -> None:
        try:
            import pynetdicom  # noqa: F401
        except ModuleNotFoundError as problem:
            raise InputError(f"the PACS needs {problem.name}: pip install 'renalai[pacs]'") from problem
        self._address, self._own_aet, self._timeout_s = address, own_aet, timeout_s
        self._security = security or Security()
        self._name = f"{address.aet} at {address.host}:{address.port}"

    def find(self, query: Query) -> list[StudyEntry]:
        asked = self._dataset("STUDY")
        asked.StudyInstanceUID, asked.PatientID = query.study_uid, query.patient_id
        asked.AccessionNumber, asked.StudyDate = query.accession, query.date
        asked.StudyDescription, asked.ModalitiesInStudy = query.description, query.modality
        return [
            StudyEntry(
                uid=str(found.get("StudyInstanceUID", "")),
                date=str(found.get("StudyDate", "") or ""),
                description=str(found.get("StudyDescription", "") or ""),
                patient_id=str(found.get("PatientID", "") or ""),
                accession=str(found.get("AccessionNumber", "") or ""),
            )
            for found in self._find(asked)
        ]

    def series(self, study_uid: str) -> list[SeriesEntry]:
        asked = self._dataset("SERIES")
        asked.StudyInstanceUID, asked.SeriesInstanceUID = study_uid, ""
        asked.Modality, asked.SeriesDescription, asked.NumberOfSeriesRelatedInstances = "", "", ""
        return [
            SeriesEntry(
                uid=str(found.get("SeriesInstanceUID", "")),
                modality=str(found.get("Modality", "") or ""),
                description=str(found.get("SeriesDescription", "") or ""),
                instances=int(found.get("NumberOfSeriesRelatedInstances") or 0)
                or len(self._instances(study_uid, str(found.SeriesInstanceUID))),
            )
            for found in self._find(asked)
        ]

    def fetch(self, study_uid: str, series_uid: str, folder: Path) -> int:
        from pynetdicom import AE, build_role, evt, sop_class

        received = 0

        def take(event: Any) -> int:
            nonlocal received
            data = event.dataset
            data.file_meta = event.file_meta
            data.save_as(folder / f"{checked_uid(str(data.SOPInstanceUID))}.dcm", enforce_file_format=True)
            received += 1
            return 0x0000

        asked = self._dataset("SERIES")
        asked.StudyInstanceUID, asked.SeriesInstanceUID = study_uid, series_uid
        entity = AE(ae_title=self._own_aet)
        entity.add_requested_context(sop_class.StudyRootQueryRetrieveInformationModelGet)  # type: ignore[attr-defined]
        kinds = (sop_class.CTImageStorage, sop_class.EnhancedCTImageStorage)  # type: ignore[attr-defined]
        for kind in kinds:
            entity.add_requested_context(kind)
        roles = [build_role(kind, scp_role=True) for kind in kinds]
        model = sop_class.StudyRootQueryRetrieveInformationModelGet  # type: ignore[attr-defined]
        with self._associated(entity, roles=roles, handlers=[(evt.EVT_C_STORE, take)]) as association:
            for status, _ in association.send_c_get(asked, model):
                self._check(status, "the series")
                failed = int(status.get("NumberOfFailedSuboperations") or 0)
                if failed:
                    raise PacsError(f"{self._name} could not send {failed} instances", passing=True)
        return received

    def present(self, study_uid: str, series_uid: str, instance_uids: Collection[str]) -> set[str]:
        return self._instances(study_uid, series_uid) & set(instance_uids)

    def store(self, files: Sequence[Path]) -> None:
        import pydicom
        from pynetdicom import AE

        entity = AE(ae_title=self._own_aet)
        metas = [pydicom.filereader.read_file_meta_info(path) for path in files]
        for kind, syntax in sorted({(m.MediaStorageSOPClassUID, m.TransferSyntaxUID) for m in metas}):
            entity.add_requested_context(kind, syntax)
        with self._associated(entity) as association:
            for path in files:
                try:
                    status = association.send_c_store(path)
                except ValueError as problem:  # the PACS accepted no such context
                    raise PacsError(f"{self._name} takes no {path.name}: {problem}", passing=False) from problem
                self._check(status, path.name)

    def _instances(self, study_uid: str, series_uid: str) -> set[str]:
        asked = self._dataset("IMAGE")
        asked.StudyInstanceUID, asked.SeriesInstanceUID, asked.SOPInstanceUID = study_uid, series_uid, ""
        return {str(found.SOPInstanceUID) for found in self._find(asked)}

    def _find(self, asked: Any) -> list[Any]:
        from pynetdicom import AE, sop_class

        model = sop_class.StudyRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]
        entity = AE(ae_title=self._own_aet)
        entity.add_requested_context(model)
        found = []
        with self._associated(entity) as association:
            for status, data in association.send_c_find(asked, model):
                self._check(status, "the query")
                if status.Status in _PENDING:
                    found.append(data)
        return found

    @staticmethod
    def _dataset(level: str) -> Any:
        from pydicom.dataset import Dataset

        data = Dataset()
        data.QueryRetrieveLevel = level
        return data

    def _check(self, status: Any, what: str) -> None:
        if "Status" not in status:  # no answer: broken off, or out of time
            raise PacsError(f"{self._name} broke off at {what}", passing=True)
        code = int(status.Status)
        if code not in (0x0000, *_PENDING, *_WARNINGS):
            message = f"{self._name} refused {what} (status {code:#06x})"
            raise PacsError(message, passing=code >> 8 == _OUT_OF_RESOURCES)

    @contextmanager
    def _associated(
        self, entity: Any, roles: Sequence[Any] = (), handlers: Sequence[tuple[Any, Any]] = ()
    ) -> Iterator[Any]:
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = self._timeout_s
        entity.connection_timeout = self._timeout_s
        address = self._address
        association = entity.associate(
            address.host,
            address.port,
            ae_title=address.aet,
            ext_neg=list(roles),
            evt_handlers=list(handlers),
            tls_args=(self._security.context(), address.host) if address.tls else None,
        )
        if not association.is_established:
            if association.is_rejected:
                raise PacsError(f"{self._name} does not let {self._own_aet} in", passing=False)
            untrusted = self._distrust() if address.tls else None
            raise PacsError(f"{self._name} {untrusted or 'does not answer'}", passing=untrusted is None)
        try:
            yield association
        finally:
            if association.is_established:
                association.release()

    def _distrust(self) -> str | None:
        """Which side does not trust the other, asked by a handshake of our own: the library does not tell."""
        place = (self._address.host, self._address.port)
        try:
            with (
                socket.create_connection(place, _LOOK_S) as plain,
                self._security.context().wrap_socket(plain, server_hostname=self._address.host) as secured,
            ):
                secured.settimeout(_LOOK_S)
                secured.recv(1)  # TLS 1.3 tells a client that it is refused only after the handshake
        except ssl.SSLCertVerificationError as problem:
            return f"is not trusted: certificate verify failed: {problem.verify_message}"
        except ssl.SSLError:
            has = "refuses this client's certificate" if self._security.certificate else "wants a client certificate"
            return f"{has} (--cert and --key), or speaks no TLS"
        except OSError:
            return None
        return None
