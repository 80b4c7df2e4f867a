"""Folds of a cross-validation: who tests, validates and trains, and that no tested scan is synthesised from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RenalAILib.errors import InputError
from RenalAITrainingLib.evaluation.pairs import Pair, Selection
from RenalAITrainingLib.plans import bundle_plan
from RenalAITrainingLib.plans.cross_validation import Folds, cross_validate, folds_of
from RenalAITrainingLib.plans.making_bundle import Sources
from RenalAITrainingLib.samples import Split
from RenalAITrainingLib.synthesis import scans, sources
from RenalAITrainingLib.training.options import Options


def shared(sizes: list[int]) -> Folds:
    """Folds of so many cases each."""
    names = [f"case-{n}" for n in range(sum(sizes))]
    stops = np.cumsum(sizes)
    folds = tuple(tuple(names[stop - size : stop]) for size, stop in zip(sizes, stops, strict=True))
    pairs = tuple(Pair(name, f"patient-{name}", "", Path(name), Path(name)) for name in names)
    return Folds(folds, Selection("set", pairs))


@given(st.lists(st.integers(1, 4), min_size=3, max_size=6))
def test_every_case_tests_once_and_does_one_thing_in_each_fold(sizes: list[int]) -> None:
    folds = shared(sizes)
    everyone = sorted(pair.case for pair in folds.selection.pairs)
    tested = []
    for number in range(len(sizes)):
        parts = folds.parts(number)
        assert sorted((*parts.training, *parts.validation, *parts.test)) == everyone
        assert parts.training and parts.validation
        assert [pair.case for pair in folds.pairs(number)] == list(parts.test)
        assert {pair.part for pair in folds.pairs(number)} == {f"fold-{number + 1}"}
        tested += parts.test
    assert sorted(tested) == everyone


def data_folder(folder: Path, count: int) -> Path:
    """A data folder as far as sharing out looks."""
    for number in range(count):
        case = folder / "ct" / f"scan-{number}"
        case.mkdir(parents=True)
        for name in ("ct.nii.gz", "labels.nii.gz"):
            (case / name).write_bytes(b"")
    (folder / "ct" / "without-labels").mkdir()
    return folder


def test_the_labelled_scans_of_a_data_folder_are_shared_out_alike_every_time(tmp_path: Path) -> None:
    data = data_folder(tmp_path, 7)
    folds = folds_of(Sources(data), 3)
    assert sorted(len(names) for names in folds.names) == [2, 2, 3]
    assert {name for names in folds.names for name in names} == {f"scan-{n}" for n in range(7)}
    assert folds_of(Sources(data), 3).names == folds.names
    with pytest.raises(InputError, match="9 folds are not possible with the 7 labelled CTs"):
        folds_of(Sources(data), 9)


@pytest.mark.parametrize(
    ("source", "folds", "told"),
    [(Sources(), 3, "name the dataset with --dataset, or the data folder"), (Sources(), 2, "must be 3 or more, got 2")],
)
def test_what_cannot_be_cross_validated_is_told(source: Sources, folds: int, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        cross_validate(bundle_plan.load("toy"), source, tmp_path / "out", folds, Options(), lambda line: None)
    assert not (tmp_path / "out").exists()


def test_samples_are_drawn_from_the_scans_of_their_split_and_from_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from scans that the shipped weights hold out, and never from one that a fold tests."""
    loaded: list[tuple[str, Split]] = []

    def load(data: Path, case_id: str, held_out: object = sources.HELD_OUT_CASES) -> str:
        assert case_id not in held_out  # type: ignore[operator]
        return case_id

    monkeypatch.setattr(scans, "load_case", load)
    monkeypatch.setattr(scans, "real_scene", lambda case, split: loaded.append((case, split)))
    cases: dict[Split, list[str]] = {"train": ["btcv_0005", "lidc0001"], "validation": ["btcv_0006"]}
    found = scans.Scans(Path("data"), cases)
    rng = np.random.default_rng(0)
    for split in ("train", "validation"):
        for _ in range(20):
            found.draw(rng, split, "locate", 0.0, 0)
    assert set(loaded) == {("btcv_0005", "train"), ("lidc0001", "train"), ("btcv_0006", "validation")}
    with pytest.raises(AssertionError):
        scans.Scans(Path("data")).scene("btcv_0005", "train")  # of the shipped weights it stays held out


def test_the_plan_for_it_is_the_shipped_recipe() -> None:
    ours, shipped = bundle_plan.load("crossval-demo").plan, bundle_plan.load("zhao2023-demo-fast").plan
    assert (ours.synthesise, ours.networks) == (shipped.synthesise, shipped.networks)
