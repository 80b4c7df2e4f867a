"""A run of the command that is killed at any moment leaves the old result or the new one, never a mix."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scanfiles import write_nifti
from toybundle import axial, make_bundle, painted

from RenalAILib.errors import InputError
from RenalAILib.report import FILES

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ("labels.nii.gz", "segmentation.seg.nrrd", "gradcam.nii.gz")


class Desk:
    """Two CTs, the toy bundle, and the command in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_bundle(folder / "toy")
        affine, shape = axial((4.0, 3.0, 3.0))
        old, new = painted(affine, shape), painted(affine, shape, noise_hu=4.0)
        write_nifti(folder / "old.nii.gz", old.voxels, old.ijk_to_ras)
        write_nifti(folder / "new.nii.gz", new.voxels, new.ijk_to_ras)

    def start(self, scan: str, output: str) -> subprocess.Popen[bytes]:
        words = ["segment", scan, "-o", output, "--bundle", "toy", "--device", "cpu"]
        env = os.environ | {
            "PYTHONPATH": str(ROOT / "RenalAI"),
            "RENALAI_BUNDLES": str(self.folder),
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "RenalAILib", *words],
            cwd=self.folder,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def finish(self, scan: str, output: str) -> float:
        begin = time.monotonic()
        process = self.start(scan, output)
        _, error = process.communicate(timeout=280)
        assert process.returncode == 0, error.decode()
        return time.monotonic() - begin

    def result(self, output: str) -> tuple[str, dict[str, bytes]]:
        """Of which scan the findings in a folder are, and the bytes of its images; the folder must be complete."""
        folder = self.folder / output
        assert {path.name for path in folder.iterdir()} == set(FILES)
        findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
        assert (folder / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
        return findings["volume"]["name"], {name: (folder / name).read_bytes() for name in IMAGES}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.finish("old.nii.gz", "whole-old")
    desk.finish("new.nii.gz", "whole-new")
    assert desk.result("whole-old")[1] != desk.result("whole-new")[1]
    return desk


def _anywhere(desk: Desk, rng: random.Random) -> Callable[[subprocess.Popen[bytes]], None]:
    whole = desk.finish("new.nii.gz", "whole-new")
    return lambda process: time.sleep(rng.uniform(0, 1.05) * whole)


def _while_writing(desk: Desk, rng: random.Random) -> Callable[[subprocess.Popen[bytes]], None]:
    """Waits for the unfinished folder to appear, then for some moment of the half second that writing takes."""

    def wait(process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None and not any(desk.folder.glob(".*.unfinished")):
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.5))

    return wait


@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is what POSIX has")
@pytest.mark.parametrize("moment", [_anywhere, _while_writing])
def test_old_or_new_never_a_mix(desk: Desk, moment: Callable[..., Callable[[subprocess.Popen[bytes]], None]]) -> None:
    rng = random.Random(20)
    wait = moment(desk, rng)
    for attempt in range(3):
        output = f"{moment.__name__}-{attempt}"
        shutil.copytree(desk.folder / "whole-old", desk.folder / output)
        process = desk.start("new.nii.gz", output)
        wait(process)
        process.kill()
        process.communicate()
        name, images = desk.result(output)
        assert images == desk.result(f"whole-{name.partition('.')[0]}")[1]
        for rest in desk.folder.glob(".*.unfinished"):
            for path in rest.iterdir():
                path.unlink()
            rest.rmdir()
    desk.finish("new.nii.gz", output)
    assert desk.result(output)[0] == "new.nii.gz"


def test_a_fault_while_writing_keeps_the_old_result(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from RenalAILib import report
    from RenalAILib.bundles.store import load_bundle
    from RenalAILib.pipelines.running import segment
    from RenalAILib.reading import read_volume

    shutil.copytree(desk.folder / "whole-old", desk.folder / "kept")
    before = desk.result("kept")
    outcome = segment(read_volume(desk.folder / "new.nii.gz"), load_bundle(desk.folder / "toy"), device="cpu")
    assert np.any(outcome.labels)

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "csv_text", full)
    with pytest.raises(InputError, match=r"kept cannot be written: No space left"):
        report.write_outcome(outcome, desk.folder / "kept")
    assert desk.result("kept") == before
    assert not list(desk.folder.glob(".kept.*"))
