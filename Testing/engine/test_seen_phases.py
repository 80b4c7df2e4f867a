"""Series lists that look into the images: phases told by the kidneys, where headers are silent or wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.fileset import FileSet
from scanfiles import small_ct, write_series
from toybundle import axial, painted
from toydetector import make_detector

from RenalAILib.bundles.store import load_bundle
from RenalAILib.cli import main
from RenalAILib.contrast_phases import ContrastPhase
from RenalAILib.errors import InputError
from RenalAILib.phantom import Phase, make_phantom
from RenalAILib.phases.seen import phases_seen
from RenalAILib.reading import list_series, read_ct, read_thinned

WORDS = {1: "Abdomen", 2: "Abdomen", 3: "Abdomen", 4: "native"}  # 1 to 3 say nothing, 4 is wrong


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One patient in all four phases, and a chest without kidneys, a short series and a sagittal one."""
    folder = tmp_path_factory.mktemp("study") / "disc"

    def change(_: int, data: pydicom.Dataset) -> None:
        data.StudyInstanceUID, data.StudyDescription, data.StudyID = "1.2.5", "CT kidneys", "1"
        data.StudyDate, data.StudyTime = "20260102", "101112"

    for number, phase in enumerate(Phase, 1):
        ct = make_phantom(3, shape=(80, 96, 120), spacing_mm=(3.0, 3.6, 3.6), phase=phase).volume
        words = WORDS[number]
        write_series(folder / f"S{number}", ct.voxels, ct.ijk_to_ras, number=number, description=words, change=change)
    write_series(folder / "S5", small_ct((12, 14, 16)), number=5, description="scout", change=change)
    write_series(folder / "S6", small_ct((4, 14, 16)), number=6, description="short", change=change)
    return folder


def test_the_kidneys_tell_the_phase_of_each_series(study: Path) -> None:
    found = {series.number: series for series in list_series(study)}
    seen = phases_seen(study, list(found.values()), load_bundle(None), "cpu")
    assert [seen[found[n].uid].phase.value for n in (1, 2, 3, 4)] == [phase.value for phase in Phase]
    assert seen[found[5].uid].phase is ContrastPhase.UNKNOWN and "no kidney" in seen[found[5].uid].why
    assert found[6].uid not in seen


def test_the_list_says_by_what_a_phase_is_told(study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a zip file, which is gone when the table is printed."""
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for number in (1, 4):
            for path in (study / f"S{number}").iterdir():
                archive.write(path, f"{number}/{path.name}")
    assert main(["segment", str(tmp_path / "study.zip"), "--series", "list", "--images", "--device", "cpu"]) == 0
    out = capfd.readouterr().out
    text = " ".join(line.split("│")[8].strip() for line in out.splitlines() if line.count("│") > 8)
    assert "plain headers: nothing tells" in text and "the kidneys measure" in text
    assert "excretory headers: plain, its description" in text
    assert "follow from the headers alone" in out
    assert main(["segment", str(study), "--images"]) == 2
    assert "--images belongs to --series list" in capfd.readouterr().err


def test_a_dicomdir_is_looked_at_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def complete(_: int, data: pydicom.Dataset) -> None:
        data.StudyDate, data.StudyTime, data.StudyID = "20260102", "101112", "7"

    files = FileSet()
    affine, shape = axial((6.0, 4.0, 4.0))
    for path in write_series(tmp_path / "ct", painted(affine, shape).voxels, affine, change=complete):
        files.add(path)
    files.write(tmp_path / "disc")
    words = ["segment", str(tmp_path / "disc" / "DICOMDIR"), "--series", "list", "--images", "--device", "cpu"]
    assert main(words) == 0
    assert "image:" in capfd.readouterr().out


def test_a_first_look_takes_few_slices(study: Path) -> None:
    series = next(series for series in list_series(study) if series.number == 3)
    whole, few = read_ct(study, series="3").volume, read_thinned(study, series, 7.0)
    assert few.shape == (40, 96, 120) and np.array_equal(few.voxels, whole.voxels[::2])
    assert np.allclose(few.ras((5, 0, 0)), whole.ras((10, 0, 0)))
    assert np.array_equal(read_thinned(study, series, 2.0).voxels, whole.voxels)


def test_a_bundle_that_finds_no_kidneys_is_refused(study: Path, tmp_path: Path) -> None:
    bundle = make_detector(tmp_path / "boxes")
    with pytest.raises(InputError, match="take a bundle of the kind cascade"):
        phases_seen(study, list_series(study), bundle, "cpu")
