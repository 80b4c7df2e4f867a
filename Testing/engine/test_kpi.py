"""Key figures: what real files say, and nothing where they say nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from toybundle import toy_outcome

from RenalAILib.cli import main
from RenalAILib.errors import InputError
from RenalAILib.kpi import Kpi, collect, kpis
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.report import write_outcome


def _by_name(*places: Path) -> dict[str, Kpi]:
    return {line.name: line for line in kpis(collect(places))}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three results; in one a radiologist answered to two masses, 90 s apart."""
    folder = tmp_path_factory.mktemp("results")
    outcome = toy_outcome()
    masses = outcome.findings.masses
    answers = [
        Reading(masses[0].segment_id, Answer.ACCEPTED, time="2026-03-01T14:05:00+01:00"),
        Reading(masses[1].segment_id, Answer.ACCEPTED, time="2026-03-01T14:06:30+01:00"),
    ]
    for n, seconds in enumerate((2.0, 4.0, 9.0)):
        timings = {"read": 0.5, "locate": 0.2, "delineate": 1.0, "characterise": 0.1, "networks": 1.1, "total": seconds}
        timed = replace(outcome, findings=replace(outcome.findings, timings_s=timings))
        write_outcome(timed, folder / str(n), readings=answers if n == 2 else ())
    return folder


def test_times_are_those_of_the_findings(results: Path) -> None:
    found = _by_name(results)
    written = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*/findings.json"))]
    totals = [one["timings_s"]["total"] for one in written]
    computer = found["time-to-diagnose, computer"]
    assert (computer.value, computer.count, computer.paper) == (sorted(totals)[1], 3, "12 s")
    assert found["time-to-diagnose, reader"].value == 90.0 and found["time-to-diagnose, reader"].count == 1
    assert found["time-to-diagnose, both"].value == pytest.approx(totals[2] + 90.0)
    assert found["time of preprocessing"].value == pytest.approx(0.5 + 1.3 - 1.1)
    assert found["time of training per epoch"].value is None and found["time of training per epoch"].count == 0


def test_training_by_epoch_and_as_a_whole(tmp_path: Path) -> None:
    lines = [
        {"event": "train", "step": step, "seconds_per_step": seconds, "epoch": step / 40}
        for step, seconds in ((10, 0.5), (20, 0.4), (80, 0.6))
    ]
    for name in ("locate", "delineate"):
        (tmp_path / name).mkdir()
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / name / "metrics.jsonl").write_text(text + '{"event": "tr', encoding="utf-8")
    (tmp_path / "locate" / "status.json").write_text('{"elapsed_s": 100.0}', encoding="utf-8")
    found = _by_name(tmp_path)
    assert found["time of training per epoch"].value == pytest.approx(0.5 * 40)
    assert found["time-to-model-in-production"].value == pytest.approx(100.0 + 0.5 * 80)
    assert found["time-to-model-in-production"].count == 2


def test_quality_is_that_of_the_evaluation(tmp_path: Path) -> None:
    def row(name: str, count: int, dice: float) -> dict[str, object]:
        return {"class": name, "CTs": count, "Dice": {"value": dice, "low": dice - 0.1, "high": dice + 0.1}}

    kits = [row("kidney and mass", 5, 0.9), row("kidney and mass", 7, 0.8), row("mass", 7, 0.5)]
    confusion = [
        {"truth": "AML", "AML": 3, "cystic": 0, "solid": 1, "unknown class": 0, "missed": 2},
        {"truth": "solid", "AML": 0, "cystic": 1, "solid": 4, "unknown class": 1, "missed": 0},
        {"truth": "no mass", "AML": 9, "cystic": 9, "solid": 9, "unknown class": 0, "missed": None},
    ]
    tables = {"kits": {"rows": kits}, "confusion": {"rows": confusion}}
    content = {"schema": "renalai.evaluation/1", "systems": [{"tables": tables}]}
    (tmp_path / "evaluation.json").write_text(json.dumps(content), encoding="utf-8")
    found = _by_name(tmp_path)
    kidney = found["kidney segmentation quality, Dice"]
    assert (kidney.value, kidney.low, kidney.count, kidney.paper) == (0.8, pytest.approx(0.7), 7, "0.84")
    assert found["tumor segmentation quality, Dice"].value == 0.5
    accuracy = found["classification quality, accuracy"]
    assert (accuracy.value, accuracy.count) == (pytest.approx(7 / 10), 10)


def test_the_command_prints_and_writes_the_table(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kpi", str(results), "-o", str(tmp_path / "kpi.json")]) == 0
    told = capsys.readouterr().out
    assert "time-to-diagnose" in told and "not measured" in told and "12 s" in told
    assert len(json.loads((tmp_path / "kpi.json").read_text(encoding="utf-8"))["kpis"]) == 9


def test_what_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no findings\.json"):
        collect([tmp_path])
    with pytest.raises(InputError, match="does not exist"):
        collect([tmp_path / "nothing"])
    (tmp_path / "findings.json").write_text("[1", encoding="utf-8")
    with pytest.raises(InputError, match=r"findings\.json cannot be read"):
        collect([tmp_path])


def test_accuracy_is_that_of_slices_where_slices_vote(tmp_path: Path) -> None:
    """The study counts images; of two evaluations the one on more of them."""
    for name, count, value in (("a", 40, 0.7), ("b", 90, 0.9)):
        accuracy = {"value": value, "low": 0.6, "high": 0.95, "count": count}
        rows = [{"what": "images", "count": count, "accuracy": accuracy}, {"what": "patients, by vote", "count": 4}]
        content = {"schema": "renalai.vote-evaluation/1", "tables": {"measures": {"rows": rows}}}
        (tmp_path / name).mkdir()
        (tmp_path / name / "evaluation.json").write_text(json.dumps(content), encoding="utf-8")
    (line,) = [one for one in kpis(collect([tmp_path])) if one.name == "classification quality, accuracy"]
    assert (line.value, line.low, line.count, line.paper) == (0.9, 0.6, 90, "0.92 and 0.85")
