"""Two bundles of slice votes side by side: paired differences by hand, and the command on painted patients."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from labelledcases import NAMES

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from slicevotebundle import make_vote_bundle
from toybundle import AML, BODY, LEFT, RIGHT, SOLID, Ellipsoid, axial, inside, painted

from RenalAILib.cli import main as renalai
from RenalAILib.labels import Label
from RenalAILib.verdicts import SliceVote, Verdict
from RenalAITrainingLib.dataset.case import Facts
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.vocabulary import Histology
from RenalAITrainingLib.evaluation.bootstrap import Estimate
from RenalAITrainingLib.evaluation.vote_tables import JudgedCase, compared_votes
from RenalAITrainingLib.metrics.slices import JudgedSlice

CLASSES = ("benign", "rcc")


def _case(number: int, truth: str, *probabilities: float) -> JudgedCase:
    """A patient whose slices have these probabilities of rcc."""
    told = [{"benign": 1 - p, "rcc": p} for p in probabilities]
    slices = tuple(JudgedSlice(f"p{number}", truth, one) for one in told)
    votes = tuple(SliceVote(k, (0, 0, k), one, max(one, key=lambda name: one[name])) for k, one in enumerate(told))
    label = "rcc" if np.mean(probabilities) > 0.5 else "benign"
    return JudgedCase(f"case-{number}", truth, Verdict(label, "benign", 0.51, votes), slices)


def test_differences_are_paired_and_counted_by_hand() -> None:
    first = [
        _case(1, "rcc", 0.9, 0.8),
        _case(2, "benign", 0.1, 0.2),
        _case(3, "benign", 0.9, 0.7),
        _case(9, "rcc", 0.9),
    ]
    second = [_case(3, "benign", 0.2, 0.3), _case(1, "rcc", 0.7), _case(2, "benign", 0.6, 0.4)]
    comparison, differing = compared_votes(first, second, ("A 1", "B 1"), CLASSES)
    rows = {row[0]: row[1:] for row in comparison.rows}

    def values(name: str) -> list[float | None]:
        return [cell.value for cell in rows[name][:3] if isinstance(cell, Estimate)]

    assert values("accuracy of patients") == pytest.approx([2 / 3, 1, 1 / 3])
    assert values("accuracy of images") == pytest.approx([4 / 6, 4 / 5, 4 / 5 - 4 / 6])  # case 9 is not shared
    assert values("specificity of patients") == pytest.approx([0.5, 1, 0.5])
    assert values("AUC of images") == pytest.approx([(4 + 4 - 1.5) / 8, 1, 1 - 6.5 / 8])
    assert [row[:3] for row in differing.rows] == [("case-3", "benign", "rcc")] and differing.rows[0][4] == "benign"
    assert "3 scans" in comparison.notes[0]


def _patients(folder: Path) -> None:
    """Oncocytomas as fat and carcinomas as solid tissue, one in the middle of the body each."""
    dataset = Dataset.create(folder, "votes")
    for number, (histology, hu) in enumerate(((Histology.ONCOCYTOMA, AML), (Histology.CLEAR_CELL_RCC, SOLID)) * 2):
        affine, shape = axial((10.0, 6.0, 6.0), half_mm=60.0)
        mass = Ellipsoid((0, 0, 0), (60.0, 60.0, 50.0), hu + 5 * number)
        ct = painted(affine, shape, (BODY, RIGHT, LEFT, mass))
        labels = np.zeros(shape, np.uint8)
        labels[inside(ct, RIGHT)], labels[inside(ct, LEFT)] = Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT
        labels[inside(ct, mass)] = Label.SOLID
        dataset.add_case(NAMES.case(f"vote {number}"), ct, ct.with_voxels(labels), facts=Facts(histology=histology))


def test_two_bundles_by_the_command(tmp_path: Path) -> None:
    """One bundle knows how bright a carcinoma is, the other calls everything one."""
    _patients(tmp_path / "data")
    words = ["evaluate", str(tmp_path / "data"), "-o", str(tmp_path / "out"), "--device", "cpu"]
    for name, bright, changes in (
        ("knows", (AML + SOLID) / 2, {"classes": ["oncocytoma", "rcc"], "decisive": "oncocytoma"}),
        ("never", -500.0, {"classes": ["oncocytoma", "rcc"], "decisive": "oncocytoma"}),
        ("other", 0.0, {}),
    ):
        make_vote_bundle(tmp_path / name, bright, **changes)
    against = ["--bundle", str(tmp_path / "knows"), "--against"]
    assert renalai([*words, *against, str(tmp_path / "never")]) == 0
    content = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))
    rows = {row["measure"]: row for row in content["tables"]["comparison"]["rows"]}
    measured = rows["accuracy of patients"]
    assert measured["toy-vote 0.0.1 (first)"]["value"] == 1 and measured["toy-vote 0.0.1 (second)"]["value"] == 0.5
    assert measured["difference"]["value"] == -0.5
    assert len(content["tables"]["differing"]["rows"]) == 2
    assert content["tables"]["against_confusion_patients"]["rows"][0]["rcc"] == 2
    assert list((tmp_path / "out/against/rcc").glob("*_true-oncocytoma.png"))
    page = (tmp_path / "out/evaluation.html").read_text(encoding="utf-8")
    assert "Side by side" in page and "Cases with different verdicts" in page and "of the second" in page
    assert renalai([*words, *against, str(tmp_path / "other")]) == 2  # other classes
