"""Findings: the optional parts of the newer pipelines travel through JSON and leave the others as they were."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from paintedbody import painted_outcome

from RenalAILib.boxes import Box
from RenalAILib.detections import Detection
from RenalAILib.findings import Findings
from RenalAILib.labels import Side
from RenalAILib.verdicts import SliceVote, Verdict
from RenalAILib.volume import Volume


def _votes(*votes: str) -> tuple[SliceVote, ...]:
    return tuple(
        SliceVote(k, (1.5, -2.0, 3.0 * k), {"benign": 0.25, "rcc": 0.75}, vote) for k, vote in enumerate(votes)
    )


def test_findings_without_the_new_parts_do_not_name_them() -> None:
    data = painted_outcome().findings.to_json()
    assert "verdict" not in data and "detections" not in data


@pytest.mark.parametrize("side", [None, Side.LEFT])
def test_verdict_and_detections_come_back_from_json(side: Side | None) -> None:
    oblique = Volume(
        np.zeros((9, 8, 7)), np.array([[0.6, -0.8, 0, 5], [0.8, 0.6, 0, -3], [0, 0, 2.5, 1], [0, 0, 0, 1]])
    )
    detection = Detection.of_box("candidate_1", "mass", 0.875, Box((1, 2, 3), (4, 6, 5)), oblique, (1, 2, 3), side)
    verdict = Verdict("rcc", "rcc", 0.51, _votes("rcc", "benign", "rcc"), side)
    findings = replace(painted_outcome().findings, verdict=verdict, detections=(detection,))
    again = Findings.from_json(json.loads(json.dumps(findings.to_json())))
    assert again == findings
    assert again.verdict is not None and again.verdict.share == pytest.approx(2 / 3)
    assert again.verdict.shares == {"benign": pytest.approx(1 / 3), "rcc": pytest.approx(2 / 3)}


def test_a_box_has_its_corners_where_its_voxels_end() -> None:
    oblique = Volume(
        np.zeros((9, 8, 7)), np.array([[0.6, -0.8, 0, 5], [0.8, 0.6, 0, -3], [0, 0, 2.5, 1], [0, 0, 0, 1]])
    )
    box = Box((1, 2, 3), (4, 6, 5))
    detection = Detection.of_box("candidate_1", "mass", 1.0, box, oblique, (1,))
    assert detection.size_mm == pytest.approx((2.0, 4.0, 7.5))
    ends = np.array([(k, j, i) for k in (0.5, 3.5) for j in (1.5, 5.5) for i in (2.5, 4.5)])
    expected = {tuple(np.round(corner, 6)) for corner in oblique.ras(ends)}
    assert {tuple(np.round(corner, 6)) for corner in detection.corners_ras} == expected


def test_a_verdict_needs_votes() -> None:
    with pytest.raises(ValueError, match="at least one slice"):
        Verdict("rcc", None, 0.5, ())
