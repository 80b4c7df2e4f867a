"""`renalai evaluate` of a detector: the toy bundle on painted scans, counted by hand."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))
from toybundle import LEFT, LEFT_AML, RIGHT, RIGHT_SOLID, axial, inside, painted
from toydetector import RIGHT_CYST, SEEN, make_detector

from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.report.nifti import nifti_ct, nifti_labels
from RenalAITrainingLib.evaluation.command import Evaluate
from RenalAITrainingLib.metrics.detection import JudgedBoxes, detection_scores, hits
from RenalAITrainingLib.publishing.model_card import model_card


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Three masses in the first scan; in the second, one of the true masses is not to be seen, and one is not true."""
    truths = (
        (RIGHT, 1), (LEFT, 2), (RIGHT_SOLID, Label.SOLID), (RIGHT_CYST, Label.CYSTIC), (LEFT_AML, Label.AML)
    )  # fmt: skip
    for name, missing, parts in (("one", (), SEEN), ("two", (LEFT_AML,), (*SEEN[:4], SEEN[5]))):
        folder = tmp_path / "cases" / name
        folder.mkdir(parents=True)
        ct = painted(*axial(), parts, noise_hu=2.0)
        labels = np.zeros(ct.shape, np.uint8)
        for organ, value in truths:
            if organ not in missing:
                labels[inside(ct, organ)] = value
        (folder / "ct.nii.gz").write_bytes(nifti_ct(ct, name))
        (folder / "labels.nii.gz").write_bytes(nifti_labels(ct.with_voxels(labels), name))
    return tmp_path / "cases"


def evaluate(*words: str) -> int:
    command = Evaluate()
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([*words, "--device", "cpu"]))


def test_candidates_are_counted_against_masses(cases: Path, tmp_path: Path) -> None:
    make_detector(tmp_path / "bundle")
    assert evaluate(str(cases), "--bundle", str(tmp_path / "bundle"), "-o", str(tmp_path / "out")) == 0
    content = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))
    scans = {row["Case"]: row for row in content["tables"]["scans"]["rows"]}
    assert (scans["one"]["Masses"], scans["one"]["Found"], scans["one"]["False"]) == (3, 3, 0)
    assert (scans["two"]["Masses"], scans["two"]["Found"], scans["two"]["False"]) == (2, 1, 1)
    (total,) = content["tables"]["candidates"]["rows"]
    assert total["Sensitivity"] == pytest.approx(4 / 5)
    assert total["False per scan"] == pytest.approx(0.5)
    froc = content["tables"]["froc"]["rows"]
    assert froc[0]["Sensitivity"] == pytest.approx(4 / 5) and froc[0]["False per scan"] == pytest.approx(0.5)
    assert all(one["Sensitivity"] >= other["Sensitivity"] for one, other in pairwise(froc))
    texts = dict.fromkeys(("name", "version", "title", "license", "training_domain", "intended_use", "citation"), "t")
    card = model_card(texts | {"demonstration": True}, {"slice-detect": ["ssd-renal"]}, content)
    assert "Candidates in 3-D" in card and "FROC" in card and "Scan by scan" not in card
    rows = {row["Class"]: row for row in content["tables"]["slices"]["rows"]}
    assert rows["mass"]["Lesions"] == 5 and rows["kidney"]["Lesions"] == 4
    assert 0.5 < rows["mass"]["Sensitivity"] <= 1
    assert rows["mass"]["Recall"] == pytest.approx(
        rows["mass"]["True positive"] / (rows["mass"]["True positive"] + rows["mass"]["False negative"])
    )
    assert "Boxes in slices" in (tmp_path / "out/evaluation.html").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="finds boxes"):
        evaluate(
            str(cases), "--bundle", str(tmp_path / "bundle"), "--against", str(tmp_path / "bundle"), "-o",
            str(tmp_path / "other"),
        )  # fmt: skip


def test_each_true_box_counts_once_and_the_best_score_takes_it() -> None:
    truth = np.array([[0.1, 0.1, 0.3, 0.3], [0.6, 0.6, 0.8, 0.8]])
    boxes = np.array([[0.1, 0.1, 0.3, 0.3], [0.11, 0.1, 0.31, 0.3], [0.4, 0.4, 0.5, 0.5]])
    judged = JudgedBoxes(truth, ["a", "b"], boxes, np.array([0.6, 0.9, 0.8]))
    assert hits(judged).tolist() == [-1, 0, -1]
    one = detection_scores([judged, JudgedBoxes(truth[:1], ["b"], truth[:1], np.array([0.55]))])
    assert (one.true_positive, one.false_positive, one.false_negative) == (2, 2, 1)
    assert (one.precision, one.recall, one.sensitivity) == (0.5, pytest.approx(2 / 3), 1.0)
    assert one.f1 == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))
    # By falling score: right, wrong, wrong, right; precision 1 at the first third of recall, 0.5 at the second.
    assert one.average_precision == pytest.approx((1 + 0.5) / 3)
    nothing = detection_scores([JudgedBoxes(truth[:0], [], boxes[:0], np.zeros(0))])
    assert np.isnan([nothing.precision, nothing.recall, nothing.f1, nothing.sensitivity]).all()
