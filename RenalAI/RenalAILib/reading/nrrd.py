"""NRRD: its text header, checked before ITK reads the file.

ITK takes all the memory that a header asks for before it looks whether the file has so many voxels, and reads detached
voxels from wherever the header says. Format: https://teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

import math
from pathlib import Path

from ..errors import InputError
from .promise import check_promise
from .stored import check_three_axes

_LONGEST_HEADER = 1 << 16
_BYTES = {"char": 1, "short": 2, "int": 4, "longlong": 8, "float": 4, "double": 8, "int8": 1, "int16": 2, "int32": 4,
          "int64": 8}  # fmt: skip
_TEXT = {"txt", "text", "ascii", "hex"}  # at least a character a byte, or a character a number


def check_nrrd(path: Path) -> None:
    """Refuses what is no NRRD, shorter than its header promises, or has its voxels in another folder.

    Raises:
        InputError: with the reason.
    """
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    if not head.startswith(b"NRRD"):
        raise InputError(f"{path.name} is not an NRRD file, whatever its name says")
    fields = _fields(head)
    try:
        sizes = tuple(int(size) for size in fields["sizes"].split())
    except (KeyError, ValueError) as problem:
        raise InputError(f"{path.name} is damaged: its header does not give its size") from problem
    # Values of a vector come first; ITK tells later that there are several.
    check_three_axes(path.name, sizes[1:] if len(sizes) == 4 and sizes[0] <= 9 else sizes)
    width = _BYTES.get(_type(fields.get("type", "")))
    if width is None:
        raise InputError(f"{path.name} has voxels of type {fields.get('type') or 'none'}, which RenalAI does not read")
    encoding = fields.get("encoding", "").lower()
    if encoding not in {"raw", "gzip", "gz", *_TEXT}:
        raise InputError(f"{path.name} is packed as {encoding or 'nothing'}, which RenalAI does not read")
    count = math.prod(sizes)
    promised = count if encoding in _TEXT else count * width
    check_promise(path.name, promised, _voxel_file(path, fields).stat().st_size, packed=encoding in {"gzip", "gz"})


def _voxel_file(path: Path, fields: dict[str, str]) -> Path:
    """The file that holds the voxels: this one, or another in its folder."""
    named = fields.get("data file", fields.get("datafile"))
    if named is None:
        return path
    if named.upper().startswith("LIST") or "%" in named:
        raise InputError(f"{path.name} keeps its slices in separate files; convert it to one file")
    if Path(named).name != named:
        raise InputError(f"{path.name} names {named} for its voxels, which lies in another folder; put both into one")
    if not (path.parent / named).is_file():
        raise InputError(f"{path.name} names {named} for its voxels, which is not there")
    return path.parent / named


def _fields(head: bytes) -> dict[str, str]:
    """The header's fields by their names in lower case; it ends at an empty line."""
    fields: dict[str, str] = {}
    for line in head.decode("latin-1").replace("\r\n", "\n").split("\n"):
        if not line:
            break
        name, separator, value = line.partition(": ")
        if separator and not line.startswith("#"):
            fields[name.strip().lower()] = value.strip()
    return fields


def _type(words: str) -> str:
    """One name of the many for a type: without its sign, its ``_t`` and what C allows to add.

    Example:
        >>> _type("unsigned short int"), _type("uint8_t"), _type("signed char")
        ('short', 'int8', 'char')
    """
    kept = [word for word in words.lower().split() if word not in {"signed", "unsigned"}]
    if len(kept) > 1 and kept[-1] == "int":
        kept.pop()
    name = "".join(kept).removesuffix("_t")
    name = name.removeprefix("u") if name.startswith(("uint", "uchar", "ushort", "ulonglong")) else name
    return name or ("int" if "unsigned" in words.lower() else "")
