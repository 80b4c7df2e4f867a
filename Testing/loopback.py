"""Loopback: tests reach this computer and no other.

Python tells an audit hook (PEP 578) before it connects or asks for a name, whoever calls; what native code or another
process does is not seen.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

_OWN_NAMES = {"", "localhost", "ip6-localhost", socket.gethostname(), socket.getfqdn()}
attempts: list[str] = []
"""What was tried since this list was last cleared: code may have caught the error that it got."""


def guard() -> None:
    """From here on to the end of the process nothing else is reached."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo" and not _own(arguments[0]):
        _refuse(f"asked for the address of {arguments[0]}")
    elif event == "socket.connect":
        connecting, address = arguments
        # A datagram socket sends nothing when it connects: programs learn their own address that way.
        stream = connecting.type & socket.SOCK_STREAM == socket.SOCK_STREAM and isinstance(address, tuple)
        if stream and not _own(address[0]):
            _refuse(f"connected to {address[0]}")


def _own(host: object) -> bool:
    if host is None:
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name.lower() in {own.lower() for own in _OWN_NAMES}
    return address.is_loopback or address.is_unspecified or name in _own_addresses()


def _own_addresses() -> set[str]:
    try:
        import psutil
    except ImportError:  # it comes with Dask, the only one that speaks to itself by another address
        return set()
    return {entry.address.partition("%")[0] for entries in psutil.net_if_addrs().values() for entry in entries}


def _refuse(what: str) -> None:
    attempts.append(what)
    raise OSError(f"a test {what}; tests reach no other computer")
