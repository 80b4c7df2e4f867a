"""Test scans: balanced plans, exact truth on the scan's own grid, the same from a seed however often it stops."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paintedscene import KIDNEY_HU, SHAPE, SPACING_MM, painted_scene

from RenalAILib.errors import InputError
from RenalAILib.labels import KIDNEY_LABELS, MASS_LABELS, MassClass
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset import synthetic_scans
from RenalAITrainingLib.dataset.check import Severity, check
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.known_masses import known_masses
from RenalAITrainingLib.dataset.synthesis_command import SynthesiseScans
from RenalAITrainingLib.dataset.synthetic_scans import RECORD, synthesise_scans
from RenalAITrainingLib.dataset.vocabulary import ScanPhase
from RenalAITrainingLib.evaluation.pairs import select
from RenalAITrainingLib.synthesis import sources
from RenalAITrainingLib.synthesis.whole_scans import SIZES_MM, planned_masses

CASES = ("scan-a", "scan-b")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_plans_are_balanced_and_sizes_fill_every_part_of_their_range(seed: int, blocks: int) -> None:
    plans = [planned_masses(number, seed) for number in range(5 * blocks)]
    assert Counter(map(len, plans)) == dict.fromkeys(range(5), blocks)
    masses = [mass for scan in plans for mass in scan]
    counts = Counter(mass.mass_class for mass in masses)
    assert MassClass.UNKNOWN not in counts and max(counts.values()) - min(counts.values()) <= 1
    low, high = np.log(SIZES_MM)
    shares = sorted((np.log(mass.diameter_mm) - low) / (high - low) for mass in masses)
    gaps = np.diff([0.0, *shares, 1.0])
    assert shares[0] >= 0 and shares[-1] <= 1 and gaps.max() <= 2.7 / len(masses)


class PaintedBackground:
    """A painted abdomen in place of a real case; stored with another axis order, as files of patients are."""

    def __init__(self, data: Path, case_id: str) -> None:
        self.case_id, self.scene = case_id, painted_scene(CASES.index(case_id))
        dk, dj, di = SPACING_MM
        affine = np.array([[0, 0, -di, 0], [0, -dj, 0, 0], [dk, 0, 0, 0], [0, 0, 0, 1.0]])
        self.grid = Volume(np.zeros(SHAPE[::-1], np.int16), affine, case_id)


class BallShapes:
    """A library of one ball, as of a KiTS23 patient."""

    def __init__(self, data: Path, held_out: bool = False) -> None:
        self._case = "case_00005" if held_out else "case_00001"

    def draw(self, rng: np.random.Generator, mass_class: MassClass) -> sources.RealShape:
        ball = (np.indices((21, 21, 21)) - 10).astype(float)
        return sources.RealShape(self._case, np.asarray((ball**2).sum(axis=0) < 100), mass_class)


@pytest.fixture(autouse=True)
def _painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic_scans, "Background", PaintedBackground)
    monkeypatch.setattr(synthetic_scans, "ShapeLibrary", BallShapes)


def made(folder: Path, count: int, **told: object) -> int:
    words = {"held_out_shapes": True, "sizes_mm": (8.0, 25.0), "report": lambda line: None} | told
    return synthesise_scans(Path("data"), CASES, count, 3, folder, **words)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five scans in one go."""
    folder = tmp_path_factory.mktemp("scans") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic_scans, "Background", PaintedBackground)
        patch.setattr(synthetic_scans, "ShapeLibrary", BallShapes)
        assert made(folder, 5) == 5
    return folder


def test_it_is_a_dataset_that_check_and_evaluate_take(whole: Path) -> None:
    dataset = Dataset.open(whole)
    assert len(dataset) == 5 and {case.facts.source for case in dataset} == {f"made from {name}" for name in CASES}
    assert [finding.text for finding in check(dataset) if finding.severity is Severity.ERROR] == []
    pairs = select(whole).pairs
    assert len(pairs) == 5 and len({pair.patient for pair in pairs}) == len(CASES)  # a background is a patient


def test_truth_lies_on_the_scan_s_grid_and_the_record_tells_each_mass(whole: Path) -> None:
    dataset = Dataset.open(whole)
    record = json.loads((whole / RECORD).read_text(encoding="utf-8"))
    placed = 0
    for case in dataset:
        ct, labels = dataset.volume(case), dataset.labels(case)
        grid = PaintedBackground(Path(), case.facts.source.removeprefix("made from ")).grid
        assert labels.same_grid(grid) and ct.same_grid(grid) and ct.voxels.dtype == np.int16
        facts = record["scans"][case.name]
        plan = planned_masses(facts["number"], 3, (8.0, 25.0))
        assert len(facts["masses"]) + len(facts["without_place"]) == len(plan)
        assert Counter(m["class"] for m in facts["masses"]) == Counter(m.mass_class.value for m in known_masses(labels))
        assert {m["shape"] for m in facts["masses"]} <= {"case_00005"}
        kidneys, masses = (np.isin(labels.voxels, values) for values in (KIDNEY_LABELS, MASS_LABELS))
        assert kidneys.any() and masses.any() == bool(facts["masses"])
        placed += len(facts["masses"])
    assert placed >= 8  # of ten: two may lack a place


def test_a_plain_scan_that_keeps_its_phase_is_called_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without labelled organs no phase is changed: kidneys of 35 HU tell that there is no contrast agent."""

    class Plain(PaintedBackground):
        def __init__(self, data: Path, case_id: str) -> None:
            super().__init__(data, case_id)
            hu = self.scene.hu - np.float32(KIDNEY_HU - 35) * self.scene.parenchyma
            self.scene = replace(self.scene, hu=hu, organs=np.zeros_like(self.scene.organs))

    monkeypatch.setattr(synthetic_scans, "Background", Plain)
    assert made(tmp_path / "plain", 1) == 1
    (case,) = Dataset.open(tmp_path / "plain")
    assert case.facts.phase is ScanPhase.UNENHANCED


def test_stopped_halfway_it_goes_on_as_if_it_had_not(whole: Path, tmp_path: Path) -> None:
    halves = tmp_path / "halves"
    assert made(halves, 2) == 2
    assert made(halves, 5) == 3 and made(halves, 5) == 0
    one, other = Dataset.open(whole), Dataset.open(halves)
    assert {case.name for case in one} == {case.name for case in other}
    for case in one:
        assert (one.volume(case).voxels == other.volume(case).voxels).all()
        assert (one.labels(case).voxels == other.labels(case).voxels).all()
    with pytest.raises(InputError, match="made with other words"):
        made(halves, 5, held_out_shapes=False)


@pytest.mark.parametrize(
    ("told", "message"),
    [({"sizes_mm": (9.0, 8.0)}, "--sizes between"), ({"sizes_mm": (1.0, 8.0)}, "--sizes between")],
)
def test_sizes_that_cannot_be_are_refused(told: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        made(tmp_path / "out", 5, **told)
    assert not (tmp_path / "out").exists()


def test_the_command_makes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    SynthesiseScans().add_arguments(parser)
    words = ["--data", "data", "--cases", *CASES, "--held-out-shapes", "--sizes", "8", "25", "--count", "1"]
    assert SynthesiseScans().run(parser.parse_args([*words, "--seed", "3", "-o", str(tmp_path / "out")])) == 0
    assert "1 scans written" in capsys.readouterr().out
