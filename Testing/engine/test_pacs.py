"""The PACS, a real Orthanc: a study goes up, is segmented, and its results come back to it, once."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from killing import kill_with_engines
from scanfiles import write_series
from test_dicom_results import program
from testpacs import PASSWORD, USER, Authority, Orthanc, running
from toybundle import axial, painted, toy_bundle

from RenalAILib.batch.manifest import read_events
from RenalAILib.cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT of two kidneys with three masses, 30 slices."""
    affine, shape = axial((6.0, 4.0, 4.0))
    folder = tmp_path_factory.mktemp("ct")

    def complete(_: int, data: pydicom.Dataset) -> None:
        data.StudyDate, data.StudyTime, data.StudyID, data.AccessionNumber = "20260102", "101112", "7", "A1"
        data.StudyDescription = "Abdomen"

    write_series(folder, painted(affine, shape, noise_hu=2.0).voxels, affine, description="portal", change=complete)
    return folder


@pytest.fixture(scope="module")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running(tmp_path_factory.mktemp("orthanc")) as started:
        yield started


def study_of(ct: Path) -> str:
    return str(pydicom.dcmread(next(ct.iterdir()), stop_before_pixels=True).StudyInstanceUID)


def segment_words(pacs: Orthanc, output: Path) -> list[str]:
    return ["pacs", "segment", pacs.url, "-o", str(output), "--bundle", str(toy_bundle().folder), "--device", "cpu"]


def test_round_trip(pacs: Orthanc, ct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = study_of(ct)
    assert main(["pacs", "send", pacs.url, str(ct)]) == 0
    assert "30 sent, 0 were there" in capsys.readouterr().out
    assert main(["pacs", "find", pacs.url, "--date", "20260101-20260131", "--accession", "A1"]) == 0
    assert study in (told := capsys.readouterr().out).replace("\n", "") and "1 study" in told
    assert main(["pacs", "get", pacs.url, "--study", study, "-o", str(tmp_path / "got")]) == 0
    fetched = sorted((tmp_path / "got" / study).rglob("*.dcm"))
    pixels = _pixels(list(ct.iterdir()))
    assert _pixels(fetched) == pixels

    assert main(segment_words(pacs, tmp_path / "out")) == 0
    assert "3 sent, 0 were there" in capsys.readouterr().out
    series = pacs.series()
    assert sorted(len(found) for found in series.values()) == [1, 1, 1, 30] and {"SEG", "SR"} <= set(series)
    (result,) = (tmp_path / "out" / "results").iterdir()
    back = {kind: pydicom.dcmread(io.BytesIO(pacs.download(series[kind][0]))) for kind in ("SEG", "SR")}
    assert {str(data.StudyInstanceUID) for data in back.values()} == {study}
    _dcmqi_reads(pacs, series, result, fetched, tmp_path)
    assert not (tmp_path / "out" / "fetched" / study).exists()

    instances = pacs.get("statistics")["CountInstances"]
    assert main(segment_words(pacs, tmp_path / "out")) == 0  # finished: not even fetched
    assert "0 done, 0 failed" in capsys.readouterr().out
    (tmp_path / "out" / "manifest-0-of-1.jsonl").write_text("", encoding="utf-8")  # killed between sending and noting
    assert main(segment_words(pacs, tmp_path / "out")) == 0
    assert "0 sent, 3 were there" in capsys.readouterr().out
    assert pacs.get("statistics")["CountInstances"] == instances


def _pixels(files: list[Path]) -> dict[str, bytes]:
    return {str(data.SOPInstanceUID): data.PixelData for data in map(pydicom.dcmread, files)}


def _dcmqi_reads(pacs: Orthanc, series: dict[str, list[str]], result: Path, slices: list[Path], tmp_path: Path) -> None:
    """The objects that came back from the PACS, by the C++ programs of dcmqi."""
    import SimpleITK as sitk

    for kind in ("SEG", "SR"):
        (tmp_path / f"{kind}.dcm").write_bytes(pacs.download(series[kind][0]))
    segments = tmp_path / "segments"
    segments.mkdir()
    words = ["--inputDICOM", str(tmp_path / "SEG.dcm"), "--outputDirectory", str(segments), "--outputType", "nii"]
    subprocess.run([program("segimage2itkimage", "pip install dcmqi"), *words], check=True, capture_output=True)
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(result / "labels.nii.gz")))
    volumes = [sitk.ReadImage(str(path)) for path in sorted(segments.glob("*.nii.gz"))]
    assert sum(int((sitk.GetArrayFromImage(image) > 0).sum()) for image in volumes) == int((labels > 0).sum())
    folder = tmp_path / "composite"
    folder.mkdir()
    for path in (tmp_path / "SEG.dcm", *slices):
        (folder / path.name).write_bytes(path.read_bytes())
    words = ["--inputDICOM", str(tmp_path / "SR.dcm"), "--outputMetadata", str(tmp_path / "sr.json")]
    read = subprocess.run(
        [program("tid1500reader", "pip install dcmqi"), *words], capture_output=True, encoding="utf-8", errors="replace"
    )
    assert read.returncode == 0, read.stderr
    groups = json.loads((tmp_path / "sr.json").read_text(encoding="utf-8"))["Measurements"]
    findings = json.loads((result / "findings.json").read_text(encoding="utf-8"))
    assert len(groups) >= len(findings["masses"]) > 0


def test_login_over_tls_and_the_password_stays_nowhere(
    ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path / "orthanc", secured=True) as pacs:
        authority = ["--ca", str(pacs.folder / "authority.pem"), "--attempts", "2"]

        def send(*words: str, user: str = USER, password: str = PASSWORD) -> int:
            monkeypatch.setenv("RENALAI_PACS_USER", user)
            monkeypatch.setenv("RENALAI_PACS_PASSWORD", password)
            return main(["pacs", "send", pacs.url, str(ct), *words])

        assert send(*authority, password="wrong") == 2
        assert "wants other credentials (HTTP 401)" in capfd.readouterr().err
        assert send() == 2
        assert "is not trusted: certificate verify failed" in capfd.readouterr().err
        assert pacs.get("statistics")["CountInstances"] == 0
        assert send(*authority) == 0
        monkeypatch.setenv("RENALAI_PACS_USER", USER)
        monkeypatch.setenv("RENALAI_PACS_PASSWORD", PASSWORD)
        assert main([*segment_words(pacs, tmp_path / "out"), *authority]) == 0
        assert "RENALAI_PACS_PASSWORD" not in os.environ
        told = capfd.readouterr()
        assert "3 sent" in told.out
        assert len(pacs.series()) == 4
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    texts = [told.out.encode(), told.err.encode(), *(path.read_bytes() for path in written)]
    assert not any(PASSWORD.encode() in text or USER.encode() + b":" in text for text in texts)
    logs = [path for path in written if path.suffix in (".log", ".jsonl")]
    assert logs and not any(b"Phantom^Small" in path.read_bytes() for path in logs)


def test_a_client_certificate_for_dicomweb(
    ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The TLS in front of the PACS asks clients for a certificate of its own authority."""
    ours, others = Authority(tmp_path / "ours"), Authority(tmp_path / "others", "others")
    with running(tmp_path / "orthanc", secured=True, authority=ours) as pacs:

        def find(*words: object) -> int:
            monkeypatch.setenv("RENALAI_PACS_USER", USER)
            monkeypatch.setenv("RENALAI_PACS_PASSWORD", PASSWORD)
            return main(["pacs", "find", pacs.url, "--ca", str(ours.pem), "--attempts", "1", *map(str, words)])

        own, key = ours.certificate("client")
        assert find("--cert", own, "--key", key) == 0
        assert "0 studies" in capfd.readouterr().out
        assert find() == 2
        assert "certificate" in capfd.readouterr().err
        other, other_key = others.certificate("client")
        assert find("--cert", other, "--key", other_key) == 2
        assert "certificate" in capfd.readouterr().err
        locked = tmp_path / "locked.pem"
        lock = ["openssl", "pkcs8", "-topk8", "-in", str(key), "-out", str(locked), "-passout", "pass:secret"]
        subprocess.run(lock, check=True, capture_output=True)
        for words, problem in (
            (["--cert", own, "--key", locked], "is locked by a password"),
            (["--cert", own, "--key", other_key], "no certificate and key in PEM format that belong together"),
            (["--cert", own], "give --cert and --key together"),
            (["--ca", next(ct.iterdir())], "holds no certificates in PEM format"),
        ):
            assert find(*words) == 2
            assert problem in capfd.readouterr().err


@pytest.mark.timeout(900)
def test_watch_takes_a_new_ct_once_though_the_pacs_dies(ct: Path, tmp_path: Path) -> None:
    """The study comes in two halves; the PACS is killed and started again; the watch is killed -9 and started again."""
    with running(tmp_path / "orthanc") as pacs:
        words = ["pacs", "watch", pacs.url, *segment_words(pacs, tmp_path / "out")[3:], "--every", "0.3"]
        env = os.environ | {"PYTHONPATH": str(ROOT / "RenalAI"), "OMP_NUM_THREADS": "1"}
        env["TMPDIR"] = str(tmp_path / "temporary")  # what is killed at the wrong moment leaves something there
        (tmp_path / "temporary").mkdir()
        command = [sys.executable, "-m", "RenalAILib", *words, "--attempts", "2"]
        slices = sorted(ct.iterdir())
        assert main(["pacs", "send", pacs.url, *map(str, slices[:10])]) == 0
        assert main(["pacs", "send", pacs.url, *map(str, slices[10:])]) == 0
        with (tmp_path / "watch.log").open("w", encoding="utf-8") as log:
            watching = subprocess.Popen(command, env=env, stdout=log, stderr=log)
            try:
                _until(lambda: (tmp_path / "out" / "fetched").is_dir())
                pacs.stop(kill=True)
                _until(
                    lambda: any((tmp_path / "out").glob("results/*/segmentation.dcm")) or _says(tmp_path, "try again")
                )
                kill_with_engines(watching)
                pacs.start()
                watching = subprocess.Popen(command, env=env, stdout=log, stderr=log)
                _until(lambda: len(_ended(tmp_path)) == 1)
                assert {"SEG", "SR"} <= set(pacs.series())
                count = pacs.get("statistics")["CountInstances"]
                time.sleep(1.5)
                assert pacs.get("statistics")["CountInstances"] == count == 33
            finally:
                kill_with_engines(watching)
        assert len(_ended(tmp_path)) == 1
        assert np.all([len(found) == 1 for kind, found in pacs.series().items() if kind != "CT"])


def _says(folder: Path, words: str) -> bool:
    return words in (folder / "watch.log").read_text(encoding="utf-8")


def _ended(folder: Path) -> list[str]:
    """The studies whose end is on disk; what is printed of it may be lost with a kill."""
    manifest = folder / "out" / "manifest-0-of-1.jsonl"
    events = read_events(manifest) if manifest.is_file() else []
    return [event["record"]["name"] for event in events if event["event"] == "ended"]


def _until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 250
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def test_a_pacs_that_is_not_there_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("dicomweb_client")
    assert main(["pacs", "find", "http://127.0.0.1:9/dicom-web", "--patient-id", "Secret^Name", "--attempts", "1"]) == 2
    error = capsys.readouterr().err
    assert "does not answer" in error and "Secret" not in error
