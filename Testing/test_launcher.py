"""The launcher `run`, with a Python that writes down what it is asked instead of doing it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHELLS = [shell for shell in ("sh", "dash", "bash") if shutil.which(shell)]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="run is for POSIX shells; Windows has run.bat")

# Answers `-c` questions from the environment, fails where BREAK says so, writes every other call to $CALLS.
FAKE_PYTHON = """#!/bin/sh
case "$1 $2" in
    "-c import torch"|"-c import pytorchcv"|"-c import nnunetv2") exit "${HAS_TRAINING:-1}" ;;
    "-c "*) exit 0 ;;
    "--version "*) echo "Python 3.11.0"; exit 0 ;;
    "-m venv") mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
esac
echo "$@" >>"$CALLS"
case "$*" in *"$BREAK"*) exit 1 ;; esac
case "$1" in */renalai) exit 7 ;; esac
exit 0
"""


class Tree:
    """A checkout that holds the launcher and nothing else, in a folder with a space in its name."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.root = folder / "a checkout"
        self.root.mkdir()
        self._shell = shell
        self._calls = folder / "calls"
        for name in ("run", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root)
        self.python = folder / "python3"
        self.python.write_text(FAKE_PYTHON, encoding="utf-8")
        self.python.chmod(0o755)

    def run(
        self, *words: str, breaks: str = "nothing at all", has_training: bool = False
    ) -> tuple[int, list[str], str]:
        """Exit code, what Python was asked (the tree's place left out), standard error."""
        self._calls.write_text("", encoding="utf-8")
        env = os.environ | {
            "RENALAI_PYTHON": str(self.python),
            "CALLS": str(self._calls),
            "BREAK": breaks,
            "HAS_TRAINING": "0" if has_training else "1",
        }
        env.pop("RENALAI_TORCH", None)
        done = subprocess.run(
            [self._shell, str(self.root / "run"), *words],
            cwd="/",
            env=env,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=250,
        )
        assert done.stdout == ""
        calls = self._calls.read_text(encoding="utf-8").replace(str(self.root), "ROOT").splitlines()
        return done.returncode, [call.replace("-qq --disable-pip-version-check ", "") for call in calls], done.stderr


@pytest.fixture(params=SHELLS)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    return Tree(tmp_path, request.param)


MAKE = "-m venv --clear ROOT/.venv"
BASE = "-m pip install --editable ROOT"
TORCH = "-m pip install torch==2.13.0"
TRAIN = "-m pip install --editable ROOT[train]"
PYTORCHCV = "-m pip install --no-deps pytorchcv"


def test_first_start_installs_the_base_only(tree: Tree) -> None:
    code, calls, _ = tree.run("segment", "a b.nii")
    assert calls == [MAKE, BASE, "ROOT/.venv/bin/renalai segment a b.nii"]
    assert code == 7  # the command's own


def test_second_start_installs_nothing(tree: Tree) -> None:
    tree.run("segment", "x")
    _, calls, error = tree.run("segment", "x")
    assert calls == ["ROOT/.venv/bin/renalai segment x"]
    assert error == ""


def test_training_words_install_torch_first(tree: Tree) -> None:
    _, calls, _ = tree.run("train", "--help")
    assert calls == [MAKE, TORCH, TRAIN, PYTORCHCV, "ROOT/.venv/bin/renalai train --help"]
    for word in ("dataset", "evaluate", "publish", "segment"):
        assert tree.run(word)[1] == [f"ROOT/.venv/bin/renalai {word}"]


def test_dicom_packages_come_with_the_words_that_need_them(tree: Tree) -> None:
    assert tree.run("segment", "x")[1] == [MAKE, BASE, "ROOT/.venv/bin/renalai segment x"]
    dicom = "-m pip install --editable ROOT[dicom]"
    assert tree.run("deidentify", "x")[1] == [dicom, "ROOT/.venv/bin/renalai deidentify x"]
    assert tree.run("segment", "x", "--dicom")[1] == ["ROOT/.venv/bin/renalai segment x --dicom"]


def test_only_a_comparison_with_peers_installs_them(tree: Tree) -> None:
    assert tree.run("bench", "--fast")[1] == [MAKE, BASE, "ROOT/.venv/bin/renalai bench --fast"]
    _, calls, _ = tree.run("bench", "--peers", "--runs", "3")
    assert calls[:3] == [TORCH, "-m pip install --editable ROOT[peers]", PYTORCHCV]
    assert calls[3].startswith("-m pip install --no-deps nnunetv2 ")
    assert calls[4:] == ["ROOT/.venv/bin/renalai bench --peers --runs 3"]


def test_a_torch_that_is_there_stays(tree: Tree) -> None:
    _, calls, _ = tree.run("train", has_training=True)
    assert calls == [MAKE, TRAIN, "ROOT/.venv/bin/renalai train"]


@pytest.mark.parametrize("breaks", ["-m venv", "torch==", "[train]", "--no-deps"])
def test_an_interrupted_install_is_taken_up_again(tree: Tree, breaks: str) -> None:
    code, calls, error = tree.run("train", breaks=breaks)
    assert code == 2 and breaks in calls[-1]
    assert "the next start tries again" in error or "could not be made" in error
    code, calls, _ = tree.run("train")
    assert code == 7
    assert TRAIN in calls


def test_other_requirements_install_anew(tree: Tree) -> None:
    tree.run("segment")
    with (tree.root / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert BASE in tree.run("segment")[1]
    assert BASE not in tree.run("segment")[1]


def test_a_moved_checkout_installs_anew(tree: Tree) -> None:
    tree.run("segment")
    tree.root = tree.root.rename(tree.root.with_name("elsewhere"))
    assert BASE in tree.run("segment")[1]


def test_checks_all_run_though_one_fails(tree: Tree) -> None:
    assert tree.run("test")[1][-3:] == [
        "-m pytest -n logical --maxprocesses 4 --dist loadfile -m not alone --cov --cov-report=",
        "-m pytest -m alone Testing",
        "Testing/layercoverage.py",
    ]
    code, calls, error = tree.run("test", "-k", "geometry", breaks="mypy")
    assert calls == [
        "-m ruff check .",
        "-m ruff format --check .",
        "-m mypy",
        "ROOT/.venv/bin/lint-imports --no-cache",
        "-m pytest -k geometry",
    ]
    assert code == 1 and "failed: mypy" in error


def test_no_python_is_told_in_a_sentence(tree: Tree) -> None:
    tree.python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    empty = tree.root / "bin"
    empty.mkdir()
    for tool in ("sh", "dirname", "cat", "cksum"):
        found = shutil.which(tool)
        assert found is not None
        (empty / tool).symlink_to(found)
    done = subprocess.run(
        [shutil.which("sh") or "sh", str(tree.root / "run"), "segment"],
        env={"PATH": str(empty), "RENALAI_PYTHON": str(tree.python)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=250,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "needs Python 3.11 or newer" in done.stderr
