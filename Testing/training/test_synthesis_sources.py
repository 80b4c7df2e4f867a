"""Sources: one convention for kidneys, held-out cases out of reach, a store filled the same however often it stops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from paintedscene import painted_scene

from RenalAILib.cli import main as renalai
from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAITrainingLib.convention import to_convention, with_sinus
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.stages import Stage
from RenalAITrainingLib.synthesis import scans, sources
from RenalAITrainingLib.synthesis.fields import Noise
from RenalAITrainingLib.synthesis.filling import synthesise
from RenalAITrainingLib.synthesis.phantoms import FIRST_TRAINING_SEED, phantom_scene

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
with_data = pytest.mark.skipif(not (DATA / "ct").is_dir(), reason="the shared CTs are not beside this checkout")


def _kidney_with_hilum() -> np.ndarray:
    """A disc of 20 mm radius in each of three slices, with a round sinus that opens by a channel of 6 mm."""
    j, i = np.indices((60, 60)) - 30
    disc = (j**2 + i**2 < 400) & ~(j**2 + i**2 < 64) & ~((np.abs(j) < 3) & (i > 0))
    return np.stack([np.zeros_like(disc), disc, disc, disc, np.zeros_like(disc)])


def test_the_convention_fills_sinus_and_hilum_and_little_else() -> None:
    mask = _kidney_with_hilum()
    filled = with_sinus(mask, (3.0, 1.0, 1.0))
    assert (filled[mask]).all() and filled[2, 30, 30] and filled[2, 30, 45]
    j, i = np.indices((60, 60)) - 30
    assert not (filled[2] & (j**2 + i**2 > 21**2)).any()
    assert not filled[0].any() and not filled[4].any()


def test_the_convention_is_in_millimetres() -> None:
    mask = _kidney_with_hilum()
    assert not with_sinus(mask, (3.0, 1.0, 1.0), closing_mm=2.0)[2, 30, 45]
    assert with_sinus(mask, (3.0, 0.5, 0.5), closing_mm=2.0)[2, 30, 45]


def test_the_convention_keeps_masses_and_other_organs() -> None:
    labels = _kidney_with_hilum().astype(np.uint8) * np.uint8(Label.KIDNEY_LEFT)
    labels[2, 28:32, 11:16] = Label.CYSTIC
    keep = np.zeros(labels.shape, bool)
    keep[2, 30, 30] = True
    filled = to_convention(labels, (3.0, 1.0, 1.0), keep)
    assert (filled[labels > 0] == labels[labels > 0]).all()
    assert filled[2, 30, 30] == 0 and filled[2, 33, 30] == Label.KIDNEY_LEFT


def test_training_validation_and_held_out_cases_are_apart() -> None:
    parts = [set(sources.TRAINING_CASES), set(sources.VALIDATION_CASES), set(sources.HELD_OUT_CASES)]
    assert sum(map(len, parts)) == len(set.union(*parts))


@pytest.mark.parametrize("case_id", sources.HELD_OUT_CASES)
def test_a_held_out_case_is_refused(case_id: str) -> None:
    with pytest.raises(InputError, match="held out"):
        sources.load_case(DATA, case_id)


def test_missing_data_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["dataset", "synthesise", "--data", str(tmp_path), "--stage", "locate", "-o", str(tmp_path / "out")]
    assert renalai([*words, "--count", "1"]) == 2
    assert "holds no KiTS23 masks" in capsys.readouterr().err
    assert renalai([*words, "--count", "0"]) == 2


@with_data
def test_shapes_for_training_and_for_tests_share_no_patient() -> None:
    training, held_out = sources.ShapeLibrary(DATA), sources.ShapeLibrary(DATA, held_out=True)
    assert not set(training.case_ids) & set(held_out.case_ids)
    assert len(held_out.case_ids) == pytest.approx(len(training.case_ids) / 4, rel=0.05)


@with_data
def test_btcv_kidneys_change_little_by_the_convention() -> None:
    """The expert's mask against the filled one: Dice 0.93 or more; two kidneys on their sides."""
    for case_id in ("btcv_0034", "btcv_0039"):
        case = sources.load_case(DATA, case_id)
        for value in (Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT):
            filled = case.labels == value
            raw = case.parenchyma & filled
            assert 2 * raw.sum() / (raw.sum() + filled.sum()) >= 0.93
        right, left = (np.argwhere(case.labels == value)[:, 2].mean() for value in (1, 2))
        assert right < left, "i runs to the patient's left"


def test_noise_is_not_taken_from_kidneys_with_pyramids() -> None:
    """Without a labelled liver it is that of soft tissue: here 12 HU, beside kidneys of stripes 100 HU apart."""
    rng = np.random.default_rng(0)
    hu, labels = np.full((12, 60, 60), 60.0), np.zeros((12, 60, 60), np.uint8)
    labels[:, 20:40, 20:40] = Label.KIDNEY_LEFT
    hu[labels > 0] = np.where(np.indices(hu.shape)[2] % 6 < 3, 100.0, 200.0)[labels > 0]
    hu = hu + Noise(12.0, (0.2, 0.5, 0.5)).draw(rng, (12, 60, 60))
    empty = np.zeros(labels.shape, np.uint8)
    case = sources.RealCase("made", hu.astype(np.int16), labels, labels > 0, empty, np.array([3.0, 0.8, 0.8]))
    assert scans.real_scene(case, "train").noise.sd_hu == pytest.approx(12.0, rel=0.15)


def test_phantoms_of_training_never_have_a_seed_of_the_demonstration() -> None:
    scene = phantom_scene(3, "train", "locate")
    assert scene.sources == (f"phantom_{FIRST_TRAINING_SEED + 3}",) and scene.kind == "phantom"
    assert set(np.unique(scene.labels)) <= {int(value) for value in Label}


@with_data
@pytest.mark.parametrize("stage", ["locate", "characterise"])
def test_a_store_stopped_halfway_is_filled_as_if_it_had_not(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole is made at once in one folder, in two goes with a lost line in another; of painted scenes, quickly."""
    monkeypatch.setattr(scans, "phantom_scene", lambda number, split, stage: painted_scene(number))
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    written = synthesise(DATA, stage, 3, 4, whole, phantom_share=1.0)
    synthesise(DATA, stage, 1, 4, halves, phantom_share=1.0)
    index = halves / "samples.jsonl"
    lines = index.read_text(encoding="utf-8").splitlines(keepends=True)
    index.write_text("".join(lines[: max(1, len(lines) - 1)]), encoding="utf-8")
    assert synthesise(DATA, stage, 3, 4, halves, phantom_share=1.0) >= 1
    assert synthesise(DATA, stage, 3, 4, halves, phantom_share=1.0) == 0
    first = {(r.extra["draw"], r.extra["part"]): n for n, r in enumerate(SampleStore(whole).records)}
    second = {(r.extra["draw"], r.extra["part"]): n for n, r in enumerate(SampleStore(halves).records)}
    assert first.keys() == second.keys() and len(first) == written
    for key, number in first.items():
        one, other = SampleStore(whole)[number], SampleStore(halves)[second[key]]
        assert (one.image == other.image).all() and (one.label == other.label).all()


@with_data
def test_real_samples_name_only_training_cases(tmp_path: Path) -> None:
    synthesise(DATA, "locate", 2, 5, tmp_path, phantom_share=0.0)
    shapes = set(sources.ShapeLibrary(DATA).case_ids)
    for line in (tmp_path / "samples.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        allowed = sources.TRAINING_CASES if record["split"] == "train" else sources.VALIDATION_CASES
        assert record["sources"][0] in allowed and set(record["sources"][1:]) <= shapes
