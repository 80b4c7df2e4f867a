"""The command `renalai`: what a user sees when all is well, and how other packages add their words."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from scanfiles import small_ct, write_nifti, write_series
from toybundle import axial, make_bundle, painted

from RenalAILib import cli
from RenalAILib.commands import command
from RenalAILib.commands.segment import default_output
from RenalAILib.reading import read_labels, read_volume
from RenalAILib.report import FILES


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "toy"
    make_bundle(folder)
    return folder


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENALAI_BUNDLES", str(toy))
    monkeypatch.setenv("RENALAI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def test_segment_a_dicom_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    affine, shape = axial((5.0, 3.0, 3.0))
    phantom = painted(affine, shape)
    write_series(tmp_path / "study", phantom.voxels, affine, number=3, description="[portal] venous")
    write_series(tmp_path / "study", phantom.voxels[:12], affine, number=2, description="native")
    assert cli.main(["segment", "study", "--bundle", "toy", "--device", "cpu"]) == 0
    shown = capfd.readouterr()
    assert shown.err == ""
    assert "mass_right_1" in shown.out and "[portal] venous" in shown.out
    assert "study-renalai/report.html" in shown.out.replace("\\", "/")
    folder = tmp_path / "study-renalai"
    assert {path.name for path in folder.iterdir()} == set(FILES)
    findings = json.loads((folder / "findings.json").read_text("utf-8"))
    assert findings["warnings"][0].startswith("Of 2 series, series 3 ([portal] venous) was taken")
    assert {"read", "locate", "delineate", "characterise", "write", "total"} <= set(findings["timings_s"])
    parts = [findings["timings_s"][stage] for stage in ("read", "locate", "delineate", "characterise", "write")]
    assert findings["timings_s"]["total"] >= sum(parts) * 0.95
    assert read_labels(folder / "labels.nii.gz").same_grid(read_volume(tmp_path / "study", series="3"))


def test_segment_twice_replaces_the_result(tmp_path: Path) -> None:
    affine, shape = axial((5.0, 4.0, 4.0))
    phantom = painted(affine, shape)
    for name in ("first.nii.gz", "second.nii.gz"):
        write_nifti(tmp_path / name, phantom.voxels, affine)
        assert cli.main(["segment", name, "-o", "deep/out", "--bundle", "toy", "--device", "cpu"]) == 0
    findings = json.loads((tmp_path / "deep" / "out" / "findings.json").read_text("utf-8"))
    assert findings["volume"]["name"] == "second.nii.gz"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_compare_a_result_folder_with_its_own_labels(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    affine, shape = axial((5.0, 4.0, 4.0))
    write_nifti(tmp_path / "scan.nii.gz", painted(affine, shape).voxels, affine)
    assert cli.main(["segment", "scan.nii.gz", "-o", "out", "--bundle", "toy", "--device", "cpu"]) == 0
    capfd.readouterr()
    assert cli.main(["compare", "out", "out/labels.nii.gz", "-o", "agreed"]) == 0
    assert "1.000" in capfd.readouterr().out
    agreement = json.loads((tmp_path / "agreed" / "agreement.json").read_text("utf-8"))
    assert agreement["detection"]["all"]["f1"] == 1.0
    assert all(row["dice"] == 1.0 for row in agreement["structures"] if row["dice"] is not None)


def test_second_phase_gives_enhancement(tmp_path: Path) -> None:
    affine, shape = axial((5.0, 4.0, 4.0))
    phantom = painted(affine, shape)
    write_nifti(tmp_path / "late.nii.gz", phantom.voxels, affine)
    write_nifti(tmp_path / "native.nii.gz", phantom.voxels - 30, affine)
    words = ["segment", "late.nii.gz", "--second-phase", "native.nii.gz", "--bundle", "toy", "--device", "cpu"]
    assert cli.main(words) == 0
    findings = json.loads((tmp_path / "late-renalai" / "findings.json").read_text("utf-8"))
    assert findings["masses"][0]["evidence"]["enhancement_hu"] == pytest.approx(30, abs=1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("scan.nii.gz", "scan-renalai"),
        ("deep/scan.NRRD", "scan-renalai"),
        ("study/", "study-renalai"),
        ("a.b.mha", "a.b-renalai"),
    ],
)
def test_default_output_lies_in_the_current_folder(given: str, expected: str) -> None:
    assert default_output(Path(given)) == Path(expected)


def test_series_are_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_series(tmp_path / "study", small_ct(), number=4, description="portal venous")
    assert cli.main(["segment", "study", "--series", "list"]) == 0
    shown = capfd.readouterr().out
    assert "nephrographic" in shown and "axial" in shown
    assert not (tmp_path / "study-renalai").exists()


def test_bundles_are_listed_verified_exported_and_imported(
    tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bundle", "list"]) == 0
    assert "toy" in capfd.readouterr().out
    assert cli.main(["bundle", "verify", "toy"]) == 0
    assert "SHA-256" in capfd.readouterr().out
    assert cli.main(["bundle", "export", "toy", "-o", "toy.zip"]) == 0
    monkeypatch.delenv("RENALAI_BUNDLES")
    assert cli.main(["bundle", "verify", "toy"]) == 2
    assert cli.main(["bundle", "import", "toy.zip"]) == 0
    assert cli.main(["bundle", "verify", "toy"]) == 0
    assert (tmp_path / "home" / "Bundles" / "toy" / "SHA256SUMS").read_bytes() == (toy / "SHA256SUMS").read_bytes()


def test_bench_prints_a_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    affine, shape = axial((5.0, 4.0, 4.0))
    write_nifti(tmp_path / "scan.nii", painted(affine, shape).voxels, affine)
    assert cli.main(["bench", "scan.nii", "--bundle", "toy", "--device", "cpu", "--runs", "1"]) == 0
    shown = capfd.readouterr().out
    assert "outside networks" in shown and "CPU median s" in shown


class Count:
    """A word that another package adds."""

    help = "count to a number"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("number", type=int)

    def run(self, arguments: argparse.Namespace) -> int:
        print(*range(arguments.number))
        return 0


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package with two words, one of which stands on something that is not installed."""
    module = ModuleType("counting")
    module.count = Count()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "counting", module)
    entries = (
        metadata.EntryPoint("count", "counting:count", command.GROUP),
        metadata.EntryPoint("learn", "no_such_package.commands:learn", command.GROUP),
    )
    monkeypatch.setattr(command.metadata, "entry_points", lambda group: entries if group == command.GROUP else ())
    return module


def test_added_words_run(added: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["count", "3"]) == 0
    assert capfd.readouterr().out == "0 1 2\n"
    assert cli.main(["count", "three"]) == 2
    assert cli.main(["--help"]) == 0
    assert "learn" in capfd.readouterr().out


def test_added_words_whose_packages_are_missing(
    added: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["learn"]) == 2
    sentence = "learn needs packages that are not installed (no_such_package is missing): start it as ./run learn"
    assert sentence in capfd.readouterr().err

    def late(_: argparse.Namespace) -> int:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(added.count, "run", late)
    assert cli.main(["count", "3"]) == 2
    assert "(torch is missing)" in capfd.readouterr().err


def test_own_words_do_not_load_added_ones(added: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(**_: object) -> None:
        raise AssertionError("the added words were looked up")

    monkeypatch.setattr(command.metadata, "entry_points", never)
    assert cli.main(["bundle", "list"]) == 0
