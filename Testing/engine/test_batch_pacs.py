"""A PACS query as the source of a batch, with a real Orthanc: killed on the way it goes on; nothing is there twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from killing import kill_with_engines
from scanfiles import write_series
from testpacs import PASSWORD, USER, running
from toybundle import axial, painted, toy_bundle

from RenalAILib.batch.manifest import read_events
from RenalAILib.cli import main

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ["1.2.7.1", "1.2.7.2"]


def _write_studies(folder: Path) -> list[Path]:
    """Two patients' CTs, and one that the query does not ask for."""
    affine, shape = axial((6.0, 4.0, 4.0))
    paths = []
    for number, study in enumerate([*STUDIES, "1.2.7.4"]):

        def change(_: int, data: pydicom.Dataset, study: str = study, number: int = number) -> None:
            data.StudyInstanceUID, data.PatientID, data.PatientName = study, f"P{number}", f"Secret^{number}"
            data.StudyDate, data.StudyTime, data.StudyID = ("20260102" if number < 2 else "20250102"), "101112", "7"
            data.AccessionNumber = f"A{number}"

        voxels = painted(affine, shape, noise_hu=2.0).voxels + number
        paths += write_series(folder / study, voxels, affine, change=change)
    return paths


@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is what POSIX has")
def test_a_query_is_done_once_though_the_batch_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path / "orthanc", secured=True) as pacs:
        connection = ["--ca", str(pacs.folder / "authority.pem"), "--attempts", "2"]
        monkeypatch.setenv("RENALAI_PACS_USER", USER)
        monkeypatch.setenv("RENALAI_PACS_PASSWORD", PASSWORD)
        environment = os.environ | {"PYTHONPATH": str(ROOT / "RenalAI"), "OMP_NUM_THREADS": "1"}
        environment["TMPDIR"] = str(tmp_path / "temporary")  # what is killed at the wrong moment leaves something there
        (tmp_path / "temporary").mkdir()
        for path in _write_studies(tmp_path / "ct"):
            pacs.upload(path)
        images = len(pacs.series()["CT"])
        words = ["batch", "run", "--pacs", pacs.url, "--date", "20260101-", "--send", "-o", str(tmp_path / "out")]
        words += ["--bundle", str(toy_bundle().folder), "--device", "cpu", *connection]
        command = [sys.executable, "-m", "RenalAILib", *words]
        results, manifest = tmp_path / "out" / "results", tmp_path / "out" / "manifest-0-of-1.jsonl"

        def killed(condition: str) -> None:
            """Starts the batch and ends it with SIGKILL as soon as so many files are there."""
            with (tmp_path / "batch.log").open("ab") as log:
                process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            deadline = time.monotonic() + 200
            while not any((tmp_path / "out").glob(condition)) and process.poll() is None:
                assert time.monotonic() < deadline, (tmp_path / "batch.log").read_text(encoding="utf-8")
                time.sleep(0.02)
            kill_with_engines(process)

        killed("fetched/*")  # in the middle of fetching
        killed("results/*/segmentation.dcm")  # a result is there, and is being sent
        monkeypatch.setenv("RENALAI_PACS_USER", USER)
        monkeypatch.setenv("RENALAI_PACS_PASSWORD", PASSWORD)
        assert main(words) == 0
        told = capfd.readouterr()
        assert "2 done, 0 failed" in told.out and (tmp_path / "out" / "cohort.html").is_file()
        kinds = {kind: len(found) for kind, found in pacs.series().items()}
        assert kinds.pop("CT") == images and kinds["SEG"] == kinds["SR"] == 2
        ended = [event["record"]["name"] for event in read_events(manifest) if event["event"] == "ended"]
        assert Counter(ended) == Counter(STUDIES)
        assert sorted(path.name.rpartition("-")[0] for path in results.iterdir()) == STUDIES
        assert not list((tmp_path / "out" / "fetched").iterdir())
        before, count = manifest.read_bytes(), pacs.get("statistics")["CountInstances"]
        monkeypatch.setenv("RENALAI_PACS_USER", USER)
        monkeypatch.setenv("RENALAI_PACS_PASSWORD", PASSWORD)
        assert main(words) == 0
        assert (manifest.read_bytes(), pacs.get("statistics")["CountInstances"]) == (before, count)
    told = capfd.readouterr()
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    texts = [told.out.encode(), told.err.encode(), *(path.read_bytes() for path in written)]
    assert not any(PASSWORD.encode() in text for text in texts)
    logs = [path for path in written if path.suffix in (".log", ".jsonl", ".csv", ".html")]
    assert logs and not any(b"Secret" in path.read_bytes() for path in logs)


def test_where_the_studies_come_from_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["batch", "run", "-o", str(tmp_path / "out")]
    for more, problem in (
        ([], "needs a folder or a .csv file, or --pacs"),
        ([str(tmp_path), "--date", "20260101-"], "--date needs --pacs"),
        ([str(tmp_path), "--pacs", "http://127.0.0.1:9"], "give one of them"),
        (["--pacs", "http://127.0.0.1:9", "--attempts", "1"], "does not answer"),
    ):
        assert main([*words, *more]) == 2
        assert problem in capsys.readouterr().err
