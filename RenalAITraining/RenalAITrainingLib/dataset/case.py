"""Case: what a dataset knows about one scan, and how that stands in its tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from RenalAILib.labels import MassClass, Side

from .deidentified import CASE, plain_word, reader_word
from .vocabulary import Histology, ScanPhase

COLUMNS = (
    "case", "patient", "phase", "masses", "histology", "source", "licence", "readers", "read", "reference", "repeats",
)  # fmt: skip
WRITTEN_COLUMNS = (COLUMNS, tuple(name for name in COLUMNS if name != "read"))
"""What versions of RenalAI have written, the newest first."""

EDITABLE = ("phase", "histology", "source", "licence")
"""Columns that a person may change in ``cases.csv``; the others repeat ``dataset.yaml``."""

FUSED = "fused"
"""The reader's place of a fusion of several readers' masks."""

SEQUENCE_SOURCE = "BraTS-"
"""What the source of a case of the brain tumor challenge begins with; the MR sequence follows."""

_TIME = re.compile(r"20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\dZ")
_NO_TIME = "-"


@dataclass(frozen=True)
class KnownMass:
    """One mass of the reference mask.

    Attributes:
        side: of the kidney it belongs to.
        mass_class: by its label.
        diameter_mm: the average diameter as in findings.
        histology: what the pathologist found in this mass; of the case as a whole, where masses are not told apart,
            `Facts.histology` speaks.

    Example:
        >>> mass = KnownMass.parse("left solid 12.5 papillary_rcc")
        >>> mass.side.value, mass.mass_class.value, mass.diameter_mm, mass.histology.value
        ('left', 'solid', 12.5, 'papillary_rcc')
    """

    side: Side
    mass_class: MassClass
    diameter_mm: float
    histology: Histology = Histology.UNKNOWN

    def __str__(self) -> str:
        told = "" if self.histology is Histology.UNKNOWN else f" {self.histology.value}"
        return f"{self.side.value} {self.mass_class.value} {self.diameter_mm:.1f}{told}"

    @classmethod
    def parse(cls, text: str) -> KnownMass:
        """The inverse of ``str``. Raises ValueError."""
        side, mass_class, diameter, histology = [*text.split(), Histology.UNKNOWN.value][:4]
        return cls(Side(side), MassClass(mass_class), float(diameter), Histology(histology))


@dataclass(frozen=True)
class Facts:
    """What no mask tells. Everything is a word of a closed set or passes `plain_word`.

    Raises:
        InputError: a word could identify someone.
    """

    phase: ScanPhase = ScanPhase.UNKNOWN
    histology: Histology = Histology.UNKNOWN
    source: str = "unknown"
    licence: str = "unknown"

    def __post_init__(self) -> None:
        plain_word(self.source, "source")
        plain_word(self.licence, "licence")


@dataclass(frozen=True)
class Case:
    """One scan with the masks of one or more readers.

    Attributes:
        name: the case's pseudonym (see `pseudonyms`); what its files are called.
        readers: whose masks there are, first come first; `FUSED` stands for a fusion.
        reference: the one of them whose mask is the truth.
        masses: of the reference mask, largest first.
        facts: what no mask tells.
        has_image: False for a mask without a CT.
        repeats: how many times training draws it: above 1 where a rare class is oversampled.
        times: when each reader's mask came into the dataset, UTC to the minute; empty where that is not known. The
            only dates in a dataset, and none of the patient's.
    """

    name: str
    readers: tuple[str, ...]
    reference: str
    masses: tuple[KnownMass, ...] = ()
    facts: Facts = Facts()
    has_image: bool = True
    repeats: int = 1
    times: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not CASE.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no pseudonym of a case")
        for reader in self.readers:
            reader_word(reader)
        if len(set(self.readers)) != len(self.readers) or self.reference not in self.readers:
            raise ValueError(f"{self.name} needs different readers, and one of them as reference")
        if self.repeats < 1:
            raise ValueError(f"{self.name} must be repeated at least once, got {self.repeats}")
        if len(self.times) > len(self.readers) or not all(not time or _TIME.fullmatch(time) for time in self.times):
            raise ValueError(f"{self.name} needs times such as 2026-03-31T14:05Z for its readers, got {self.times}")

    @property
    def patient(self) -> str:
        """The pseudonym of the patient."""
        return self.name.partition("-")[0]

    @property
    def phase_word(self) -> str:
        """What a network for one phase alone is for: the contrast phase, of BraTS the sequence; empty if not known."""
        if self.facts.phase is not ScanPhase.UNKNOWN:
            return str(self.facts.phase.value)
        return self.facts.source.removeprefix(SEQUENCE_SOURCE) if self.facts.source.startswith(SEQUENCE_SOURCE) else ""

    @property
    def image_path(self) -> str:
        """The CT's file, relative to the dataset."""
        return f"images/{self.name}.nii.gz"

    def label_path(self, reader: str | None = None) -> str:
        """The file of a reader's mask (the reference's without one), relative to the dataset."""
        return f"labels/{self.name}.{reader or self.reference}.nii.gz"

    def row(self) -> dict[str, str]:
        """One line of ``cases.csv``."""
        return {
            "case": self.name,
            "patient": self.patient,
            "phase": self.facts.phase.value,
            "masses": "; ".join(map(str, self.masses)),
            "histology": self.facts.histology.value,
            "source": self.facts.source,
            "licence": self.facts.licence,
            "readers": " ".join(self.readers),
            "read": " ".join(time or _NO_TIME for time in self.times),
            "reference": self.reference,
            "repeats": str(self.repeats),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, str], has_image: bool = True) -> Case:
        """The inverse of `row`. Raises ValueError or KeyError (InputError is one) where it is none."""
        facts = Facts(ScanPhase(row["phase"]), Histology(row["histology"]), row["source"], row["licence"])
        masses = tuple(KnownMass.parse(text) for text in row["masses"].split(";") if text.strip())
        readers = tuple(row["readers"].split())
        times = tuple("" if time == _NO_TIME else time for time in row.get("read", "").split())
        return cls(row["case"], readers, row["reference"], masses, facts, has_image, int(row["repeats"]), times)
