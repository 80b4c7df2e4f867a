"""DIMSE against a real Orthanc, in a network namespace of its own: there it may open its DICOM port."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from testpacs import ABSENT, PLUGIN

HERE = Path(__file__).resolve().parent


def test_round_over_c_store_c_find_and_c_get(tmp_path: Path) -> None:
    if shutil.which("Orthanc") is None or not PLUGIN.is_file():
        pytest.skip(ABSENT)
    private = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*private, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system allows no private network (unshare --map-root-user --net)")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parents[1] / "RenalAI"), str(HERE)])}
    command = [*private, sys.executable, str(HERE / "dimse_round.py"), str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", errors="replace", timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "the round is closed" in done.stdout
