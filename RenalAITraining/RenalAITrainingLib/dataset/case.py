"""Case: what a dataset knows about one scan, and how that stands in its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from RenalAILib.labels import MassClass, Side

from .deidentified import CASE, plain_word, reader_word
from .vocabulary import Histology, ScanPhase

COLUMNS = (
    "case", "patient", "phase", "masses", "histology", "source", "licence", "readers", "reference", "repeats",
)  # fmt: skip
EDITABLE = ("phase", "histology", "source", "licence")
"""Columns that a person may change in ``cases.csv``; the others repeat ``dataset.yaml``."""

FUSED = "fused"
"""The reader's place of a fusion of several readers' masks."""


@dataclass(frozen=True)
class KnownMass:
    """One mass of the reference mask.

    Attributes:
        side: of the kidney it belongs to.
        mass_class: by its label.
        diameter_mm: the average diameter as in findings.

    Example:
        >>> KnownMass.parse("left cystic 12.5")
        KnownMass(side=<Side.LEFT: 'left'>, mass_class=<MassClass.CYSTIC: 'cystic'>, diameter_mm=12.5)
    """

    side: Side
    mass_class: MassClass
    diameter_mm: float

    def __str__(self) -> str:
        return f"{self.side.value} {self.mass_class.value} {self.diameter_mm:.1f}"

    @classmethod
    def parse(cls, text: str) -> KnownMass:
        """The inverse of ``str``. Raises ValueError."""
        side, mass_class, diameter = text.split()
        return cls(Side(side), MassClass(mass_class), float(diameter))


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
    """

    name: str
    readers: tuple[str, ...]
    reference: str
    masses: tuple[KnownMass, ...] = ()
    facts: Facts = Facts()
    has_image: bool = True
    repeats: int = 1

    def __post_init__(self) -> None:
        if not CASE.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no pseudonym of a case")
        for reader in self.readers:
            reader_word(reader)
        if len(set(self.readers)) != len(self.readers) or self.reference not in self.readers:
            raise ValueError(f"{self.name} needs different readers, and one of them as reference")
        if self.repeats < 1:
            raise ValueError(f"{self.name} must be repeated at least once, got {self.repeats}")

    @property
    def patient(self) -> str:
        """The pseudonym of the patient."""
        return self.name.partition("-")[0]

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
            "reference": self.reference,
            "repeats": str(self.repeats),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, str], has_image: bool = True) -> Case:
        """The inverse of `row`. Raises ValueError or KeyError (InputError is one) where it is none."""
        facts = Facts(ScanPhase(row["phase"]), Histology(row["histology"]), row["source"], row["licence"])
        masses = tuple(KnownMass.parse(text) for text in row["masses"].split(";") if text.strip())
        readers = tuple(row["readers"].split())
        return cls(row["case"], readers, row["reference"], masses, facts, has_image, int(row["repeats"]))
