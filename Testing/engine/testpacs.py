"""A real PACS for tests: Orthanc with its DICOMweb plugin on loopback, a fresh one each time."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pytest
import requests

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "ward", "corre\u00e7t horse battery"
PATIENT_S = 120.0
"""Of a busy machine no answer comes sooner."""
ABSENT = "Orthanc with its DICOMweb plugin is not installed (Debian: apt install orthanc orthanc-dicomweb)"


class Orthanc:
    """A running server.

    Args:
        folder: for its configuration and storage.
        secured: with a user and a password, and behind TLS with a certificate by ``folder/authority.pem``. The TLS
            ends in a proxy, as in front of many a PACS: Debian's Orthanc 1.10.1 crashes at its own TLS handshakes.
        dicom_port: for DIMSE; only inside a private network, for Orthanc listens on every interface there.
        authority: who vouches for server and clients: DIMSE goes over TLS then, and the TLS proxy of DICOMweb asks for
            a certificate.
    """

    def __init__(
        self,
        folder: Path,
        *,
        secured: bool = False,
        dicom_port: int | None = None,
        authority: Authority | None = None,
    ) -> None:
        if shutil.which("Orthanc") is None or not PLUGIN.is_file():
            pytest.skip(ABSENT)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.secured = folder, secured
        self.port = 0
        self._proxy: TlsProxy | None = None
        self._configuration = {
            "Name": secrets.token_hex(8), "StorageDirectory": "db", "IndexDirectory": "db",
            "HttpServerEnabled": True, "RemoteAccessAllowed": False,
            "AuthenticationEnabled": secured, "RegisteredUsers": {USER: PASSWORD},
            "DicomServerEnabled": dicom_port is not None, "DicomAet": "ORTHANC", "DicomPort": dicom_port or 4242,
            "DicomModalities": {"us": ["RENALAI", "127.0.0.1", 104]},
            "Plugins": [str(PLUGIN)], "OverwriteInstances": True,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True, "Ssl": False,
                         "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
        }  # fmt: skip
        asked = authority.pem if authority else None
        if secured or authority:
            authority = authority or Authority(folder)
            server, key = authority.certificate("server")
            self._configuration |= {
                "DicomTlsEnabled": dicom_port is not None,
                "DicomTlsCertificate": str(server), "DicomTlsPrivateKey": str(key),
                "DicomTlsTrustedCertificates": str(authority.pem),
            }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self.session = requests.Session()
        self.session.trust_env = False
        if secured:
            self.session.auth = (USER.encode(), PASSWORD.encode())  # type: ignore[assignment]
            self._proxy = TlsProxy(server, key, lambda: self.port, asked)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self._proxy.root if self._proxy else self.root}/dicom-web"

    def start(self) -> Self:
        """Again after `stop`: where it was. The first time on a port that was free when it was looked for; where
        somebody took it meanwhile, on another."""
        for _ in range(1 if self.port else 5):
            self._process = self._launched(self.port or free_port())
            if self._process is not None:
                return self
        raise RuntimeError((self.folder / "orthanc.log").read_text(encoding="utf-8", errors="replace")[-2000:])

    def _launched(self, port: int) -> subprocess.Popen[bytes] | None:
        """The process as soon as it answers; None where it ended by itself."""
        content = json.dumps(self._configuration | {"HttpPort": port})
        (self.folder / "orthanc.json").write_text(content, encoding="utf-8")
        with (self.folder / "orthanc.log").open("ab") as log:
            process = subprocess.Popen(["Orthanc", "orthanc.json"], cwd=self.folder, stdout=log, stderr=log)
        end = time.monotonic() + 200
        while process.poll() is None and time.monotonic() < end:
            with suppress(requests.RequestException):
                answer = self.session.get(f"http://127.0.0.1:{port}/system", timeout=20)
                answer.raise_for_status()
                if answer.json()["Name"] == self._configuration["Name"]:  # not of another one on the same port
                    self.port = port
                    return process
            time.sleep(0.1)
        process.kill()
        process.wait()
        return None

    def stop(self, *, kill: bool = False) -> None:
        if self._process is not None:
            self._process.kill() if kill else self._process.terminate()
            try:
                self._process.wait(60)
            finally:
                self._process.kill()
                self._process = None

    def get(self, path: str) -> Any:
        """JSON of Orthanc's own interface, which is no DICOMweb."""
        answer = self.session.get(f"{self.root}/{path}", timeout=PATIENT_S)
        answer.raise_for_status()
        return answer.json()

    def upload(self, path: Path) -> None:
        """A DICOM file, past DICOMweb."""
        self.session.post(f"{self.root}/instances", data=path.read_bytes(), timeout=PATIENT_S).raise_for_status()

    def download(self, instance: str) -> bytes:
        answer = self.session.get(f"{self.root}/instances/{instance}/file", timeout=PATIENT_S)
        answer.raise_for_status()
        return answer.content

    def series(self) -> dict[str, list[str]]:
        """Instances by modality."""
        found: dict[str, list[str]] = {}
        for one in self.get("series?expand"):
            found.setdefault(one["MainDicomTags"]["Modality"], []).extend(one["Instances"])
        return found


class Authority:
    """An authority for certificates of a test, made by openssl: ``folder/authority.pem``."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed, which makes the test PACS's certificates")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name, self.pem = folder, name, folder / f"{name}.pem"
        self._openssl("-x509", "-keyout", f"{name}-key.pem", "-out", f"{name}.pem", "-subj", f"/CN={name}")

    def certificate(self, name: str) -> tuple[Path, Path]:
        """Of 127.0.0.1, by this authority; and its key."""
        self._openssl(
            "-x509", "-CA", f"{self._name}.pem", "-CAkey", f"{self._name}-key.pem", "-keyout", f"{name}-key.pem",
            "-out", f"{name}.pem", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE",
        )  # fmt: skip
        return self._folder / f"{name}.pem", self._folder / f"{name}-key.pem"

    def _openssl(self, *words: str) -> None:
        start = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        subprocess.run([*start, *words], cwd=self._folder, check=True, capture_output=True)


class TlsProxy:
    """Takes TLS connections on loopback and passes their bytes on to a port, for as long as the tests run.

    Args:
        certificate, key: of the server.
        port: says where the bytes go.
        clients: file of the authority that a client's certificate must be from; None where everybody may come.
    """

    def __init__(self, certificate: Path, key: Path, port: Callable[[], int], clients: Path | None = None) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients is not None:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        listening = socket.create_server(("127.0.0.1", 0))
        self.root = f"https://127.0.0.1:{listening.getsockname()[1]}"
        threading.Thread(target=self._accept, args=(listening, context, port), daemon=True).start()

    def _accept(self, listening: socket.socket, context: ssl.SSLContext, port: Callable[[], int]) -> None:
        while True:
            plain, _ = listening.accept()
            threading.Thread(target=self._serve, args=(plain, context, port()), daemon=True).start()

    def _serve(self, plain: socket.socket, context: ssl.SSLContext, port: int) -> None:
        with (
            suppress(OSError),
            context.wrap_socket(plain, server_side=True) as client,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            client.settimeout(0.005)  # one thread per connection: an SSL socket may not be read and written by two
            server.settimeout(0.005)
            while self._pass_on(client, server) and self._pass_on(server, client):
                pass

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> bool:
        try:
            received = source.recv(1 << 16)
        except TimeoutError:
            return True
        target.settimeout(PATIENT_S)
        target.sendall(received)
        target.settimeout(0.005)
        return bool(received)


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[Orthanc]:
    """A PACS for the time of a block."""
    pacs = Orthanc(folder, **options).start()
    try:
        yield pacs
    finally:
        pacs.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
