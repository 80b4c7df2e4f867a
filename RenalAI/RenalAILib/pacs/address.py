"""Address: where a PACS is and how it wants to be spoken to. Never who one is: credentials are not part of it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import InputError

_DIMSE = re.compile(r"dimse(?P<tls>s?)://(?P<aet>[^@/]{1,16})@(?P<host>\[[^\]]+\]|[^:/@]+):(?P<port>\d+)/?")
_LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


@dataclass(frozen=True)
class Security:
    """Files of TLS; paths, no secrets.

    Attributes:
        authorities: PEM file of the authorities that are trusted; None for the system's.
        certificate, key: PEM files by which this client shows who it is, where the PACS asks for it.
    """

    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        for path in (self.authorities, self.certificate, self.key):
            if path is not None and not path.is_file():
                raise InputError(f"{path} does not exist")
        if (self.certificate is None) != (self.key is None):
            raise InputError("a client certificate needs its key: give --cert and --key together")
        if self.authorities or self.certificate:
            self.context()  # what is wrong with a file is told now, in a sentence

    def context(self) -> ssl.SSLContext:
        """For TLS connections to a PACS, whose certificate and name are checked.

        Raises:
            InputError: a file holds no such thing, or the key is locked by a password.
        """
        try:
            context = ssl.create_default_context(
                ssl.Purpose.SERVER_AUTH, cafile=str(self.authorities) if self.authorities else None
            )
        except (ssl.SSLError, OSError) as problem:
            raise InputError(f"{self.authorities} holds no certificates in PEM format") from problem
        if self.certificate:
            try:
                context.load_cert_chain(self.certificate, self.key, password=self._locked)
            except (ssl.SSLError, OSError) as problem:
                both = f"{self.certificate} and {self.key}"
                raise InputError(f"{both} are no certificate and key in PEM format that belong together") from problem
        return context

    def _locked(self) -> str:
        raise InputError(f"{self.key} is locked by a password; RenalAI needs one that only its file's owner may read")


@dataclass(frozen=True)
class WebAddress:
    """DICOMweb (PS3.18).

    Attributes:
        url: without a slash at its end.
    """

    url: str

    @property
    def private(self) -> bool:
        """Whether nobody on the way can read along."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or parts.hostname in _LOOPBACK


@dataclass(frozen=True)
class DimseAddress:
    """The classic network protocol (PS3.7, PS3.8); with ``tls`` secured (PS3.15 B)."""

    aet: str
    host: str
    port: int
    tls: bool = False


def parse_address(text: str) -> WebAddress | DimseAddress:
    """``https://host/dicom-web`` (or http), or ``dimse://AET@host:port`` (with TLS ``dimses://``).

    Example:
        >>> parse_address("dimse://PACS@archive.example:11112")
        DimseAddress(aet='PACS', host='archive.example', port=11112, tls=False)

    Raises:
        InputError: it is neither, or holds a password.
    """
    parts = urlsplit(text)
    if parts.scheme in ("http", "https") and parts.hostname:
        if parts.username is not None or parts.password is not None or parts.query:
            raise InputError(
                "the PACS's address holds credentials or a query, which other users of this computer could read;"
                " set RENALAI_PACS_USER and RENALAI_PACS_PASSWORD (or RENALAI_PACS_TOKEN), or use --login"
            )
        return WebAddress(text.rstrip("/"))
    match = _DIMSE.fullmatch(text)
    if match is None:
        raise InputError(f"{text} is no PACS's address: https://HOST/PATH or dimse://AET@HOST:PORT is expected")
    return DimseAddress(match["aet"], match["host"].strip("[]"), int(match["port"]), bool(match["tls"]))
