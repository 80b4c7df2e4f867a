"""Pseudonyms: names of patients and cases that stay the same, and that the dataset's folder alone cannot undo.

HMAC-SHA-256 (RFC 2104) with a secret of this user. The secret never lies in a dataset: who has the folder alone cannot
even test whether a known patient is in it; who has the secret can, and gets the same pseudonym for the same patient in
every dataset.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from RenalAILib.bundle_store import user_folder
from RenalAILib.errors import InputError

KEY_FILE = "pseudonyms.key"
_KEY_BYTES = 32
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
    def of_user(cls, dataset: Path) -> Pseudonyms:
        """Those of this user; the secret is drawn on first use.

        Args:
            dataset: the folder that the names are for, which must not hold the secret.

        Raises:
            InputError: the secret would lie in the dataset, is damaged, or cannot be written.
        """
        path = user_folder().expanduser().resolve() / KEY_FILE
        if path.is_relative_to(dataset.expanduser().resolve()):
            raise InputError(f"{path} holds the secret of the pseudonyms and may not lie in the dataset {dataset}")
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

    def _letters(self, *parts: str) -> str:
        message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return base64.b32encode(hmac.new(self._key, message, hashlib.sha256).digest()).decode("ascii").lower()


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
