"""The jobs of the training module, through the real worker process: export, check, import, split, fuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labelledcases import NAMES, ct_of, labels

from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.worker.client import Worker
from RenalAILib.worker.job import read_job, write_job
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.jobs.adding import AddCaseJob
from RenalAITrainingLib.jobs.checking_dataset import CheckDatasetJob
from RenalAITrainingLib.jobs.evaluating import EvaluateJob
from RenalAITrainingLib.jobs.fusing import FuseJob
from RenalAITrainingLib.jobs.importing import ImportJob
from RenalAITrainingLib.jobs.publishing_networks import BundleTexts, PublishJob
from RenalAITrainingLib.jobs.splitting import SplitJob
from RenalAITrainingLib.jobs.synthesising import SynthesiseJob
from RenalAITrainingLib.publishing.model_card import model_card
from RenalAITrainingLib.runs.run import training_environment

TIME = "2026-11-21T13:05Z"
TEXTS = BundleTexts("mine", "1.0", "My kidneys", "CC0-1.0", "Three CTs", "research only", "nobody")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    home = str(tmp_path_factory.mktemp("home"))
    made = Worker(environment=training_environment() | {"RENALAI_HOME": home})
    yield made
    made.close()


def add(number: int, folder: Path, **more: Any) -> AddCaseJob:
    mask = labels((Label.SOLID, "left", 10.0), (Label.CYSTIC, "right", 8.0), seed=number)
    told = {"reader": "reader-1", "time": TIME} | more
    return AddCaseJob(folder, NAMES.case(str(number)), ct_of(mask, number), mask, **told)


def test_from_export_to_split_in_the_worker(worker: Worker, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = worker.start(
        add(0, folder, phase="nephrographic", licence="CC0-1.0", histologies=("papillary_rcc",))
    ).wait()
    assert first["new"] and first["cases"] == 1
    assert first["masses"][0].endswith("papillary_rcc") and "right cystic" in first["masses"][1]
    second = worker.start(add(0, folder, reader="reader-2")).wait()
    assert not second["new"] and second["readers"] == ["reader-1", "reader-2"]
    with pytest.raises(InputError, match="a mask of reader-2 already"):
        worker.start(add(0, folder, reader="reader-2")).wait()
    for number in (1, 2):
        worker.start(add(number, folder)).wait()
    assert worker.start(FuseJob(folder, "majority")).wait() == {"fused": [NAMES.case("0")]}
    steps = []
    checked = worker.start(CheckDatasetJob(folder)).wait(lambda progress: steps.append(progress.message))
    assert checked["cases"] == 3 and [Path(sheet).name for sheet in checked["sheets"]] == ["contact-sheet-1.png"]
    assert not any(finding["severity"] == "error" for finding in checked["findings"])
    assert all(Path(sheet).stat().st_size > 1000 for sheet in checked["sheets"])
    record = worker.start(SplitJob(folder, "1:1:1", seed=4)).wait()
    assert {part["cases"] for part in record["parts"].values()} == {1}
    case = Dataset.open(folder).case(NAMES.case("0"))
    assert case.reference == "fused" and case.times[:2] == (TIME, TIME) and case.facts.phase.value == "nephrographic"
    brought = worker.start(ImportJob(folder, tmp_path / "copy")).wait()
    assert brought["added"] == 3 and not brought["refused"] and brought["layout"]


def test_a_folder_of_no_known_layout_is_told(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the layouts"):
        worker.start(ImportJob(tmp_path, tmp_path / "copy")).wait()


@pytest.mark.parametrize(
    "job",
    [
        SplitJob(Path("data"), "", 5, 3, 2),
        SynthesiseJob(Path("data"), "locate", 4, 1, Path("samples")),
        EvaluateJob(Path("data"), "test", "mine", Path("out"), True, "cpu"),
        PublishJob(TEXTS, {"locate": (Path("a/best.pt"),)}, Path("samples"), Path("into"), Path("e.json"), True),
        CheckDatasetJob(Path("data")),
        ImportJob(Path("a"), Path("b"), "reader-2"),
        FuseJob(Path("a"), "majority"),
    ],
    ids=lambda job: type(job).__name__,
)
def test_a_job_travels_whole(job: Any, tmp_path: Path) -> None:
    assert read_job(write_job(job, tmp_path)) == job


def test_no_name_of_a_node_reaches_the_files_of_the_add_job(tmp_path: Path) -> None:
    job = add(0, tmp_path)
    named = AddCaseJob(
        job.dataset,
        job.name,
        type(job.ct)(job.ct.voxels, job.ct.ijk_to_ras, "DOE^JANE 19700101"),
        job.labels,
        "a",
        TIME,
    )
    path = write_job(named, tmp_path)
    assert "DOE" not in path.read_text(encoding="utf-8")
    back = read_job(path)
    assert isinstance(back, AddCaseJob) and np.array_equal(back.ct.voxels, job.ct.voxels) and back.reader == "a"


def test_the_card_tells_what_was_measured_and_what_not(tmp_path: Path) -> None:
    texts = vars(TEXTS)
    assert "Nothing: no evaluation" in model_card(texts, {"locate": ["demo-locate-1"]}, None)
    estimate = {"value": 0.912, "low": 0.88, "high": 0.94, "count": 3}
    table = {"title": "Overlap", "rows": [{"set": "test", "n": 3, "Dice": estimate, "SD": None}], "notes": []}
    evaluation = {
        "dataset": "mine", "split": "test", "renalai": "0.1", "notes": ["Only 3 patients."],
        "systems": [{"tables": {"overlap": table}}],
    }  # fmt: skip
    card = model_card(texts, {"locate": ["demo-locate-1"]}, evaluation)
    assert (
        "| test | 3 | 0.912 [0.88, 0.94] | - |" in card and "Only 3 patients." in card and "not for diagnosis" in card
    )
    broken = tmp_path / "evaluation.json"
    broken.write_text(json.dumps({"systems": []}), encoding="utf-8")
    with pytest.raises(InputError, match="as an evaluation"):
        PublishJob(TEXTS, {}, tmp_path, tmp_path, broken)._card()


def test_samples_are_synthesised_and_a_second_time_found_there(worker: Worker, tmp_path: Path) -> None:
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not (data / "kits23_masks").is_dir():
        pytest.skip(f"{data} holds no scans and shapes to synthesise from")
    job = SynthesiseJob(data, "characterise", 1, 1, tmp_path / "samples")
    first = worker.start(job).wait()
    assert first["written"] >= 1 and first["samples"] == first["written"]
    assert worker.start(job).wait() == {"written": 0, "samples": first["samples"]}
