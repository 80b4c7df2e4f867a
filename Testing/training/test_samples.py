"""The sample store: round trip, refusal of nonsense, and what a killed writer leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass
from RenalAITrainingLib.samples import INDEX, SampleRecord, SampleStore

IMAGE = np.linspace(-1000, 1000, 60).reshape(3, 4, 5)
LABEL = np.zeros((3, 4, 5), np.uint8)


def _append(store: SampleStore, **changes: object) -> SampleRecord:
    given: dict = {"split": "train", "stage": "locate", "kind": "real", "sources": ["a"], "seed": 3} | changes
    return store.append(given.pop("image", IMAGE), given.pop("label", LABEL), **given)


def test_round_trip(tmp_path: Path) -> None:
    label = LABEL.copy()
    label[1, 1, 1] = Label.AML
    store = SampleStore(tmp_path / "new" / "store")
    _append(store)
    _append(store, stage="characterise", mass_class=MassClass.AML, label=label, split="validation", hu=-60.5)
    again = SampleStore(store.folder)
    assert again.records == store.records and len(again) == 2
    assert again[1].record.extra == {"hu": -60.5} and again[1].record.mass_class is MassClass.AML
    np.testing.assert_array_equal(again[0].image, np.rint(IMAGE).astype(np.int16))
    np.testing.assert_array_equal(again.split("validation")[0].label, label)
    assert [sample.record.id for sample in again] == [1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"split": "test"},
        {"stage": "detect"},
        {"kind": "fake"},
        {"label": LABEL + 7},
        {"label": LABEL[:2]},
        {"image": np.full(IMAGE.shape, np.nan)},
        {"mass_class": MassClass.AML},
        {"stage": "characterise"},
        {"stage": "characterise", "mass_class": MassClass.AML, "label": LABEL + Label.SOLID},
        {"id": 7},
    ],
)
def test_refuses_what_does_not_fit_and_writes_nothing(tmp_path: Path, changes: dict) -> None:
    store = SampleStore(tmp_path / "store")
    with pytest.raises((ValueError, TypeError)):
        _append(store, **changes)
    assert not store.folder.exists()


def test_a_killed_writer_leaves_whole_samples_only(tmp_path: Path) -> None:
    store = SampleStore(tmp_path)
    _append(store)
    (tmp_path / "00002.image.npy").write_bytes(b"half")  # killed within the arrays
    with open(tmp_path / INDEX, "a", encoding="utf-8") as index:
        index.write('{"id": 2, "spl')  # killed within the line
    assert len(SampleStore(tmp_path)) == 1
    assert _append(SampleStore(tmp_path)).id == 3
    assert [record.id for record in SampleStore(tmp_path).records] == [1, 3]


def test_two_writers_never_take_one_number(tmp_path: Path) -> None:
    first, second = SampleStore(tmp_path), SampleStore(tmp_path)
    assert [_append(first).id, _append(second).id, _append(first).id] == [1, 2, 3]
    assert len(SampleStore(tmp_path)) == 3


def test_a_broken_store_is_named(tmp_path: Path) -> None:
    store = SampleStore(tmp_path)
    _append(store)
    (tmp_path / "00001.label.npy").unlink()
    with pytest.raises(InputError, match=r"00001\.label\.npy"):
        SampleStore(tmp_path)[0]
    (tmp_path / INDEX).write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        SampleStore(tmp_path)
