"""A batch on a real Dask scheduler with three workers, of which one is killed in the middle: each study once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from batchfolder import BROKEN, write_broken, write_cts
from toybundle import toy_bundle

from RenalAILib.batch.manifest import read_events
from RenalAILib.batch.on_dask import DaskCluster
from RenalAILib.batch.running import Plan, run_batch
from RenalAILib.batch.shares import shares, visible_gpus
from RenalAILib.batch.sources import find_studies
from RenalAILib.bundles.store import export_bundle
from RenalAILib.cli import main
from RenalAILib.engines.threads import available_cores
from RenalAILib.errors import InputError

distributed = pytest.importorskip("distributed", reason="Dask is not installed (pip install 'renalai[dask]')")
ROOT = Path(__file__).resolve().parents[2]
WORKERS = 3


class Cluster:
    """A scheduler and its workers as processes, each worker with an empty home of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        address = folder / "scheduler.json"
        self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(address)
        )
        (folder / "temporary").mkdir()
        self.address = self._told(address)
        self.workers = [
            self._start(
                "dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0",
                "--name", f"w{n}", "--local-directory", str(folder / f"w{n}"), home=folder / f"home{n}",
            )
            for n in range(WORKERS)
        ]  # fmt: skip

    def _told(self, file: Path) -> str:
        """The address that the scheduler writes into a file, once it is there as a whole."""
        end = time.monotonic() + 200
        while True:
            with suppress(OSError, ValueError):
                return str(json.loads(file.read_text(encoding="utf-8"))["address"])
            assert time.monotonic() < end, (self._folder / "dask_scheduler.log").read_text(encoding="utf-8")
            time.sleep(0.05)

    def _start(self, module: str, *words: str, home: Path | None = None) -> subprocess.Popen[bytes]:
        env = os.environ | {"PYTHONPATH": str(ROOT / "RenalAI"), "OMP_NUM_THREADS": "1"}
        env["TMPDIR"] = str(self._folder / "temporary")  # what is killed at the wrong moment leaves something there
        if home is not None:
            env["RENALAI_HOME"] = str(home)
        with (self._folder / f"{module}.log").open("ab") as log:
            command = [sys.executable, "-m", f"distributed.cli.{module}", *words]
            self._processes.append(subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=self._folder))
        return self._processes[-1]

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait(200)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    started = Cluster(tmp_path)
    yield started
    started.stop()


@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is what POSIX has")
def test_one_of_three_workers_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    good = write_cts(tmp_path / "in", 5)
    bad = write_broken(tmp_path / "in", good[0])
    plan = Plan(find_studies(tmp_path / "in"), tmp_path / "out", toy_bundle(), device="cpu")
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(WORKERS, timeout=250)

    def kill() -> None:
        results = tmp_path / "out" / "results"
        deadline = time.monotonic() + 400
        while (not results.is_dir() or not any(results.glob("*/findings.json"))) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(cluster.workers[1].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    most = [0]

    def told(pace: object, ended: object) -> None:
        events = list(read_events(plan.manifest))
        under_way = {event["study"] for event in events if event["event"] == "begun"}
        under_way -= {event["record"]["name"] for event in events if event["event"] == "ended"}
        most[0] = max(most[0], len(under_way))

    records = run_batch(plan, DaskCluster(cluster.address), told)
    killer.join()
    assert cluster.workers[1].wait(200) == -signal.SIGKILL
    assert {record.name for record in records if record.done} == set(good)
    assert {record.name for record in records if not record.done} == set(bad) == set(BROKEN)
    ended = [event["record"]["name"] for event in read_events(plan.manifest) if event["event"] == "ended"]
    assert Counter(ended) == Counter(good + bad)
    results = [path.name.rpartition("-")[0] for path in (plan.output / "results").iterdir()]
    assert sorted(results) == sorted(good)
    assert most[0] <= 2 * WORKERS  # back-pressure: the rest waits here, not in the scheduler
    homes = [
        home for home in tmp_path.glob("home*") if any(home.glob(f"ByChecksum/{toy_bundle().sha256}/*/SHA256SUMS"))
    ]
    assert len(homes) == WORKERS  # the bundle came to machines that had none


def test_a_cluster_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_cts(tmp_path / "in", 1)
    words = ["batch", "run", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--bundle", str(toy_bundle().folder)]
    assert main([*words, "--device", "cpu", "--engine", "dask", "--jobs", "1"]) == 0
    told = capfd.readouterr()
    assert "1 done, 0 failed" in told.out and "INFO" not in told.err


def test_a_bundle_that_is_not_the_one_that_was_sent_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from RenalAILib.batch.bundle_plugin import kept_bundle, unpack

    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    bundle = toy_bundle()
    packed = export_bundle(bundle, tmp_path / "b.zip").read_bytes()
    with pytest.raises(InputError, match="is not the one that was sent"):
        unpack("0" * 64, packed)
    assert kept_bundle("0" * 64) is None
    assert unpack(bundle.sha256, packed) == kept_bundle(bundle.sha256)
    assert unpack(bundle.sha256, packed) == kept_bundle(bundle.sha256)  # a second worker of the same machine


def test_which_gpus_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(tmp_path) == ["0", "1"] and visible_gpus(tmp_path / "none") == []
    for told, expected in (
        ("3,5", ["3", "5"]),
        ("", []),
        ("-1", []),
        ("1, -1, 2", ["1"]),
        ("GPU-ab, 0", ["GPU-ab", "0"]),
    ):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
        assert visible_gpus(tmp_path) == expected


def test_one_gpu_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real worker processes on a computer that says it has two GPUs; none of them needs one to say which is its own."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    with (
        DaskCluster(workers=4)._local(distributed) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=250)
        found = client.run(lambda: (os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"]))
    threads = str(max(1, available_cores() // 2))
    assert sorted(found.values()) == [("3", threads), ("5", threads)]


def test_more_workers_than_gpus_and_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [(s["CUDA_VISIBLE_DEVICES"], s["OMP_NUM_THREADS"]) for s in shares(4, ["a", "b", "c", "d"])] == [
        ("a", "2"), ("b", "2"), ("c", "2"), ("d", "2"),
    ]  # fmt: skip
    assert shares(2, []) == [{"OMP_NUM_THREADS": "4"}] * 2
    specs: list[dict[str, Any]] = []
    pretended = SimpleNamespace(Nanny="nanny", Scheduler="scheduler", SpecCluster=lambda **spec: specs.append(spec))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    for device in ("auto", "cpu"):
        DaskCluster(workers=2, device=device)._local(pretended)
    assert [len(spec["workers"]) for spec in specs] == [3, 2]
    assert all("CUDA_VISIBLE_DEVICES" not in each["options"]["env"] for each in specs[1]["workers"].values())


def test_a_scheduler_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from RenalAILib.batch import on_dask

    monkeypatch.setattr(on_dask, "_CONNECT_S", 0.5)
    (tmp_path / "a.nii").write_bytes(b"x")
    plan = Plan(find_studies(tmp_path), tmp_path / "out", toy_bundle())
    with pytest.raises(InputError, match="no Dask scheduler answers at"):
        run_batch(plan, DaskCluster("tcp://127.0.0.1:9"), lambda *_: None)
