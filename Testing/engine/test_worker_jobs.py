"""Each job of the worker as it travels: written to a folder, done from there, its result read back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from paintedbody import painted_outcome
from toybundle import toy_bundle

from RenalAILib.findings import Outcome
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.worker import checking
from RenalAILib.worker.checking import CheckJob
from RenalAILib.worker.comparing import CompareJob
from RenalAILib.worker.job import OUTPUT, Job, write_job
from RenalAILib.worker.page_printing import PrintPageJob
from RenalAILib.worker.progress import DONE, FAILED, Progress
from RenalAILib.worker.reporting import ReportJob
from RenalAILib.worker.serving import do_job


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return painted_outcome()


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The folder that a job travels in."""
    (tmp_path / "desk").mkdir()
    return tmp_path / "desk"


def done(job: Job[Any], desk: Path) -> Any:
    """What a job gives when it is done by whoever reads its file."""
    steps: list[Progress] = []
    assert do_job(write_job(job, desk), steps.append) == 0
    assert steps[-1].stage == DONE and [s.fraction for s in steps] == sorted(s.fraction for s in steps)
    return job.load(desk / OUTPUT)


def test_a_report_of_a_scene_is_the_one_of_its_outcome(outcome: Outcome, desk: Path, tmp_path: Path) -> None:
    mass = outcome.findings.masses[0]
    readings = (Reading(mass.segment_id, Answer.REJECTED, reader="R", time="2026-05-01T10:00:00+00:00"),)
    paths = done(ReportJob(outcome, readings, tmp_path / "new" / "report"), desk)
    assert {path.parent for path in paths.values()} == {tmp_path / "new" / "report"}
    page = (tmp_path / "new" / "report" / "report.html").read_text(encoding="utf-8")
    assert "Rejected" in page or "rejected" in page


def test_a_report_where_no_folder_can_be(outcome: Outcome, desk: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    steps: list[Progress] = []
    job = ReportJob(outcome, (), tmp_path / "file" / "under" / "report")
    assert do_job(write_job(job, desk), steps.append) == 2
    assert steps[-1].stage == FAILED and "cannot be made" in steps[-1].message and "\n" not in steps[-1].message
    assert sorted(path.name for path in desk.iterdir() if path.name.startswith(OUTPUT)) == []


def test_the_page_for_print_comes_back_as_text(outcome: Outcome, desk: Path) -> None:
    page = done(PrintPageJob(outcome, ()), desk)
    assert page.startswith("<") and "data:image/png;base64," in page


def test_labels_agree_with_themselves(outcome: Outcome, desk: Path) -> None:
    labels = outcome.volume.with_voxels(outcome.labels)
    agreement = done(CompareJob(labels, labels), desk)
    assert {structure["dice"] for structure in agreement["structures"]} == {1.0}


def test_the_check_tells_engines_and_bundles(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("good", "spoilt"):
        shutil.copytree(toy_bundle().folder, tmp_path / "bundles" / name)
    (tmp_path / "bundles" / "spoilt" / "LICENSE").write_text("other words", encoding="utf-8")
    monkeypatch.setenv("RENALAI_BUNDLES", str(tmp_path / "bundles"))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    facts = done(CheckJob(), desk)
    assert facts["engines"]["onnxruntime on cpu"] == "works" and facts["packages"]["numpy"]
    assert "all files verified" in facts["bundles"]["good"] and "changed file" in facts["bundles"]["spoilt"]
    assert facts["memory_gb"] is None or facts["memory_gb"] > 0


def test_memory_is_told_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", nothing)
    told = checking.memory_gb()
    assert told is None or told > 0.5
