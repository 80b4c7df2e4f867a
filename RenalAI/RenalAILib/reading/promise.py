"""Promise: how many bytes a header says there are, held against the file before any memory is taken for them."""

from __future__ import annotations

from ..errors import InputError

_BEST_RATIO = 1100  # deflate reaches 1032
_LARGE = 4 << 30  # bytes; a label map of 1024 x 1024 x 2000 packs to a thousandth and has 2 GB
_BEST_RATIO_OF_LARGE = 100  # CT packs to a third


def check_promise(name: str, promised: int, have: int, *, packed: bool) -> None:
    """Refuse a file that cannot hold what its header promises, or that was made to fill the memory.

    Args:
        name: of the file, for messages.
        promised: bytes after unpacking.
        have: bytes on the disk.
        packed: whether they are deflated (gzip, zlib).

    Raises:
        InputError: one of the two.
    """
    if promised > have * (_BEST_RATIO if packed else 1):
        raise truncated(name, promised)
    if promised > max(_LARGE, have * _BEST_RATIO_OF_LARGE):
        raise InputError(f"{name} would unpack to {promised / 2**30:.1f} GB; this looks like a decompression bomb")


def truncated(name: str, promised: int) -> InputError:
    """What to raise of a file that ends too early."""
    return InputError(f"{name} is truncated: its header promises {promised:,} bytes, and it holds fewer")
