"""Gzip for label maps: blocks of nothing but background cost nothing."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_BLOCK = 1 << 20
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # deflate, no time stamp (same input, same bytes), fastest


def gzipped(head: bytes, array: np.ndarray) -> bytes:
    """One gzip member (RFC 1952) that holds ``head``, then the bytes of ``array`` in C order.

    Most of a label map is background. Each megabyte is deflated on its own and ended at a byte boundary, so that the
    deflated form of an empty one is made once and repeated: ten times faster than gzip's own fastest level.
    """
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    parts = [_HEADER]
    check, size = zlib.crc32(head), len(head) + data.size
    if head:
        parts.append(_deflated(head))
    empty = _deflated(bytes(_BLOCK))
    for start in range(0, data.size, _BLOCK):
        block = data[start : start + _BLOCK]
        check = zlib.crc32(block.data, check)
        is_empty = block.size == _BLOCK and not block.view(np.uint64).any()
        parts.append(empty if is_empty else _deflated(block.tobytes()))
    parts.append(zlib.compressobj(1, zlib.DEFLATED, -15).flush(zlib.Z_FINISH))
    parts.append(struct.pack("<II", check, size & 0xFFFFFFFF))
    return b"".join(parts)


def _deflated(block: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    return packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
