"""Several systems as one report, each on its own cases; what is told at a glance: values by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluatedcases import case, false, found, missed, sure

from RenalAILib.errors import InputError
from RenalAILib.labels import Label, MassClass
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.case import Facts
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.vocabulary import ScanPhase
from RenalAITrainingLib.evaluation import measures
from RenalAITrainingLib.evaluation.at_a_glance import at_a_glance
from RenalAITrainingLib.evaluation.bootstrap import Estimate, Resamples
from RenalAITrainingLib.evaluation.cases import CaseResult, Prediction
from RenalAITrainingLib.evaluation.folds import Fold, run_folds, selected
from RenalAITrainingLib.evaluation.listings import case_listing
from RenalAITrainingLib.evaluation.pairs import Pair, select
from RenalAITrainingLib.evaluation.report_folder import write_report
from RenalAITrainingLib.evaluation.sizes import by_size

AML, CYSTIC, SOLID, UNKNOWN = MassClass


def truth() -> Volume:
    """Two kidneys, the right one on the patient's right."""
    labels = np.zeros((12, 24, 36), np.uint8)
    labels[3:9, 8:16, 4:12], labels[3:9, 8:16, 24:32] = Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT
    return Volume(labels, np.diag([-4.0, -4.0, 5.0, 1.0]), "truth")


def scan() -> Volume:
    """Their CT."""
    hu = np.random.default_rng(0).normal(np.where(truth().voxels > 0, 120, -80), 15)
    hu[:, :3] = -1000  # air
    return truth().with_voxels(hu.astype(np.int16))


def table_of(folder: Path, *names: str, part: str = "") -> Path:
    """A .csv with a case of each name, all of the two kidneys."""
    lines = ["ct,labels,patient,set,case"]
    for name in names:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "ct.nii.gz").write_bytes(nifti_ct(scan(), ""))
        (place / "labels.nii.gz").write_bytes(nifti_labels(truth(), ""))
        lines.append(f"{name}/ct.nii.gz,{name}/labels.nii.gz,{name},{part},{name}")
    path = folder / f"{'-'.join(names)}.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Says:
    """A system that answers with the truth, or with both sides mixed up, and notes what it is asked."""

    def __init__(self, name: str, mixed_up: bool = False) -> None:
        self.name, self.asked, self._mixed_up = name, list[str](), mixed_up

    def key(self, pair: Pair) -> str:
        return self.name

    def predict(self, pair: Pair, ct: Volume) -> Prediction:
        self.asked.append(pair.case)
        voxels = truth().voxels
        return Prediction(truth().with_voxels(np.array([0, 2, 1], np.uint8)[voxels] if self._mixed_up else voxels))


def value(cell: object) -> float | None:
    """Of an estimate."""
    assert isinstance(cell, Estimate)
    return cell.value


def test_each_system_sees_its_own_cases_and_all_make_one_report(tmp_path: Path) -> None:
    sources = [table_of(tmp_path, "a", "b", part="contrast"), table_of(tmp_path, "c", part="plain")]
    systems = Says("one 1.0"), Says("other 2.0", mixed_up=True)
    folds = [Fold(system, chosen) for system, chosen in zip(systems, selected(sources, None, False), strict=True)]
    told: list[float] = []
    run, selection = run_folds(folds, tmp_path / "kept", lambda stage, fraction, message: told.append(fraction))
    assert [system.asked for system in systems] == [["a", "b"], ["c"]]
    assert [result.case for result in run.results] == ["a", "b", "c"] == [pair.case for pair in selection.pairs]
    assert run.system == "one 1.0 and other 2.0, 2 folds" and told == sorted(told) and told[-1] == 1.0
    assert any("one 1.0 on a, b; other 2.0 on c" in note for note in selection.notes)
    tables = {table.key: table for table in write_report(selection, None, [run], tmp_path / "out")}
    rows = {row[0]: dict(zip(tables["at_a_glance"].columns, row, strict=True)) for row in tables["at_a_glance"].rows}
    sides = {name: value(row["CTs with both sides right"]) for name, row in rows.items()}
    assert sides == {"contrast": 1.0, "plain": 0.0, "all": pytest.approx(2 / 3)}
    assert value(rows["contrast"]["Dice of kidneys with masses"]) == 1.0
    assert {path.stem for path in (tmp_path / "out/overlays").iterdir()} == {"a", "b", "c"}
    run_folds(folds, tmp_path / "kept", lambda *_: None)
    assert [system.asked for system in systems] == [["a", "b"], ["c"]]  # nothing is asked twice


def test_a_case_in_two_folds_is_refused(tmp_path: Path) -> None:
    sources = [table_of(tmp_path, "a", "b"), table_of(tmp_path, "b", "c")]
    with pytest.raises(InputError, match=r"the case b is in .*a-b\.csv and in .*b-c\.csv"):
        selected(sources, None, False)
    filled = selected([sources[0]], None, True)[0]
    assert all(pair.with_sinus for pair in filled.pairs)


def test_in_a_dataset_without_a_split_each_phase_is_a_set(tmp_path: Path) -> None:
    for folder, phases, sets in (
        ("mixed", (ScanPhase.UNENHANCED, ScanPhase.UNKNOWN), ["phase-unenhanced", "phase-unknown"]),
        ("unknown", (ScanPhase.UNKNOWN, ScanPhase.UNKNOWN), ["", ""]),
    ):
        dataset = Dataset.create(tmp_path / folder, folder)
        for letter, phase in zip("ab", phases, strict=True):
            dataset.add_case(f"p{letter}bcdefghij-aaaa", scan(), truth(), facts=Facts(phase))
        assert [pair.part for pair in select(tmp_path / folder).pairs] == sets
    dataset.set_split({"test": ("pabcdefghij-aaaa",)}, {}, {})
    assert [pair.part for pair in select(tmp_path / "unknown").pairs] == ["test", ""]


def results() -> list[CaseResult]:
    """Masses of 7 (missed), 8 (found, right), 9 (called unknown), 30 mm (missed); false ones of 6 and 12 mm."""
    return [
        case("a", [missed(CYSTIC, 7.0), (found(AML, AML, diameter_mm=8.0), sure(AML, 0.9)), false(SOLID, 6.0)]),
        case(
            "b", [(found(SOLID, UNKNOWN, diameter_mm=9.0), sure(SOLID, 0.5)), missed(SOLID, 30.0), false(SOLID, 12.0)]
        ),
    ]


def test_masses_count_from_their_size_on() -> None:
    table = at_a_glance(results(), Resamples("ab"))
    (row,) = (dict(zip(table.columns, one, strict=True)) for one in table.rows)
    assert (row["true masses from 8 mm"], row["true masses from 10 mm"]) == (3, 1)
    assert value(row["recall from 8 mm"]) == pytest.approx(2 / 3) and value(row["recall from 10 mm"]) == 0
    assert (value(row["class right from 8 mm"]), value(row["unknown from 8 mm"])) == (0.5, 0.5)
    assert value(row["false masses for each CT"]) == 1


def test_precision_in_each_bin() -> None:
    table = by_size(results(), Resamples("ab"))
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert value(rows["5 to 10 mm"]["precision"]) == pytest.approx(2 / 3)
    assert value(rows["10 to 20 mm"]["precision"]) == 0 and value(rows["40 mm and more"]["precision"]) is None


def test_sides_are_right_where_no_kidney_is_and_none_is_drawn() -> None:
    chest = case("chest")
    kidney = chest.agreement.structures[0]
    for structures, right in (((), 1.0), ((replace(kidney, dice=0.0),), 0.0), ((kidney,), 1.0)):
        result = replace(chest, agreement=replace(chest.agreement, structures=structures))
        assert measures.sides_right([result]).value == right


def test_every_case_tells_which_weights_spoke() -> None:
    table = case_listing(results())
    assert {row[table.columns.index("bundle")] for row in table.rows} == {"hand 1.0 00000000"}
