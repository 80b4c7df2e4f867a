"""Splits: by patient, exact in size, alike in content, the same for the same seed; oversampling is on record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelledcases import NAMES

from RenalAILib.errors import InputError
from RenalAILib.labels import MassClass, Side
from RenalAITrainingLib.dataset.case import Case, KnownMass
from RenalAITrainingLib.dataset.split import parsed_ratio, split_by_ratio, split_in_folds


def case(patient: int, scan: int, masses: Sequence[tuple[MassClass, float]]) -> Case:
    known = tuple(KnownMass(Side.LEFT, mass_class, size) for mass_class, size in masses)
    return Case(NAMES.case(str(patient), str(scan)), ("reader-1",), "reader-1", known)


masses = st.lists(st.tuples(st.sampled_from(MassClass), st.floats(2, 120)), max_size=3)


@st.composite
def many(draw: st.DrawFn) -> list[Case]:
    scans = draw(st.lists(st.integers(1, 3), min_size=1, max_size=40))
    return [case(patient, scan, draw(masses)) for patient, count in enumerate(scans) for scan in range(count)]


@settings(max_examples=60, deadline=None)
@given(many(), st.sampled_from(["8:1:1", "70:20:10", "70:10:20", "4:1"]), st.integers(0, 99))
def test_every_patient_is_in_one_part_and_sizes_are_exact(cases: list[Case], ratio: str, seed: int) -> None:
    shares = parsed_ratio(ratio)
    parts = split_by_ratio(cases, shares, seed).parts
    assert Counter(name for names in parts.values() for name in names) == Counter(each.name for each in cases)
    where: dict[str, set[str]] = {}
    for part, names in parts.items():
        for name in names:
            where.setdefault(name.partition("-")[0], set()).add(part)
    assert all(len(held) == 1 for held in where.values())
    counts = Counter(next(iter(held)) for held in where.values())
    for part, share in shares.items():
        assert abs(counts[part] - share * len(where)) < 2
        assert counts[part] > 0 or len(where) < len(shares)
    assert split_by_ratio(cases, shares, seed).parts == parts


def test_rare_classes_and_sizes_are_shared_in_the_ratio() -> None:
    cases = [case(n, 0, [(MassClass.AML, 30.0)]) for n in range(20)]
    cases += [case(n, 0, [(MassClass.SOLID, 10.0 if n % 2 else 50.0)]) for n in range(20, 120)]
    cases += [case(n, 0, []) for n in range(120, 160)]
    for seed in range(5):
        parts = split_by_ratio(cases, parsed_ratio("8:1:1"), seed).parts
        for held in ([c.name for c in cases[:20]], [c.name for c in cases[21:120:2]], [c.name for c in cases[120:]]):
            for part, share in parsed_ratio("8:1:1").items():
                assert abs(len(set(parts[part]) & set(held)) - share * len(held)) <= 1.0 + 1e-9


def test_the_seed_matters_for_single_patients() -> None:
    cases = [case(n, 0, [(MassClass.SOLID, 10.0)]) for n in range(10)]
    tests = {split_by_ratio(cases, parsed_ratio("8:1:1"), seed).parts["test"] for seed in range(30)}
    assert len(tests) >= 8


@settings(max_examples=30, deadline=None)
@given(many(), st.integers(2, 6))
def test_folds_differ_by_one_patient_at_most(cases: list[Case], folds: int) -> None:
    patients = len({each.patient for each in cases})
    if folds > patients:
        with pytest.raises(InputError, match="not possible"):
            split_in_folds(cases, folds, 0)
        return
    parts = split_in_folds(cases, folds, 0).parts
    sizes = [len({name.partition("-")[0] for name in names}) for names in parts.values()]
    assert sum(sizes) == patients and max(sizes) - min(sizes) <= 1


def test_oversampling_is_recorded_and_for_training_alone() -> None:
    cases = [case(n, 0, [(MassClass.AML if n < 4 else MassClass.SOLID, 30.0)]) for n in range(40)]
    made = split_by_ratio(cases, parsed_ratio("8:1:1"), 3, oversample=5)
    rare = {each.name for each in cases[:4]} & set(made.parts["training"])
    assert rare and made.repeats == dict.fromkeys(sorted(rare, key=list(made.parts["training"]).index), 5)
    assert made.record["drawn_more_than_once"] == made.repeats and made.record["seed"] == 3
    assert split_by_ratio(cases, parsed_ratio("8:1:1"), 3).repeats == {}


@pytest.mark.parametrize("text", ["8", "0:1:1", "a:b", "8:1:1:1", "-8:1:1", ""])
def test_bad_ratios_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="ratio"):
        parsed_ratio(text)


def test_an_empty_dataset_is_refused() -> None:
    with pytest.raises(InputError, match="no case"):
        split_by_ratio([], parsed_ratio("8:1:1"), 0)


def test_ratios_sum_to_one() -> None:
    for text in ("8:1:1", "70:20:10", "70:10:20"):
        shares = parsed_ratio(text)
        assert sum(shares.values()) == pytest.approx(1)
        assert all(big >= small for big, small in pairwise([shares["training"], shares["test"]]))
