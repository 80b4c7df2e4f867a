"""Incoming: what every importer gives, before names become pseudonyms and anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from RenalAILib.errors import InputError
from RenalAILib.volume import Volume

from ..case import Facts
from ..vocabulary import ScanPhase
from .structures import Structure


@dataclass(frozen=True, eq=False)
class Incoming:
    """One case as it was read.

    Attributes:
        ct: HU, or None where the source has only masks.
        labels: uint8 `Label` values on the grid of ``ct``.
        facts: what the source knows of it.
    """

    ct: Volume | None
    labels: Volume
    facts: Facts


@dataclass(frozen=True, eq=False)
class Listed:
    """One case that a source has, not yet read.

    Attributes:
        patient: what the source calls the patient; becomes a pseudonym and is never written.
        scan: what tells several scans of the patient apart.
        shown: its name for messages on the screen.
        load: reads it. Raises InputError.
        part: of the source's own split (``training``, ``validation``, ``test``); empty where it has none.
    """

    patient: str
    scan: str
    shown: str
    load: Callable[[], Incoming]
    part: str = ""


@dataclass(frozen=True)
class Options:
    """What the user says about a source.

    Attributes:
        structures: what the source's labels mean, by name (or value, as text), over what their names say.
        source, licence, phase: facts of every case, over what the source says.
        table: a KiTS table of histology (kits23.json), where it does not lie beside the cases.
    """

    structures: Mapping[str, Structure] = field(default_factory=dict)
    source: str | None = None
    licence: str | None = None
    phase: ScanPhase | None = None
    table: Path | None = None

    def facts(self, known: Facts) -> Facts:
        """``known`` with what the user says in its place. Raises InputError for a word that may not be written."""
        told = {"source": self.source, "licence": self.licence, "phase": self.phase}
        return replace(known, **{name: value for name, value in told.items() if value is not None})  # type: ignore[arg-type]


class Importer(Protocol):
    """One layout."""

    @property
    def title(self) -> str:
        """The layout in words, for messages."""
        ...

    def recognizes(self, source: Path) -> bool:
        """Whether ``source`` looks like this layout; reads no volume."""
        ...

    def listed(self, source: Path, options: Options) -> list[Listed]:
        """The cases, without reading volumes. Raises InputError where the source is not of this layout."""
        ...


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises InputError where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise InputError(f"{path} cannot be read as JSON ({problem})") from problem
