"""Split: which patients train, which validate, which test.

Patients, never scans, are split. They are ordered by what is in them (rarest class first, then the size of their
largest mass) and dealt out along that order, so that every stretch of like patients is shared in the wanted ratio and
the parts have their sizes exactly: systematic sampling. The seed shuffles like patients and turns the order's start.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from RenalAILib.errors import InputError
from RenalAILib.labels import MassClass

from .case import Case

PARTS = ("training", "validation", "test")
SIZE_STEPS_MM = (5.0, 20.0, 40.0, 70.0)
"""Steps of the largest mass: small in Zhao 2023, then T1a and T1b of the TNM classification (8th edition)."""


@dataclass(frozen=True)
class MadeSplit:
    """A split, with what is to be known about it.

    Attributes:
        parts: names of cases.
        repeats: how many times training draws a case, where more than once.
        record: seed, ratio, and the numbers of patients, cases and masses in each part.
    """

    parts: dict[str, tuple[str, ...]]
    repeats: dict[str, int]
    record: dict[str, Any]


def parsed_ratio(text: str) -> dict[str, float]:
    """Shares of training, validation and test.

    Raises:
        InputError: it is not two or three numbers with a colon between, of which the first is above 0.

    Example:
        >>> parsed_ratio("8:1:1")
        {'training': 0.8, 'validation': 0.1, 'test': 0.1}
    """
    if not re.fullmatch(r"\d+(\.\d+)?(:\d+(\.\d+)?){1,2}", text):
        raise InputError(f"the ratio {text!r} must be numbers such as 8:1:1, 70:20:10 or 4:1")
    numbers = [float(number) for number in text.split(":")]
    if numbers[0] <= 0:
        raise InputError(f"the ratio {text!r} leaves nothing to train on")
    return {part: number / sum(numbers) for part, number in zip(PARTS, numbers, strict=False)}


def split_by_ratio(cases: Sequence[Case], ratio: Mapping[str, float], seed: int, oversample: int = 1) -> MadeSplit:
    """Training, validation and test.

    Args:
        cases: all that are to be split.
        ratio: shares of the parts, as from `parsed_ratio`. A part with a share gets at least one patient while there
            are enough, training first.
        seed: of the draw.
        oversample: the most times that training may draw a case of a rare class; 1 draws every case once.

    Raises:
        InputError: there is no case.
    """
    parts = _dealt(cases, ratio, seed)
    repeats = _repeats([case for case in cases if case.name in set(parts["training"])], oversample)
    record = {"seed": seed, "ratio": dict(ratio), "oversample_at_most": oversample}
    return MadeSplit(parts, repeats, _recorded(record, cases, parts, repeats))


def split_in_folds(cases: Sequence[Case], folds: int, seed: int) -> MadeSplit:
    """Folds of equal size for cross-validation: each validates once, the others train.

    Raises:
        InputError: fewer than two folds, or fewer patients than folds.
    """
    patients = len({case.patient for case in cases})
    if not 2 <= folds <= patients:
        raise InputError(f"{folds} folds are not possible with {patients} patients")
    parts = _dealt(cases, {f"fold_{n}": 1 / folds for n in range(1, folds + 1)}, seed)
    return MadeSplit(parts, {}, _recorded({"seed": seed, "folds": folds}, cases, parts, {}))


def _dealt(cases: Sequence[Case], ratio: Mapping[str, float], seed: int) -> dict[str, tuple[str, ...]]:
    if not cases:
        raise InputError("the dataset has no case to split")
    rng = np.random.default_rng(seed)
    patients = sorted({case.patient for case in cases})
    patients = [patients[int(n)] for n in rng.permutation(len(patients))]
    rarity = _classes(cases)
    strata = {patient: _stratum([case for case in cases if case.patient == patient], rarity) for patient in patients}
    patients.sort(key=lambda patient: strata[patient])  # stable: like patients stay shuffled
    turn = int(rng.integers(len(patients)))
    patients = patients[turn:] + patients[:turn]
    sizes = _sizes(len(patients), ratio)
    taken: Counter[str] = Counter()
    part_of = {}
    for n, patient in enumerate(patients, 1):
        part = max(sizes, key=lambda name: (sizes[name] * n / len(patients) - taken[name], sizes[name] > taken[name]))
        taken[part] += 1
        part_of[patient] = part
    return {part: tuple(case.name for case in cases if part_of[case.patient] == part) for part in ratio}


def _sizes(count: int, ratio: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers in the ratio that sum to ``count`` (largest remainders), none 0 that need not be."""
    sizes = {part: int(share * count) for part, share in ratio.items()}
    by_remainder = sorted(ratio, key=lambda part: sizes[part] - ratio[part] * count)
    for part in by_remainder[: count - sum(sizes.values())]:
        sizes[part] += 1
    for part, share in ratio.items():
        largest = max(sizes, key=lambda name: sizes[name])
        if share > 0 and sizes[part] == 0 and sizes[largest] > 1:
            sizes[part], sizes[largest] = 1, sizes[largest] - 1
    return sizes


def _classes(cases: Iterable[Case]) -> list[str]:
    """Classes of masses, the rarest (by cases) first; those that no case has are left out."""
    counts = Counter(name for case in cases for name in {mass.mass_class.value for mass in case.masses})
    return sorted(counts, key=lambda name: (name == MassClass.UNKNOWN.value, counts[name], name))


def _stratum(cases: Iterable[Case], rarity: list[str]) -> tuple[int, int]:
    masses = [mass for case in cases for mass in case.masses]
    if not masses:
        return len(rarity), 0
    rarest = min(rarity.index(mass.mass_class.value) for mass in masses)
    largest = max(mass.diameter_mm for mass in masses)
    return rarest, sum(largest >= step for step in SIZE_STEPS_MM)


def _repeats(training: Sequence[Case], at_most: int) -> dict[str, int]:
    """Cases of a class that fewer cases have than the commonest are drawn more often, up to ``at_most`` times."""
    if at_most < 1:
        raise InputError(f"a case can be drawn once at least, got {at_most}")
    having = Counter(name for case in training for name in {mass.mass_class.value for mass in case.masses})
    having.pop(MassClass.UNKNOWN.value, None)
    repeats = {}
    for case in training:
        classes = {mass.mass_class.value for mass in case.masses} & having.keys()
        wanted = max((round(max(having.values()) / having[name]) for name in classes), default=1)
        if min(wanted, at_most) > 1:
            repeats[case.name] = min(wanted, at_most)
    return repeats


def _recorded(
    record: dict[str, Any], cases: Sequence[Case], parts: Mapping[str, tuple[str, ...]], repeats: Mapping[str, int]
) -> dict[str, Any]:
    known = {case.name: case for case in cases}
    content = {}
    for part, names in parts.items():
        members = [known[name] for name in names]
        content[part] = {
            "patients": len({case.patient for case in members}),
            "cases": len(members),
            "masses": Counter(mass.mass_class.value for case in members for mass in case.masses),
            "without_mass": sum(not case.masses for case in members),
        }
    method = "by patient, stratified by rarest class and size of the largest mass"
    steps = {"size_steps_mm": list(SIZE_STEPS_MM)}
    return {"method": method} | record | steps | {"parts": content, "drawn_more_than_once": dict(repeats)}
