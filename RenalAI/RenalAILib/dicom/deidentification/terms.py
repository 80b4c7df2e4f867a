"""Terms: the names and numbers by which the files of a patient know people and places, and whether one is left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

_IDENTIFYING = frozenset(
    """
    PatientID OtherPatientIDs IssuerOfPatientID PatientAddress PatientTelephoneNumbers PatientTelecomInformation
    CountryOfResidence RegionOfResidence MilitaryRank MedicalRecordLocator PatientInsurancePlanCodeSequence
    AccessionNumber AdmissionID ServiceEpisodeID RequestAttributesSequence InstitutionName InstitutionAddress
    InstitutionalDepartmentName StationName DeviceSerialNumber ReferringPhysicianAddress
    ReferringPhysicianTelephoneNumbers PersonAddress PersonTelephoneNumbers PlacerOrderNumberImagingServiceRequest
    FillerOrderNumberImagingServiceRequest ClinicalTrialSubjectID RequestingService CurrentPatientLocation
    PerformedStationName PerformedLocation ScheduledStationName
    """.split()  # noqa: SIM905
)
# What stands in attributes for names and is nobody's.
_TITLES = frozenset(
    {"dr", "mr", "mrs", "ms", "md", "prof", "phd", "anonymous", "anonymized", "unknown", "none", "removed", "renalai"}
)
_LONG = 6  # found anywhere, also within a longer word
_LEAST_NAME, _LEAST_CODE, _LEAST_DIGITS = 3, 4, 5


class Terms:
    """Terms of one patient; of at least 3 letters (names), 4 characters (codes) or 5 digits.

    Short ones count only as words of their own: a patient called Rome is not in MONOCHROME2.

    Example:
        >>> terms = Terms(["Doe", "471108"])
        >>> terms.found_in("for DOE, J."), terms.found_in("endoderm"), terms.found_in("ID:471108")
        (True, False, True)
    """

    def __init__(self, values: Iterable[str]) -> None:
        self.words = frozenset(word for value in values for word in _words(value))
        self._pattern = _pattern(self.words) if self.words else None

    def found_in(self, text: str) -> bool:
        """Whether one of the terms stands in a text."""
        return self._pattern is not None and self._pattern.search(text.casefold()) is not None

    def found_in_bytes(self, data: bytes) -> bool:
        """Whether one of the terms stands in bytes, as UTF-8 or Latin-1."""
        return any(self.found_in(data.decode(coding, "replace")) for coding in ("latin-1", "utf-8"))

    def long_in_bytes(self, data: bytes) -> bool:
        """Whether one of the long terms stands in packed pixels, where short ones occur by chance."""
        lower = data.lower()
        return any(len(word) >= _LONG and word.encode("utf-8") in lower for word in self.words)


def identifying_values(dataset: Any) -> Iterator[str]:
    """Names of persons anywhere in a pydicom data set, IDs, addresses, devices, and the birthday as people write it."""
    born = str(dataset.get("PatientBirthDate") or "")
    if len(born) == 8 and born.isdecimal():
        year, month, day = born[:4], born[4:6], born[6:]
        yield from (
            born,
            f"{year}-{month}-{day}",
            f"{day}.{month}.{year}",
            f"{month}/{day}/{year}",
            f"{day}/{month}/{year}",
        )
    for element in dataset.iterall():
        if element.VR == "PN" or element.keyword in _IDENTIFYING:
            if element.VR == "SQ" or not element.value:
                continue
            several = [str(value) for value in (element.value if element.VM > 1 else [element.value])]
            yield from several
            if element.VR == "PN":  # of places not each word: "Abdominal Imaging" would hit every other text
                yield from (word for value in several for word in value.replace("^", " ").split())


def _words(value: str) -> Iterator[str]:
    """A whole value, and the components of a person's name (PS3.5 6.2.1)."""
    value = value.casefold().strip()
    for word in {value, *map(str.strip, re.split(r"[\^=,;]+", value))}:
        letters = sum(character.isalpha() for character in word)
        least = _LEAST_DIGITS if not letters else _LEAST_NAME if letters == len(word) else _LEAST_CODE
        if not word.isascii():
            least = 2  # ideographic
        if len(word) >= least and word not in _TITLES:
            yield word


def _pattern(words: frozenset[str]) -> re.Pattern[str]:
    anywhere = [re.escape(word) for word in words if len(word) >= _LONG and not word.isdecimal()]
    alone = [re.escape(word) for word in words if len(word) < _LONG and not word.isdecimal()]
    numbers = [re.escape(word) for word in words if word.isdecimal()]
    parts = []
    if anywhere:
        parts.append("|".join(anywhere))
    if alone:
        parts.append(rf"(?<![^\W_])(?:{'|'.join(alone)})(?![^\W_])")
    if numbers:
        parts.append(rf"(?<![\d.])(?:{'|'.join(numbers)})(?![\d.])")
    return re.compile("|".join(parts))
