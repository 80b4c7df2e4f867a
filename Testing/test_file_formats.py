"""The page of file formats names what the code writes: no key more, none less."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from RenalAILib.batch import cohort, sources
from RenalAILib.bundles.stages import KINDS
from RenalAILib.bundles.store import find_bundles
from RenalAILib.compare import compare_labels
from RenalAILib.findings import Mass
from RenalAILib.labels import Label
from RenalAILib.phases.measuring import PhaseTable
from RenalAILib.radiologist.readings import Answer, Reading
from RenalAILib.report import OWNED, write_outcome
from RenalAILib.report.table import COLUMNS as FINDINGS_COLUMNS
from RenalAILib.study.task import StudyRecord
from RenalAILib.verdicts import SliceVote, Verdict
from RenalAITrainingLib.dataset import folder as dataset_folder
from RenalAITrainingLib.dataset.case import COLUMNS as CASE_COLUMNS
from RenalAITrainingLib.runs.plan import RunPlan, Status
from RenalAITrainingLib.samples import SampleRecord

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "Resources" / "Docs" / "formats.md"
sys.path.insert(0, str(ROOT / "Testing" / "engine"))


def told() -> dict[str, list[str]]:
    """The names in the first columns of the page's tables, by the heading above each."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            found.setdefault(heading, []).extend(re.findall(r"`([^`]+)`", line.split("|")[1]))
    return found


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """findings.json of a painted body, as it is written, with every optional part."""
    from dataclasses import replace

    from paintedbody import painted_outcome

    from RenalAILib.boxes import Box
    from RenalAILib.detections import Detection

    outcome = painted_outcome()
    kidney, mass = outcome.findings.kidneys[0], outcome.findings.masses[0]
    vote = SliceVote(3, (0.0, 0.0, 0.0), {"benign": 0.1, "rcc": 0.9}, "rcc")
    box = Detection.of_box("candidate_1", "mass", 0.9, Box((1, 2, 3), (2, 4, 6)), outcome.volume, (1,))
    more = replace(
        outcome.findings,
        kidneys=(replace(kidney, drawn=True), *outcome.findings.kidneys[1:]),
        masses=(replace(mass, drawn=1), *outcome.findings.masses[1:]),
        removed=(kidney, mass),
        verdict=Verdict("rcc", None, 0.5, (vote,)),
        detections=(box,),
    )
    reading = Reading(mass.segment_id, Answer.ACCEPTED)
    files = write_outcome(
        replace(outcome, findings=more), tmp_path_factory.mktemp("result") / "out", readings=[reading]
    )
    content: dict[str, Any] = json.loads(files["findings.json"].read_text(encoding="utf-8"))
    return content


OF_FINDINGS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "findings.json": lambda content: content,
    "A kidney": lambda content: content["kidneys"][0],
    "A mass": lambda content: content["masses"][0],
    "Evidence": lambda content: content["masses"][0]["evidence"],
    "A candidate": lambda content: content["detections"][0],
    "A verdict": lambda content: content["verdict"],
    "A reading": lambda content: content["readings"][0],
}


@pytest.mark.parametrize("heading", OF_FINDINGS)
def test_the_findings(heading: str, findings: dict[str, Any]) -> None:
    assert sorted(told()[heading]) == sorted(OF_FINDINGS[heading](findings))


def names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def cohort_columns() -> set[str]:
    text = cohort.csv_text([cohort.Row(StudyRecord("a", "b", reason="none"))])
    return set(next(csv.reader(io.StringIO(text))))


LISTS: dict[str, Callable[[], set[str]]] = {
    "Label values": lambda: {str(int(label)) for label in Label},
    "The result folder": lambda: set(OWNED),
    "phases.json": lambda: names(PhaseTable) | {"schema"},
    "A dataset": lambda: {
        getattr(dataset_folder, name) for name in ("INDEX", "TABLE", "DATALIST", "FOLDS", "SPLIT_RECORD")
    },
    "samples.jsonl": lambda: {"class" if name == "mass_class" else name for name in names(SampleRecord) - {"extra"}},
    "run.json": lambda: names(RunPlan) | {"schema"},
    "status.json": lambda: names(Status),
    "The list": lambda: set(sources._COLUMNS),
    "manifest-I-of-N.jsonl": lambda: names(StudyRecord),
    "cohort.csv": cohort_columns,
}


@pytest.mark.parametrize("heading", LISTS)
def test_what_has_no_order(heading: str) -> None:
    assert sorted(told()[heading]) == sorted(LISTS[heading]())


@pytest.mark.parametrize(
    ("heading", "columns"), [("findings.csv", FINDINGS_COLUMNS), ("cases.csv", CASE_COLUMNS)], ids=["findings", "cases"]
)
def test_columns_stand_in_their_order(heading: str, columns: tuple[str, ...]) -> None:
    assert tuple(told()[heading]) == columns


def test_the_agreement() -> None:
    from RenalAILib.volume import Volume

    labels = np.zeros((12, 20, 20), np.uint8)
    labels[3:9, 3:9, 3:9] = Label.KIDNEY_RIGHT
    volume = Volume(labels, np.diag([-1.0, -1.0, 2.0, 1.0]))
    content = compare_labels(volume, volume).to_json()
    assert sorted(told()["agreement.json"]) == sorted(content)
    assert sorted(told()["A structure"]) == sorted(content["structures"][0])


def test_the_metadata_of_a_bundle() -> None:
    path = find_bundles()["zhao2023-demo"] / "configs" / "metadata.json"
    assert sorted(told()["configs/metadata.json"]) == sorted(json.loads(path.read_text(encoding="utf-8")))


def test_every_kind_of_bundle_is_told() -> None:
    text = (PAGE.parent / "bundles.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []


def test_no_table_is_forgotten() -> None:
    known = {
        *OF_FINDINGS,
        *LISTS,
        "findings.csv",
        "cases.csv",
        "agreement.json",
        "A structure",
        "configs/metadata.json",
    }
    assert set(told()) == known
    assert "drawn" in names(Mass)
