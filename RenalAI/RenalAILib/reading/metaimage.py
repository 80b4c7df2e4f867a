"""MetaImage: its text header, checked before ITK reads the file.

ITK's reader prints its complaints about a damaged MetaImage to the terminal instead of raising them all.
Format: https://itk.org/Wiki/MetaIO/Documentation.
"""

from __future__ import annotations

import math
from pathlib import Path

from ..errors import InputError
from .promise import check_promise, truncated
from .stored import check_three_axes

_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}
_LONGEST_HEADER = 1 << 16


def check_metaimage(path: Path) -> None:
    """Refuses what is no MetaImage, or shorter than its header promises.

    Raises:
        InputError: with the reason.
    """
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    fields, start = _fields(head)
    needed = ("NDims", "DimSize", "ElementType", "ElementDataFile")
    missing = [key for key in needed if not fields.get(key)]
    if missing:
        raise InputError(f"{path.name} is not a MetaImage file: its header has no {missing[0]}")
    try:
        sizes = tuple(int(size) for size in fields["DimSize"].split())
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        packed = int(fields.get("CompressedDataSize", "0"))
    except ValueError as problem:
        raise InputError(f"{path.name} is damaged: its header holds words where numbers are due") from problem
    check_three_axes(path.name, sizes)
    width = _BYTES.get(fields["ElementType"].removeprefix("MET_").removeprefix("U").removesuffix("_ARRAY"))
    if width is None:
        raise InputError(f"{path.name} has voxels of type {fields['ElementType']}, which RenalAI does not read")
    data = fields["ElementDataFile"]
    if data == "LIST" or "%" in data:
        raise InputError(f"{path.name} keeps its slices in separate files; convert it to one file")
    if data == "LOCAL":
        have = path.stat().st_size - start
    else:
        if Path(data).name != data:
            raise InputError(
                f"{path.name} names {data} for its voxels, which lies in another folder; put both into one"
            )
        detached = path.parent / data
        if not detached.is_file():
            raise InputError(f"{path.name} names {data} for its voxels, which is not there")
        have = detached.stat().st_size
    compressed = fields.get("CompressedData", "False").lower() in {"true", "t", "1", "y", "yes"}
    check_promise(path.name, math.prod(sizes) * channels * width, have, packed=compressed)
    if compressed and have < packed:
        raise truncated(path.name, packed)


def _fields(head: bytes) -> tuple[dict[str, str], int]:
    """The header's keys and values, and the byte after it: ``ElementDataFile`` is its last line."""
    fields: dict[str, str] = {}
    at = 0
    while "ElementDataFile" not in fields and (end := head.find(b"\n", at)) >= 0:
        key, separator, value = head[at:end].decode("latin-1").partition("=")
        if separator:
            fields[key.strip()] = value.strip()
        at = end + 1
    return fields, at
