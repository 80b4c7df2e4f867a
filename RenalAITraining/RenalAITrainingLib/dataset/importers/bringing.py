"""Bringing cases in: each is read, named by its pseudonym and added; one that cannot be used stops no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from RenalAILib.errors import InputError
from RenalAILib.pseudonyms import Pseudonyms

from ..folder import Dataset
from .incoming import Listed


@dataclass
class Brought:
    """What became of the cases.

    Attributes:
        added: names of new cases.
        there: how many were in the dataset before, with a mask of this reader.
        second: names of cases that were there and got the mask of another reader.
        refused: what could not be used, and why.
    """

    added: list[str] = field(default_factory=list)
    there: int = 0
    second: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def bring(
    dataset: Dataset,
    listed: list[Listed],
    pseudonyms: Pseudonyms,
    reader: str = "reader-1",
    report: Callable[[str], None] = lambda line: None,
) -> Brought:
    """Add cases that are not there yet; the source's own split is taken over where all cases have one.

    A case that is there gets the mask where ``reader`` is another one than those it has masks of; its CT, facts and
    reference stay.

    Args:
        dataset: to add to.
        listed: the cases of a source.
        pseudonyms: names them; an import that was broken off goes on where it was.
        reader: who drew the masks.
        report: told of each case.
    """
    brought = Brought()
    part_of = {}
    for number, case in enumerate(listed, 1):
        name = pseudonyms.case(case.patient, case.scan)
        known = name in dataset
        if known and reader in dataset.case(name).readers:
            brought.there += 1
            part_of[name] = case.part
            continue
        try:
            incoming = case.load()
            if known:
                dataset.add_reading(name, incoming.labels, reader)
            else:
                dataset.add_case(name, incoming.ct, incoming.labels, reader=reader, facts=incoming.facts)
        except InputError as problem:
            brought.refused.append((case.shown, str(problem)))
            report(f"{number} of {len(listed)}: {case.shown} is left out: {problem}")
            continue
        (brought.second if known else brought.added).append(name)
        report(f"{number} of {len(listed)}: {case.shown} is {f'{name}, read again' if known else f'now {name}'}")
        part_of[name] = case.part
    everyone = {case.name for case in dataset}
    if brought.added and part_of.keys() == everyone and all(part_of.values()):
        parts = {part: tuple(n for n in part_of if part_of[n] == part) for part in ("training", "validation", "test")}
        dataset.set_split(parts, {"method": "taken over from the source"}, {})
    return brought
