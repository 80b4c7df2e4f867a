"""The worker process: protocol, warmth, cancelling, crashes, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from RenalAILib.errors import InputError
from RenalAILib.steps import Report
from RenalAILib.volume import Volume
from RenalAILib.worker.arrays import read_volume, write_volume
from RenalAILib.worker.causes import MEMORY, cause
from RenalAILib.worker.client import IDLE_S, Run, Worker
from RenalAILib.worker.errors import CancelledError, WorkerError
from RenalAILib.worker.job import read_job
from RenalAILib.worker.process import EngineProcess, default_environment
from RenalAILib.worker.progress import Progress
from RenalAILib.worker.segmenting import SegmentJob

# A worker of the real protocol whose one task is told by the job: it imports the real serving loop.
SERVER = textwrap.dedent(
    """
    import os, subprocess, sys, time
    from pathlib import Path
    from RenalAILib.errors import InputError
    from RenalAILib.worker import __main__, job

    class Scripted:
        task = "check"
        def __init__(self, script): self.script = script
        @classmethod
        def read(cls, fields, folder): return cls(fields["script"])
        def run(self, output, report): exec(self.script, {**globals(), "report": report, "output": output})

    from RenalAILib.worker import checking
    checking.CheckJob = Scripted
    __main__.main()
    """
)


@dataclass(frozen=True)
class ScriptedJob:
    """A job whose work is a piece of Python."""

    task: ClassVar[str] = "check"
    script: str

    def write(self, folder: Path) -> dict[str, Any]:
        return {"script": self.script}

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> ScriptedJob:
        return cls(fields["script"])

    def run(self, output: Path, report: Report) -> None:
        raise AssertionError("only in the worker")

    def load(self, output: Path) -> str:
        return (output / "answer.txt").read_text(encoding="utf-8")


SLEEP = "report('locate', 0.5, ''); time.sleep(3600)"
ANSWER = "report('locate', 0.5, 'half'); (output / 'answer.txt').write_text(str(os.getpid()))"


@pytest.fixture
def worker(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    made = Worker([sys.executable, "-u", str(tmp_path / "server.py")], default_environment())
    yield made
    made.close()
    assert list((tmp_path / "temporary").iterdir()) == [], "files left behind"


def gone(pid: int) -> bool:
    """Waits for the end of a process (a zombie counts as gone); False where it lives on."""
    end = time.monotonic() + 200
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def until_stage(run: Run[Any], stage: str) -> None:
    end = time.monotonic() + 200
    while run.progress.stage != stage:
        assert run.poll() and time.monotonic() < end, run.progress
        time.sleep(0.01)


def test_progress_arrives_in_order_and_one_process_serves_many_jobs(worker):
    seen: list[Progress] = []
    first = worker.start(ScriptedJob(ANSWER)).wait(seen.append)
    second = worker.start(ScriptedJob(ANSWER)).wait()
    assert first == second == str(worker.pid)
    assert [(step.stage, step.fraction) for step in seen][-1] == ("done", 1.0)


def test_prints_of_a_library_do_not_disturb(worker):
    script = "print('{not json'); os.system('echo noise'); " + ANSWER
    assert int(worker.start(ScriptedJob(script)).wait()) == worker.pid


def test_bad_input_is_an_input_error_and_the_worker_stays_warm(worker):
    run = worker.start(ScriptedJob("raise InputError('scan.nii.gz is empty')"))
    with pytest.raises(InputError, match=r"^scan.nii.gz is empty$"):
        run.wait()
    assert int(worker.start(ScriptedJob(ANSWER)).wait()) == worker.pid


def test_a_fault_brings_its_traceback_and_a_cause(worker):
    run = worker.start(ScriptedJob("import onnxruntime_is_not_here"))
    with pytest.raises(WorkerError, match="fault of its own") as caught:
        run.wait()
    assert "ModuleNotFoundError: No module named 'onnxruntime_is_not_here'" in caught.value.log


def test_out_of_memory_kill_is_told_in_plain_words(worker):
    run = worker.start(ScriptedJob("print('last words', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)"))
    with pytest.raises(WorkerError, match="ran out of memory") as caught:
        run.wait()
    assert "last words" in caught.value.log
    assert worker.pid is None
    assert worker.start(ScriptedJob(ANSWER)).wait()  # a new process


def test_cancel_ends_the_whole_tree_within_a_second(worker, tmp_path, measured):
    note = tmp_path / "child"
    script = (
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)']); "
        f"Path({str(note)!r}).write_text(str(child.pid)); {SLEEP}"
    )

    def cancelled():
        """Milliseconds that the call took, and until all was over."""
        run = worker.start(ScriptedJob(script))
        until_stage(run, "locate")
        parent, child = worker.pid, int(note.read_text(encoding="utf-8"))
        begun = time.monotonic()
        run.cancel()
        returned = time.monotonic() - begun
        run.join()
        took = time.monotonic() - begun
        assert gone(parent) and gone(child)
        with pytest.raises(CancelledError):
            run.result()
        return 1000 * returned, 1000 * took

    measured("cancel of a worker with a child: the call", lambda: cancelled()[0], "ms", 50)
    measured("cancel of a worker with a child: until both are gone", lambda: cancelled()[1], "ms", 1000)


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.2])
def test_cancel_while_it_starts(worker, after_s):
    run = worker.start(ScriptedJob(SLEEP))
    time.sleep(after_s)
    run.cancel()
    run.join()
    assert not run.running and worker.pid is None
    with pytest.raises(CancelledError):
        run.result()


def test_one_job_at_a_time(worker):
    run = worker.start(ScriptedJob(SLEEP))
    with pytest.raises(RuntimeError, match="busy"):
        worker.start(ScriptedJob(ANSWER))
    run.cancel()


def test_a_worker_without_work_ends_by_itself(worker):
    worker._idle_s = 2.0
    first = None
    while first is None:  # a machine that stands still for so long ends it before its answer is fetched
        with contextlib.suppress(WorkerError):
            first = worker.start(ScriptedJob(ANSWER)).wait()
    assert gone(int(first))
    while worker.pid is not None:  # its last thread may take a moment longer
        time.sleep(0.01)
    worker._idle_s = IDLE_S
    assert worker.start(ScriptedJob(ANSWER)).wait() != first


def test_no_worker_outlives_its_starter(tmp_path):
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    (tmp_path / "temporary").mkdir()
    starter = tmp_path / "starter.py"
    starter.write_text(
        textwrap.dedent(f"""
        import sys, tempfile, time
        tempfile.tempdir = {str(tmp_path / "temporary")!r}
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_worker import ScriptedJob, SLEEP, until_stage
        from RenalAILib.worker.client import Worker
        worker = Worker([sys.executable, "-u", {str(tmp_path / "server.py")!r}])
        run = worker.start(ScriptedJob(SLEEP))
        until_stage(run, "locate")
        print(worker.pid, flush=True)
        time.sleep(3600)
    """),
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, str(starter)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=default_environment(),
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert gone(pid)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_missing_interpreter_is_an_error_of_the_run(tmp_path):
    worker = Worker([str(tmp_path / "no-python")])
    with pytest.raises(WorkerError, match="needs is missing") as told:
        worker.start(ScriptedJob(ANSWER)).wait()
    assert "no-python" in told.value.log


def test_volumes_travel_mapped_and_unchanged(tmp_path):
    oblique = np.array([[0.7, -0.1, 0, 5], [0.1, 0.7, 0.2, -3], [0, -0.2, 2.5, 9], [0, 0, 0, 1]])
    volume = Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), oblique, "CT")
    back = read_volume(write_volume(volume, tmp_path, "volume"), tmp_path)
    assert isinstance(back.voxels, np.memmap)
    assert back.same_grid(volume) and back.name == "CT" and np.array_equal(back.voxels, volume.voxels)


def test_a_segment_job_survives_its_file(tmp_path):
    from RenalAILib.worker.job import write_job

    volume = Volume(np.zeros((2, 3, 4), np.int16), np.eye(4), "CT")
    job = SegmentJob(volume, volume, "bundle", "cpu", True)
    back = read_job(write_job(job, tmp_path))
    assert isinstance(back, SegmentJob) and back.second_phase is not None
    assert (back.bundle, back.device, back.fast) == ("bundle", "cpu", True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not a readable job file"),
        ("[]", "not a job file of schema"),
        ('{"schema": "renalai.job/1", "task": "dance"}', "asks for the task 'dance'"),
        ('{"schema": "renalai.job/1", "task": "segment"}', "not a complete segment job"),
    ],
)
def test_a_bad_job_file_ends_with_2_and_one_sentence(tmp_path, text, sentence):
    (tmp_path / "job.json").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "RenalAILib.worker", str(tmp_path / "job.json")],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=default_environment(),
        check=False,
    )
    last = Progress.parse(done.stdout.splitlines()[-1])
    assert done.returncode == 2 and last is not None and last.stage == "failed"
    assert sentence in last.message


@pytest.mark.parametrize(
    ("code", "log", "words"),
    [
        (-9, "", MEMORY),
        (137, "", MEMORY),
        (1, "terminate called after throwing an instance of 'std::bad_alloc'", MEMORY),
        (1, "ModuleNotFoundError: No module named 'onnxruntime'", "not installed completely"),
        (1, "CUDA error: no kernel image is available for execution on the device", "Set the device to CPU"),
        (1, "OSError: [Errno 28] No space left on device", "disk of the temporary folder is full"),
        (-11, "", "crashed in native code"),
        (0xC0000005, "", "crashed in native code"),
        (-15, "", "ended the engine"),
        (1, "KeyError: 'x'", "fault of its own"),
    ],
)
def test_causes(code, log, words):
    assert words in cause(code, log)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to end")
def test_a_helper_that_outlives_the_engine_does_not_keep_its_starter_waiting() -> None:
    """OpenVINO starts one; it inherits the pipes, and their end is what tells that the engine is gone."""
    script = "import os, time\nif os.fork() == 0: time.sleep(600)\nos._exit(3)"
    process = EngineProcess([sys.executable, "-c", script], dict(os.environ), 1.0)
    heard: list[str | None] = []
    reader = threading.Thread(target=lambda: heard.append(process.receive()), daemon=True)
    reader.start()
    reader.join(200)
    process.kill()
    assert heard == [None]
    assert process.bury() == 3
