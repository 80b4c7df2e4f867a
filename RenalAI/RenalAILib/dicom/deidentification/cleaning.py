"""Cleaning: the profile done to one data set, down into every sequence, and what was done counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from ...pseudonyms import Pseudonyms
from .profile import Action, Dates, Options, profile
from .terms import Terms
from .vocabulary import DESCRIPTIONS, SAFE_BULK, SAFE_TEXT, STANDARD_SCHEMES, is_own_text, known_words

REMOVED = "REMOVED"
_TEXT = frozenset({"LO", "LT", "SH", "ST", "UC", "UT", "UR", "AE"})
_BULK = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
_CHECKED = _TEXT | {"CS", "AS", "DS", "IS", "PN"}
_STANDARD_UIDS = "1.2.840.10008."
# What stands where no word of a description is known: the object needs it, or that it was there is worth knowing.
_WITHOUT_WORDS = {"SegmentLabel": "Segment", "ContrastBolusAgent": REMOVED}
_BIRTH = frozenset({"PatientBirthDate", "PatientBirthTime"})
_PATIENT = frozenset({"PatientSex", "PatientAge", "PatientSize", "PatientWeight"})
# Of the sequences that the profile replaces, these hold what an object is made of; the others are emptied.
_GONE_INTO = frozenset({"ContentSequence", "VerifyingObserverSequence"})
_DUMMIES: dict[str, Any] = {
    "DA": "19000101", "DT": "19000101000000", "TM": "000000", "AS": "000Y", "DS": "0", "IS": "0",
    "FD": 0.0, "FL": 0.0, "SS": 0, "US": 0, "SL": 0, "UL": 0, "SV": 0, "UV": 0,
    "OB": b"\0\0", "OW": b"\0\0", "UN": b"", "UR": "http://removed.invalid",
}  # fmt: skip
_DEFINED = frozenset({"ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY", "AXIAL", "LOCALIZER", "CONTAINER", "CONTAINS"})
_CODES = ("CodeValue", "LongCodeValue", "URNCodeValue", "CodeMeaning")


class Cleaning:
    """Cleans the data sets of one patient.

    Args:
        pseudonyms: of the user's secret.
        identity: of the patient, as in the files.
        options: of the profile.
        terms: the patient's names and numbers.
        counted: gets how often what was done to which attribute; holds no values.
    """

    def __init__(
        self, pseudonyms: Pseudonyms, identity: str, options: Options, terms: Terms, counted: Counter[tuple[str, str]]
    ) -> None:
        self._pseudonyms, self._options, self._terms, self._counted = pseudonyms, options, terms, counted
        self._name, self._days = pseudonyms.patient(identity), timedelta(pseudonyms.days(identity))
        self._actions = profile()
        self._special: dict[str, Callable[[Any], Any]] = {
            "PatientName": lambda _: self._name,
            "PatientID": lambda _: self._name,
            "TextValue": lambda element: element.value if is_own_text(str(element.value)) else REMOVED,
            "TrackingID": lambda element: element.value if is_own_text(str(element.value)) else REMOVED,
        }

    def clean(self, dataset: Any) -> None:
        """Cleans a pydicom data set in place, items of sequences and all."""
        if "CodingSchemeDesignator" in dataset and dataset.CodingSchemeDesignator not in STANDARD_SCHEMES:
            for keyword in _CODES:  # codes of a hospital: procedures, but also rooms and people
                if keyword in dataset:
                    self._set(dataset[keyword], REMOVED, "code of a local scheme replaced")
        for tag in list(dataset.keys()):
            try:
                element = dataset[tag]
            except Exception:  # a value that pydicom cannot make sense of is one that nobody can check
                self._drop(dataset, tag, "unreadable")
                continue
            self._clean_element(dataset, element)

    def _clean_element(self, dataset: Any, element: Any) -> None:
        tag, keyword = element.tag, element.keyword
        if tag.is_private:
            self._drop(dataset, tag, "private")
        elif tag.group >> 8 in (0x50, 0x60):
            self._drop(dataset, tag, "overlay or curve")
        elif not keyword:
            self._drop(dataset, tag, "unknown to the standard" if tag.element else "group length")
        elif self._kept_by_option(element):
            pass
        elif keyword in self._special:
            self._set(element, self._special[keyword](element), "replaced")
        elif element.VR in ("DA", "DT", "TM") and self._options.dates is Dates.SHIFT and keyword not in _BIRTH:
            self._shift(dataset, element)
        elif element.VR == "SQ":
            self._clean_sequence(dataset, element)
        elif element.VR == "UI":
            self._replace_uids(element)
        elif (action := self._actions.get((tag.group, tag.element))) is not None:
            self._act(dataset, element, action)
        else:
            self._unlisted(dataset, element)
        if tag in dataset and element.VR in _CHECKED and self._names_someone(element):
            self._drop(dataset, tag, "held a name")

    def _kept_by_option(self, element: Any) -> bool:
        keyword = element.keyword
        if keyword in DESCRIPTIONS and (self._options.keep_descriptions or keyword.startswith("Segment")):
            said = "" if self._terms.found_in(str(element.value)) else known_words(str(element.value))
            self._set(element, said or (_WITHOUT_WORDS.get(keyword, "") if element.value else ""), "known words kept")
            return True
        if keyword in _PATIENT and self._options.keep_patient:
            years = str(element.value or "")
            if keyword == "PatientAge" and years.endswith("Y") and years[:-1].isdecimal() and int(years[:-1]) > 89:
                element.value = "090Y"  # the very old are few (HIPAA 45 CFR 164.514)
            return True
        return False

    def _act(self, dataset: Any, element: Any, action: Action) -> None:
        if action is Action.REMOVE:
            self._drop(dataset, element.tag, action.value)
        elif action is Action.EMPTY or not element.value:
            self._set(element, None if element.VR in _BULK else "", Action.EMPTY.value)
        else:
            self._set(element, _DUMMIES.get(element.VR, REMOVED), action.value)

    def _unlisted(self, dataset: Any, element: Any) -> None:
        """Attributes that the profile keeps: here only what no hand fills in."""
        if element.VR == "PN":
            self._set(element, "", "unlisted name emptied")
        elif element.VR in _TEXT and element.keyword not in SAFE_TEXT:
            self._drop(dataset, element.tag, "unlisted text")
        elif element.VR in _BULK and element.keyword not in SAFE_BULK:
            self._drop(dataset, element.tag, "unlisted bytes")
        elif element.VR in ("DA", "DT", "TM"):
            self._set(element, "", "unlisted date emptied")

    def _clean_sequence(self, dataset: Any, element: Any) -> None:
        action = self._actions.get((element.tag.group, element.tag.element))
        if action is Action.REMOVE:
            self._drop(dataset, element.tag, action.value)
        elif action in (Action.EMPTY, Action.DUMMY) and element.keyword not in _GONE_INTO:
            self._set(element, [], Action.EMPTY.value)
        else:
            for item in element.value:
                self.clean(item)

    def _replace_uids(self, element: Any) -> None:
        if not element.value:
            return
        several = list(element.value) if element.VM > 1 else [element.value]
        new = [uid if str(uid).startswith(_STANDARD_UIDS) else self._pseudonyms.uid(str(uid)) for uid in several]
        if new != several:
            self._set(element, new if element.VM > 1 else new[0], Action.UID.value)

    def _shift(self, dataset: Any, element: Any) -> None:
        if element.VR == "TM" or not element.value:
            return
        several = list(element.value) if element.VM > 1 else [element.value]
        try:
            new = [self._shifted(str(value)) for value in several]
        except ValueError:
            self._drop(dataset, element.tag, "date that is none")
            return
        self._set(element, new if element.VM > 1 else new[0], "date shifted")

    def _shifted(self, value: str) -> str:
        """``YYYYMMDD`` and what follows it; also the old form with dots."""
        digits = value.strip().replace(".", "", 2) if value[4:5] == "." else value.strip()
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) + self._days
        return f"{day:%Y%m%d}{digits[8:]}"

    def _names_someone(self, element: Any) -> bool:
        several = element.value if element.VM > 1 else [element.value]
        return any(
            str(value) not in _DEFINED and str(value) != self._name and self._terms.found_in(str(value))
            for value in several
        )

    def _drop(self, dataset: Any, tag: Any, why: str) -> None:
        name = "private" if tag.is_private else (_keyword(tag) or f"({tag.group:04x},{tag.element:04x})")
        del dataset[tag]
        self._counted[name, why] += 1

    def _set(self, element: Any, value: Any, what: str) -> None:
        if element.value != value:
            element.value = value
            self._counted[element.keyword, what] += 1


def _keyword(tag: Any) -> str:
    from pydicom.datadict import keyword_for_tag

    return str(keyword_for_tag(tag))
