"""A bundle for every Dask worker, also those that join later: the scheduler keeps it and hands it to each.

Imported only where Dask is used: it needs the package at file scope.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from distributed import Worker, WorkerPlugin

from ..bundles.bundle import CHECKSUMS, Bundle
from ..bundles.store import export_bundle, import_bundle, user_folder
from ..errors import InputError


class BundlePlugin(WorkerPlugin):
    """Brings a bundle to a worker when the worker starts, unless its machine has it.

    Args:
        bundle: verified.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.name = f"renalai-bundle-{bundle.sha256}"
        self._sha256 = bundle.sha256
        with tempfile.TemporaryDirectory(prefix="renalai-") as scratch:
            self._packed = export_bundle(bundle, Path(scratch) / "bundle.zip").read_bytes()

    def setup(self, worker: Worker) -> None:
        if kept_bundle(self._sha256) is None:
            unpack(self._sha256, self._packed)


def kept_bundle(sha256: str) -> Path | None:
    """Where this machine keeps the bundle of a checksum; None where it does not."""
    place = user_folder() / "ByChecksum" / sha256
    found = [path for path in place.glob("*/") if not path.name.startswith(".") and (path / CHECKSUMS).is_file()]
    return found[0] if found else None


def unpack(sha256: str, packed: bytes) -> Path:
    """Verifies the bytes of a zip file and keeps the bundle under its checksum.

    Raises:
        InputError: they are not the bundle of that checksum.
    """
    place = user_folder() / "ByChecksum" / sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".arriving-", dir=place.parent) as scratch:
        path = Path(scratch) / "bundle.zip"
        path.write_bytes(packed)
        bundle = import_bundle(path, Path(scratch) / "unpacked")
        if bundle.sha256 != sha256:
            raise InputError(f"the bundle {bundle.name} that arrived is not the one that was sent: its SHA-256 differs")
        try:
            (Path(scratch) / "unpacked").rename(place)
        except OSError:
            if kept_bundle(sha256) is None:  # else another worker of this machine was first
                raise
    return place / bundle.name
