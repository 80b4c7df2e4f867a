"""PNG: 8-bit grey, RGB or RGBA arrays to the bytes of a picture file, with nothing but zlib."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 3: 2, 4: 6}  # channels: grey, RGB, RGBA
_UP = 2  # each row is stored as its difference to the one above: near the best for smooth pictures, and one subtraction


def png(pixels: np.ndarray) -> bytes:
    """The file (ISO/IEC 15948) of ``pixels``, uint8, shape (rows, columns) or (rows, columns, 3 or 4).

    Example:
        >>> png(np.zeros((2, 3), np.uint8))[:4]
        b'\\x89PNG'
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or 0 in pixels.shape:
        raise ValueError(f"a PNG needs uint8 pixels, got {pixels.dtype} of shape {pixels.shape}")
    rows, columns = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if channels not in _COLOR_TYPES:
        raise ValueError(f"a PNG has 1, 3 or 4 channels, got {channels}")
    flat = pixels.reshape(rows, columns * channels)
    lines = np.empty((rows, 1 + columns * channels), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=lines[1:, 1:])  # modulo 256, as the filter is defined
    header = struct.pack(">IIBBBBB", columns, rows, 8, _COLOR_TYPES[channels], 0, 0, 0)
    data = zlib.compress(lines.tobytes(), level=4)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
