"""Credentials: from the environment or typed in without being shown; they are never printed, written or passed on."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass, field

from ..errors import InputError
from .address import WebAddress

USER, PASSWORD, TOKEN = "RENALAI_PACS_USER", "RENALAI_PACS_PASSWORD", "RENALAI_PACS_TOKEN"


@dataclass(frozen=True)
class Credentials:
    """A user with a password, a bearer token, or nothing. ``repr`` shows none of it."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.user or self.token)


def credentials(login: bool) -> Credentials:
    """What the environment says; with ``login`` what is typed at the terminal.

    The variables leave this process' environment, so that no child inherits them and no crash report lists them.

    Raises:
        InputError: there is no terminal to ask at, or half of the credentials is missing.
    """
    user, password, token = (os.environ.pop(name, "") for name in (USER, PASSWORD, TOKEN))
    if login:
        if not sys.stdin.isatty():
            raise InputError(f"--login needs a terminal; elsewhere set {USER} and {PASSWORD}, or {TOKEN}")
        user = input("User of the PACS: ")
        password = getpass.getpass("Password: ")
    if bool(user) != bool(password):
        raise InputError(f"{USER} and {PASSWORD} belong together; one of them is not set")
    return Credentials(user, password, token)


def check_private(address: WebAddress, given: Credentials) -> None:
    """Raises InputError where a password would travel in the open."""
    if given and not address.private:
        raise InputError(f"{address.url} is not encrypted: credentials are sent over https only")
