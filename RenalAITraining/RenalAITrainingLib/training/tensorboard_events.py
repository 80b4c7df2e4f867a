"""Scalars in the files that TensorBoard draws, written without it: ``tensorboard --logdir RUN`` is all it takes.

A file is a row of records; a record is a length, the message, and a checksum of each (TFRecord). The messages are
protocol buffers of which only five fields are needed, so no library is asked for:

``Event {1: wall_time (double), 2: step (varint), 3: file_version (text), 5: Summary {1: Value {1: tag, 2: float}}}``
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from pathlib import Path

FILE = "events.out.tfevents.renalai"
_VERSION = b"brain.Event:2"
_POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5  # wire types


class ScalarEvents:
    """One file of scalars in ``folder``; an older one is replaced.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     events = ScalarEvents(Path(folder))
        ...     events.write(10, {"train/loss": 0.5})
        ...     events.close()
        ...     b"train/loss" in events.path.read_bytes()
        True
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE
        first = _field(1, _DOUBLE, struct.pack("<d", time.time())) + _field(3, _BYTES, _VERSION)
        self.path.write_bytes(_record(first))
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115  # one line after another until `close`

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Append the values of one step. Raises OSError."""
        summary = b"".join(
            _field(1, _BYTES, _field(1, _BYTES, tag.encode()) + _field(2, _FLOAT, struct.pack("<f", value)))
            for tag, value in values.items()
        )
        event = _field(1, _DOUBLE, struct.pack("<d", time.time())) + _field(2, _VARINT, _varint(step))
        self._file.write(_record(event + _field(5, _BYTES, summary)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _record(message: bytes) -> bytes:
    length = struct.pack("<Q", len(message))
    return length + struct.pack("<I", _masked_crc(length)) + message + struct.pack("<I", _masked_crc(message))


def _field(number: int, wire: int, content: bytes) -> bytes:
    key = _varint(number << 3 | wire)
    return key + _varint(len(content)) + content if wire == _BYTES else key + content


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def crc32c(content: bytes) -> int:
    """The checksum of Castagnoli.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def _masked_crc(content: bytes) -> int:
    """As TFRecord has it: rotated and offset, so that data which hold checksums are no trap."""
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
