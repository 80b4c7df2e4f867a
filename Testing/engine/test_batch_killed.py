"""A batch that is killed again and again ends with every study done once, and says of the broken ones why."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from batchfolder import BROKEN, write_broken, write_cts
from killing import kill_with_engines
from toybundle import toy_bundle

from RenalAILib.batch.manifest import read_events
from RenalAILib.cli import main

psutil = pytest.importorskip("psutil", reason="psutil finds the engine's process; it comes with Dask")
ROOT = Path(__file__).resolve().parents[2]
STUDIES = int(os.environ.get("RENALAI_TEST_STUDIES", "10"))  # 200: what Resources/Docs/scale.md tells of
LARGE = STUDIES >= 50


def _hear_interrupts() -> None:
    """Tests that run in the background have SIGINT ignored, and their children would have it so too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


HELD = """
import os, sys, time
from pathlib import Path
import RenalAILib.pipelines.running as pipeline
real = pipeline.segment

def segment(*words, progress, **named):
    note = Path({note!r})
    if not note.exists():
        note.with_suffix(".part").write_text(str(os.getpid()))
        note.with_suffix(".part").rename(note)
        progress("locate", 0.0, "held")
        time.sleep(3600)
    return real(*words, progress=progress, **named)

pipeline.segment = segment
from RenalAILib.worker.__main__ import main
main()
"""
"""An engine that stays in the first study it is given, and writes its number into a note; the next one works."""

COMMAND = """
import sys
from RenalAILib.worker import client
held = sys.argv.pop(1)
if held:
    client.default_command = lambda: [sys.executable, "-u", held]
from RenalAILib.cli import main
sys.exit(main(sys.argv[1:]))
"""


class Batch:
    """The command in a process of its own, on a folder of CTs; its temporary files are beside them."""

    def __init__(self, folder: Path, count: int, more_broken: int = 0) -> None:
        self.folder, self.output = folder, folder / "out"
        self.good = write_cts(folder / "in", count)
        self.bad = write_broken(folder / "in", self.good[0], more_broken)
        self.manifest = self.output / "manifest-0-of-1.jsonl"
        self.note = folder / "held"
        (folder / "temporary").mkdir()
        (folder / "held.py").write_text(HELD.format(note=str(self.note)), encoding="utf-8")

    def start(self, *more: str, held: bool = False) -> subprocess.Popen[str]:
        words = ["batch", "run", "in", "-o", "out", "--bundle", str(toy_bundle().folder), "--device", "cpu", *more]
        env = os.environ | {"PYTHONPATH": str(ROOT / "RenalAI"), "OMP_NUM_THREADS": "1"}
        env["TMPDIR"] = str(self.folder / "temporary")  # what is killed at the wrong moment leaves something there
        command = [sys.executable, "-c", COMMAND, str(self.folder / "held.py") if held else "", *words]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=env,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=_hear_interrupts,
        )

    def engine_in_work(self, process: subprocess.Popen[str]) -> int:
        """The number of the engine that is held in its first study."""
        end = time.monotonic() + 200
        while not self.note.is_file():
            assert process.poll() is None and time.monotonic() < end, "no study was begun"
            time.sleep(0.02)
        return int(self.note.read_text(encoding="utf-8"))

    def events(self) -> list[dict[str, Any]]:
        return list(read_events(self.manifest)) if self.manifest.is_file() else []

    def ended(self) -> list[str]:
        return [event["record"]["name"] for event in self.events() if event["event"] == "ended"]

    def results(self) -> dict[str, int]:
        """Time of each result by study; a name that comes twice would be a study done twice."""
        found = [path for path in (self.output / "results").iterdir() if not path.name.startswith(".")]
        names = Counter(path.name.rpartition("-")[0] for path in found)
        assert set(names.values()) <= {1}, names
        return {path.name.rpartition("-")[0]: (path / "findings.json").stat().st_mtime_ns for path in found}


@pytest.mark.timeout(4000 if LARGE else 900)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is what POSIX has")
def test_killed_and_resumed_until_it_is_done(tmp_path: Path) -> None:
    batch = Batch(tmp_path, STUDIES - 10, 6) if LARGE else Batch(tmp_path, STUDIES - len(BROKEN))
    rng = random.Random(6)
    kept: dict[str, int] = {}
    kills, wanted = 0, 5 if LARGE else 2
    while kills < wanted:
        process = batch.start()
        # At any moment: where the machine stands still, the batch is over before it is killed, and is right as well.
        target = min(len(batch.ended()) + rng.randint(1, max(2, STUDIES // 7)), len(batch.good) - 2)
        while process.poll() is None and len(batch.ended()) < target:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.6))
        kill_with_engines(process)
        process.communicate()
        kills += 1
        now = batch.results()
        assert kept.items() <= now.items(), "what was done was done again"
        kept = now
    process = batch.start("--jobs", "2")
    out, error = process.communicate(timeout=3600 if LARGE else 600)
    assert process.returncode == 0, error
    assert kept.items() <= batch.results().items()
    assert set(batch.results()) == set(batch.good)
    assert Counter(batch.ended()) == Counter(batch.good + batch.bad)
    begun = Counter(event["study"] for event in batch.events() if event["event"] == "begun")
    assert sum(begun.values()) <= len(batch.good + batch.bad) + kills  # each kill costs the one study in work
    records = {event["record"]["name"]: event["record"] for event in batch.events() if event["event"] == "ended"}
    for name in batch.bad:
        words = BROKEN[name.rstrip("0123456789")]
        assert words in records[name]["reason"] and not records[name]["fault"]
        assert f"Failed: {name}." in out
    for name in batch.good:
        assert json.loads((batch.output / records[name]["folder"] / "findings.json").read_text(encoding="utf-8"))
        assert (batch.output / "logs" / f"{name}.log").read_text(encoding="utf-8").rstrip().endswith("done")
    assert not list((batch.output / "results").glob(".*"))
    if LARGE:
        _memory_is_flat([event["record"]["memory_mib"] for event in batch.events() if event["event"] == "ended"])
    before = batch.manifest.read_bytes()
    words = ["batch", "run", str(tmp_path / "in"), "-o", str(batch.output), "--bundle", str(toy_bundle().folder)]
    assert main([*words, "--device", "cpu"]) == 0
    assert batch.manifest.read_bytes() == before  # nothing left to do, nothing done


def _memory_is_flat(held_mib: list[float]) -> None:
    """Of the engine's processes over the longest stretch, which is the last: its second half holds no more."""
    last = held_mib[-len(held_mib) // 3 :]
    first, second = last[: len(last) // 2], last[len(last) // 2 :]
    assert max(second) <= 1.1 * max(first), (max(first), max(second))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is what POSIX has")
def test_interrupted_by_hand_it_leaves_nothing_half_done(tmp_path: Path) -> None:
    batch = Batch(tmp_path, 3)
    process = batch.start(held=True)
    engine = batch.engine_in_work(process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=200)
    assert (process.returncode, error) == (130, "renalai: interrupted\n")
    assert batch.events()[-1]["event"] == "interrupted" and not list((batch.output / "results").glob(".*"))
    assert not psutil.pid_exists(engine) and not list((tmp_path / "temporary").iterdir())


def test_a_dead_engine_costs_one_attempt_and_no_study(tmp_path: Path) -> None:
    batch = Batch(tmp_path, 2)
    process = batch.start(held=True)
    psutil.Process(batch.engine_in_work(process)).kill()
    assert process.communicate(timeout=250) and process.returncode == 0
    assert set(batch.results()) == set(batch.good)
    assert "attempt 1 ended the engine's process" in (batch.output / "logs" / "case000.log").read_text(encoding="utf-8")
