"""Pseudonyms: names of patients and cases that stay the same, and that the folder they stand in cannot undo.

HMAC-SHA-256 (RFC 2104) with a secret of this user. The secret never lies in a dataset or among de-identified files:
who has the folder alone cannot even test whether a known patient is in it; who has the secret can, and gets the same
pseudonym for the same patient every time, in datasets and in DICOM alike.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import uuid
from contextlib import suppress
from pathlib import Path

from .bundles.store import user_folder
from .errors import InputError

KEY_FILE = "pseudonyms.key"
_KEY_BYTES = 32
_MOST_DAYS = 3650
_PATIENT_LETTERS, _SCAN_LETTERS = 10, 4  # 50 bits: one clash in 10^5 patients has a chance of 4 in a million


class Pseudonyms:
    """Names under one secret.

    Args:
        key: at least 16 bytes.

    Example:
        >>> one, other = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)
        >>> one.case("Doe^John", "portal") == one.case("Doe^John", "portal")
        True
        >>> one.patient("Doe^John") == other.patient("Doe^John")
        False
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("the secret of pseudonyms needs at least 16 bytes")
        self._key = key

    @classmethod
    def of_user(cls, folder: Path) -> Pseudonyms:
        """Those of this user; the secret is drawn on first use.

        Args:
            folder: what the names are for (a dataset, de-identified files), which must not hold the secret.

        Raises:
            InputError: the secret would lie in the folder, is damaged, or cannot be written.
        """
        path = user_folder().expanduser().resolve() / KEY_FILE
        if path.is_relative_to(folder.expanduser().resolve()):
            raise InputError(f"{path} holds the secret of the pseudonyms and may not lie in {folder}")
        try:
            if not path.exists():
                _draw(path)
            key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except OSError as problem:
            raise InputError(f"{path} cannot be used: {problem.strerror or problem}") from problem
        except ValueError as problem:
            raise InputError(f"{path} is damaged: the secret of the pseudonyms is 64 hexadecimal digits") from problem
        if len(key) != _KEY_BYTES:
            raise InputError(f"{path} is damaged: the secret of the pseudonyms is 64 hexadecimal digits")
        return cls(key)

    def patient(self, identity: str) -> str:
        """The pseudonym of a patient, from whatever names one: an ID, a folder's name."""
        return "p" + self._letters("patient", identity)[:_PATIENT_LETTERS]

    def case(self, identity: str, scan: str = "") -> str:
        """The name of one scan of a patient."""
        return f"{self.patient(identity)}-{self._letters('scan', identity, scan)[:_SCAN_LETTERS]}"

    def file(self, identity: str) -> str:
        """12 letters and digits for a study, a series or an instance, from its UID."""
        return self._letters("file", identity)[:12]

    def uid(self, original: str) -> str:
        """A UID in place of another (PS3.5 B.2: ``2.25`` and a UUID)."""
        return f"2.25.{uuid.UUID(bytes=self._digest('uid', original)[:16], version=4).int}"

    def days(self, identity: str) -> int:
        """By how many days the dates of a patient are moved: into the past, by up to ten years, never by none."""
        return -1 - int.from_bytes(self._digest("days", identity)[:8], "big") % _MOST_DAYS

    def _letters(self, *parts: str) -> str:
        return base64.b32encode(self._digest(*parts)).decode("ascii").lower()

    def _digest(self, *parts: str) -> bytes:
        message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return hmac.new(self._key, message, hashlib.sha256).digest()


def _draw(path: Path) -> None:
    """A new secret at ``path``, for this user only; another process may be quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(_KEY_BYTES) + "\n")
        with suppress(FileExistsError):
            _link(new, path)
    finally:
        new.unlink(missing_ok=True)


def _link(new: Path, path: Path) -> None:
    """``new`` under the name ``path``, which is never replaced."""
    try:
        os.link(new, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(str(path)) from None
        os.replace(new, path)
