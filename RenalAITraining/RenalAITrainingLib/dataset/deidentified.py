"""De-identification of words: what may stand in a dataset's tables, and what is refused because it could name someone.

A dataset holds arrays, affines and the columns of its table, nothing else. Phase, histology, class and side come from
closed sets, cases are called by keyed pseudonyms, and the few words left (source, licence, reader, the dataset's name)
pass through here. Source for what identifies a person: DICOM PS3.15 annex E.
"""

from __future__ import annotations

import re

from RenalAILib.errors import InputError

CASE = re.compile(r"p[a-z2-7]{10}-[a-z2-7]{4}")

_READER = re.compile(r"[a-z][a-z0-9-]{0,23}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .+_-]{0,39}")
_LONGEST_TEXT = 2000
_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d[-./ ]?(?:0[1-9]|1[0-2])[-./ ]?(?:0[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?<!\d)\d{1,2}[-./]\d{1,2}[-./](?:19|20)?\d\d(?!\d)"
)
_NUMBER_OF_SOMEONE = re.compile(r"\d{5,}")


def plain_word(text: str, what: str) -> str:
    """``text`` if it is a short name without dates, long numbers and paths.

    Args:
        text: a source ("KiTS23"), a licence ("CC-BY-4.0"), a dataset's name.
        what: what it is, for the message.

    Raises:
        InputError: it could hold more than it should.

    Example:
        >>> plain_word("CC-BY-NC-SA-4.0", "licence")
        'CC-BY-NC-SA-4.0'
    """
    if not _WORD.fullmatch(text):
        raise InputError(f"the {what} {text!r} must be 1 to 40 letters, digits, spaces, dots, +, - and _")
    return without_traces(text, what)


def without_traces(text: str, what: str) -> str:
    """``text`` if it holds no date and no number as long as a patient's.

    Raises:
        InputError: it does.
    """
    if len(text) > _LONGEST_TEXT:
        raise InputError(f"the {what} has {len(text)} characters; {_LONGEST_TEXT} are enough")
    if _DATE.search(text):
        raise InputError(f"the {what} {text!r} holds a date, which may not go into a dataset")
    if _NUMBER_OF_SOMEONE.search(text):
        raise InputError(f"the {what} {text!r} holds a number that could be a patient's; leave it out")
    return text


def reader_word(text: str) -> str:
    """``text`` if it can stand for a reader in file names: lower case letters, digits and hyphens ("reader-1").

    Raises:
        InputError: it cannot.
    """
    if not _READER.fullmatch(text):
        raise InputError(f"the reader {text!r} must be a short word of a-z, 0-9 and -, such as reader-1")
    return without_traces(text, "reader")
