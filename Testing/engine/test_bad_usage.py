"""Wrong usage: one sentence each on standard error, and exit 2; a fault of ours leaves a log, and exit 1."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from badinput import Cases, Words, nifti
from scanfiles import AXIAL, small_ct, write_nifti

from RenalAILib import cli

CASES = Cases()
bad = CASES.bad


@bad(r"scan\.nii\.gz is one file.*--series")
def series_of_anifti(folder: Path) -> Words:
    return [*nifti(folder, small_ct()), "--series", "7"]


@bad(r"scan\.nii\.gz is not a folder")
def list_of_a_file(folder: Path) -> Words:
    return [*nifti(folder, small_ct()), "--series", "list"]


@bad(r"late\.nii does not exist")
def missing_second_phase(folder: Path) -> Words:
    return [*nifti(folder, small_ct()), "--second-phase", str(folder / "late.nii")]


@bad(r"there is no bundle nonesuch")
def unknown_bundle(folder: Path) -> Words:
    return [*nifti(folder, small_ct()), "--bundle", "nonesuch"]


@bad(r"the bundle toy .*locate\.onnx")
def tampered_bundle(folder: Path) -> Words:
    shutil.copytree(os.environ["RENALAI_BUNDLES"], folder / "toy")
    with (folder / "toy" / "models" / "locate.onnx").open("ab") as file:
        file.write(b"x")
    return [*nifti(folder, small_ct()), "--bundle", str(folder / "toy")]


@bad(r"result is a file; the output must be a folder")
def output_is_a_file(folder: Path) -> Words:
    (folder / "result").touch()
    return [*nifti(folder, small_ct()), "-o", str(folder / "result")]


@bad(r"photos holds files but no RenalAI result")
def output_holds_other_things(folder: Path) -> Words:
    (folder / "photos").mkdir()
    (folder / "photos" / "cat.jpg").touch()
    return [*nifti(folder, small_ct()), "-o", str(folder / "photos")]


@bad(r"invalid choice: 'abacus'")
def unknown_device(folder: Path) -> Words:
    return [*nifti(folder, small_ct()), "--device", "abacus"]


@bad(r"required: INPUT")
def no_input(folder: Path) -> Words:
    return ["segment"]


@bad(r"invalid choice: 'segmnt'")
def unknown_command(folder: Path) -> Words:
    return ["segmnt", "scan.nii.gz"]


@bad(r"required: COMMAND")
def no_command(folder: Path) -> Words:
    return []


@bad(r"unrecognized arguments: --fats")
def unknown_option(folder: Path) -> Words:
    return [*nifti(folder, small_ct()), "--fats"]


@bad(r"manual\.nii\.gz does not exist")
def compare_with_nothing(folder: Path) -> Words:
    prediction = write_nifti(folder / "labels.nii.gz", (small_ct() > 40).astype(np.uint8))
    return ["compare", str(prediction), str(folder / "manual.nii.gz")]


@bad(r"scan\.nii\.gz is not a label map")
def compare_a_ct(folder: Path) -> Words:
    prediction = write_nifti(folder / "labels.nii.gz", (small_ct() > 40).astype(np.uint8))
    return ["compare", str(prediction), str(write_nifti(folder / "scan.nii.gz", small_ct()))]


@bad(r"manual\.nii\.gz and labels\.nii\.gz do not overlap")
def compare_in_another_place(folder: Path) -> Words:
    labels = (small_ct() > 40).astype(np.uint8)
    far = AXIAL.copy()
    far[2, 3] += 1000
    one = write_nifti(folder / "labels.nii.gz", labels)
    return ["compare", str(one), str(write_nifti(folder / "manual.nii.gz", labels, far))]


@bad(r"manual\.nii\.gz holds the value 9")
def compare_with_other_values(folder: Path) -> Words:
    labels = (small_ct() > 40).astype(np.uint8)
    one = write_nifti(folder / "labels.nii.gz", labels)
    return ["compare", str(one), str(write_nifti(folder / "manual.nii.gz", labels * 9))]


@bad(r"--seed must be 0 or more, got -1")
def negative_seed(folder: Path) -> Words:
    return ["demo", "--seed", "-1"]


@bad(r"weights\.zip does not exist")
def import_of_nothing(folder: Path) -> Words:
    return ["bundle", "import", str(folder / "weights.zip")]


@bad(r"weights\.zip is neither a bundle's folder nor a zip file")
def import_of_no_zip(folder: Path) -> Words:
    (folder / "weights.zip").write_text("no zip", encoding="utf-8")
    return ["bundle", "import", str(folder / "weights.zip")]


@bad(r"there is no bundle nonesuch")
def export_of_nothing(folder: Path) -> Words:
    return ["bundle", "export", "nonesuch"]


@pytest.mark.parametrize("case", CASES)
def test_one_sentence(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    CASES.hold(case, tmp_path, monkeypatch, capfd)


def test_a_fault_of_ours_leaves_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from RenalAILib.bundles import store

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(store, "find_bundles", broken)
    assert cli.main(["bundle", "list"]) == 1
    error = capfd.readouterr().err
    assert re.fullmatch(r"renalai: internal fault, ZeroDivisionError; please report \S+\.log\n", error), error
    (log,) = (tmp_path / "home" / "logs").iterdir()
    assert "Traceback" in log.read_text(encoding="utf-8") and str(log) in error


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["segment", "--help"], ["bundle", "import", "--help"]])
def test_help(words: Words, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    assert capfd.readouterr().out.strip()
