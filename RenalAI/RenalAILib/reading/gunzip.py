"""Gunzip: the bytes of a file, gzipped or not, with truncation and damage told apart from a sound end."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from types import TracebackType

from ..errors import InputError
from .promise import check_promise, truncated

_MAGIC = b"\x1f\x8b"
_STEP = 1 << 24
_SLACK = 1 << 20  # bytes that may follow the voxels


class GunzipReader:
    """Reads a file from its start; never holds more than was asked for, so that a bomb stays small.

    Raises:
        OSError: the file cannot be opened.
        InputError: it is empty, ends too early, or its checksum does not match.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._file = path.open("rb")
        self._size = os.fstat(self._file.fileno()).st_size
        if self._size == 0:
            self._file.close()
            raise InputError(f"{self._name} is empty")
        self._gzipped = self._file.read(2) == _MAGIC
        self._file.seek(0)
        self._inflate = zlib.decompressobj(wbits=31)
        self._input = b""

    def __enter__(self) -> GunzipReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def expect(self, length: int) -> None:
        """Refuse before any memory is taken when the file cannot hold ``length`` bytes, or is a bomb."""
        check_promise(self._name, length, self._size, packed=self._gzipped)

    def read(self, count: int) -> bytes:
        """Up to ``count`` further bytes; fewer only at the end."""
        parts = []
        while count > 0 and (part := self._some(count)):
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_all(self, head: bytes, start: int, length: int) -> bytearray:
        """Bytes ``start`` to ``start + length`` of the file, of which ``head`` has been read, then its sound end."""
        data = bytearray(length)
        seen = head[start:]
        data[: len(seen)] = seen[:length]
        if start > len(head):
            self.read(start - len(head))
        filled = min(len(seen), length)
        while filled < length and (part := self._some(length - filled)):
            data[filled : filled + len(part)] = part
            filled += len(part)
        if filled < length:
            raise truncated(self._name, start + length)
        if self._gzipped:
            self.read(_SLACK)  # to the end of the stream, where its checksum is
            if not self._inflate.eof:
                raise InputError(f"{self._name} is damaged: its compressed data do not end where they should")
        return data

    def _some(self, count: int) -> bytes:
        if not self._gzipped:
            return self._file.read(min(count, _STEP))
        try:
            while True:
                if not self._input:
                    self._input = self._file.read(_STEP)
                    if not self._input:
                        return b""
                if self._inflate.eof:  # gzip files may follow each other
                    if not self._input.startswith(_MAGIC):
                        return b""
                    self._inflate = zlib.decompressobj(wbits=31)
                part = self._inflate.decompress(self._input, min(count, _STEP))
                self._input = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
                if part:
                    return part
        except zlib.error as problem:
            raise InputError(f"{self._name} is damaged: its compressed data cannot be unpacked") from problem
