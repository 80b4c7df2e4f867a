"""The real worker process with a pipeline that a test decides: where it waits, and how it fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ENGINE_TESTS = Path(__file__).resolve().parents[1] / "engine"

SOURCE = """
import os, sys, time
sys.path.insert(0, {engine!r})
from dataclasses import replace
import RenalAILib.bundles.store, RenalAILib.pipelines.running, RenalAILib.reading, RenalAILib.worker.segmenting
from paintedbody import painted_outcome

AT, DO = {stage!r}, {script!r}

def reached(stage):
    if stage == AT:
        exec(DO, {{"os": os, "time": time, "sys": sys}})

def segment(volume, bundle, *, device, fast, second_phase, progress):
    for n, stage in enumerate(("locate", "delineate", "characterise")):
        progress(stage, n / 3, "")
        reached(stage)
    return replace(painted_outcome(), volume=volume)

write = RenalAILib.worker.segmenting.write_outcome

def write_outcome(outcome, folder):
    reached("write")
    write(outcome, folder)

RenalAILib.bundles.store.load_bundle = lambda name: None
RenalAILib.pipelines.running.segment = segment
RenalAILib.reading.check_ct = lambda volume: reached("read")
RenalAILib.worker.segmenting.write_outcome = write_outcome
from RenalAILib.worker.__main__ import main
main()
"""

UNENDING = """
from pathlib import Path
import RenalAILib.pipelines.running as pipeline
once = pipeline.segment

def segment(*words, **named):
    while True:
        outcome = once(*words, **named)
        if not Path({flag!r}).exists():
            return outcome

pipeline.segment = segment
from RenalAILib.worker.__main__ import main
main()
"""


def unending_engine(folder: Path) -> tuple[list[str], Path]:
    """The command of a worker whose real pipeline begins anew at its end, again and again, and a file: once it is
    removed, the run comes to its end. What a test does to such a run it does in time, on any machine."""
    path, flag = folder / "unending_engine.py", folder / "unending"
    flag.touch()
    path.write_text(UNENDING.format(flag=str(flag)), encoding="utf-8")
    return [sys.executable, "-u", str(path)], flag


def scripted_worker(folder: Path, stage: str, script: str) -> Any:
    """A :class:`RenalAILib.worker.client.Worker` that runs ``script`` when it reaches ``stage``.

    Args:
        folder: for the worker's source.
        stage: ``read``, ``locate``, ``delineate``, ``characterise``, ``write`` or ``never``.
        script: Python, with ``os``, ``sys`` and ``time``.
    """
    from RenalAILib.worker.client import Worker
    from RenalAILib.worker.process import default_environment

    path = folder / "scripted_worker.py"
    path.write_text(SOURCE.format(engine=str(ENGINE_TESTS), stage=stage, script=script), encoding="utf-8")
    return Worker([sys.executable, "-u", str(path)], default_environment())
