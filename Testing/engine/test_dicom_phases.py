"""Contrast phases: guessed from headers and kidneys, registered kidney by kidney, and every mass measured in all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from scanfiles import small_ct, write_series
from toybundle import (
    BODY,
    LEFT,
    LEFT_AML,
    RIGHT,
    RIGHT_CYST,
    RIGHT_SOLID,
    Ellipsoid,
    axial,
    inside,
    make_bundle,
    painted,
)

from RenalAILib import cli
from RenalAILib.contrast_phases import ContrastPhase, phases_of_kidneys
from RenalAILib.phantom import Phase, make_phantom
from RenalAILib.phases.registration import register
from RenalAILib.reading import list_series, read_phases
from RenalAILib.reading.dicom_phase import PhaseClues, phase_of_delay, phases_of_headers
from RenalAILib.reading.dicom_series import choose_series
from RenalAILib.report import FILES
from RenalAILib.volume import Volume

PLAIN, ARTERIAL, VENOUS, LATE, SOME, NOTHING = (
    ContrastPhase.PLAIN,
    ContrastPhase.CORTICOMEDULLARY,
    ContrastPhase.NEPHROGRAPHIC,
    ContrastPhase.EXCRETORY,
    ContrastPhase.CONTRAST,
    ContrastPhase.UNKNOWN,
)
STUDY = "1.2.826.0.1.3680043.8.498.77"


@pytest.mark.parametrize(
    ("told", "agent", "acquired", "injected", "expected"),
    [
        (["native", "arterial", "portal venous", "delayed"], 0, None, None, [PLAIN, ARTERIAL, VENOUS, LATE]),
        (["non-contrast", "post contrast 5.0"], 0, None, None, [PLAIN, SOME]),
        (["Abdomen", "Abdomen"], 0b10, None, None, [PLAIN, SOME]),
        (["Abdomen", "Abdomen"], 0, None, None, [NOTHING, NOTHING]),
        (["a", "b", "c", "d"], 0b1110, [0, 130, 185, 500], 100, [PLAIN, ARTERIAL, VENOUS, LATE]),
        (["a", "b", "c", "d"], 0b1110, [0, 130, 185, 500], None, [PLAIN, ARTERIAL, VENOUS, LATE]),
        (["portal venous"], 1, [1030], 1000, [VENOUS]),  # words before clocks
        (["a"], 1, [5000], 1000, [SOME]),  # a clock that was not set tells nothing
    ],
)
def test_phases_of_headers(
    told: list[str], agent: int, acquired: list[float] | None, injected: float | None, expected: list[ContrastPhase]
) -> None:
    clues = [
        PhaseClues(text, bool(agent >> n & 1), acquired[n] if acquired else None, injected if agent >> n & 1 else None)
        for n, text in enumerate(told)
    ]
    assert [guess.phase for guess in phases_of_headers(clues)] == expected


def test_delays() -> None:
    assert [phase_of_delay(s) for s in (-60, 5, 30, 75, 120, 300, 9999)] == [
        PLAIN, None, ARTERIAL, VENOUS, VENOUS, LATE, None,
    ]  # fmt: skip


def kidneys(phase: Phase) -> np.ndarray:
    phantom = make_phantom(3, shape=(40, 128, 150), spacing_mm=(6.0, 2.6, 2.6), phase=phase)
    hu = phantom.volume.voxels.astype(np.float32)
    smooth = (hu + sum(np.roll(hu, step, axis) for axis in (1, 2) for step in (-1, 1))) / 5
    return smooth[np.isin(phantom.labels, (1, 2))]


def test_the_image_tells_the_phase_of_phantoms() -> None:
    values = [kidneys(phase) for phase in Phase]
    assert [guess.phase.value for guess in phases_of_kidneys(values)] == [phase.value for phase in Phase]
    assert phases_of_kidneys([values[2]])[0].phase is SOME  # one alone: contrast, but which is not told


def at(number: int, description: str, seconds: int | None, agent: str = "") -> Callable[[int, Any], None]:
    def change(_: int, data: pydicom.Dataset) -> None:
        data.StudyInstanceUID, data.StudyDescription = STUDY, "CT kidneys"
        data.FrameOfReferenceUID = f"{STUDY}.1"
        if seconds is not None:
            data.AcquisitionDate = "20260102"
            data.AcquisitionTime = f"10{seconds // 60:02d}{seconds % 60:02d}.25"
        if agent:
            data.ContrastBolusAgent = agent

    return change


def test_the_series_of_a_study_and_the_phases_among_them(tmp_path: Path) -> None:
    voxels = small_ct((12, 14, 16))
    for number, (words, seconds, agent) in enumerate(
        [("native", 0, ""), ("venous", 100, "X"), ("venous bone", 100, "X"), ("arterial", 60, "X"), ("", 400, "X")], 1
    ):
        change = at(number, words, seconds, agent)
        write_series(tmp_path / str(number), voxels, number=number, description=words, change=change)
    write_series(tmp_path / "6", voxels, number=6, description="other study, portal venous")
    found = {series.number: series for series in list_series(tmp_path)}
    assert [found[n].phase.phase for n in (1, 2, 3, 4)] == [PLAIN, VENOUS, VENOUS, ARTERIAL]
    chosen = choose_series(tmp_path, "2")
    assert [series.number for series in chosen.other_phases] == [1, 4, 5]  # by time; not the bone kernel, not study 6
    read = read_phases(tmp_path, series="2")
    assert [scan.label for scan in read[:2]] == ["series 2 (venous)", "series 1 (native)"]


def test_a_phase_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    voxels = small_ct((12, 14, 16))
    write_series(tmp_path / "a", voxels, number=1, description="venous", change=at(1, "", 100))
    (gone, *_) = write_series(
        tmp_path / "b", voxels, number=2, description="native", change=at(2, "", 0), order=list(range(12))
    )
    gone.with_name("2-005.dcm").unlink()
    first, *others = read_phases(tmp_path, series="1")
    assert others == [] and any("Not measured" in note and "lacks 1 slice" in note for note in first.scan.notes)


def test_registration_finds_how_a_kidney_moved() -> None:
    """In another phase, turned by 4 degrees and moved by 14 mm; within the voxels' size."""
    shape, spacing = (50, 150, 170), (4.0, 2.2, 2.2)
    phantom = make_phantom(2, shape=shape, spacing_mm=spacing)
    other = make_phantom(2, shape=shape, spacing_mm=spacing, phase=Phase.CORTICOMEDULLARY)
    motion = np.eye(4)
    angle = np.deg2rad(4)
    motion[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    motion[:3, 3] = (3, -4, 13)
    moved = Volume(other.volume.voxels[::-1], motion @ other.volume.ijk_to_ras @ _upside_down(shape[0]), "moved")
    organ = phantom.labels == 1
    found = register(phantom.volume, organ, moved)
    assert found is not None
    points = phantom.volume.ras(np.argwhere(organ)[::50])
    error = (found.matrix - motion) @ np.column_stack([points, np.ones(len(points))]).T
    assert np.linalg.norm(error[:3], axis=0).max() < 1.5 and abs(found.rotation_deg - 4) < 1
    brought = found.bring(moved)
    assert np.linalg.norm(brought.ijk_to_ras - (np.linalg.inv(motion) @ moved.ijk_to_ras)) < 3


def _upside_down(count: int) -> np.ndarray:
    matrix = np.diag([1.0, 1.0, -1.0, 1.0])
    matrix[2, 3] = count - 1
    return matrix


def test_a_scan_that_does_not_show_the_kidney_gives_no_motion() -> None:
    affine, shape = axial((6.0, 4.0, 4.0))
    volume = painted(affine, shape)
    away = affine.copy()
    away[2, 3] += 150
    assert register(volume, inside(volume, RIGHT), Volume(volume.voxels, away)) is None


RIGHT_MOVED, LEFT_MOVED = np.array((2.0, -1.0, 9.0)), np.array((-1.0, 2.0, -6.0))


def moved(part: Ellipsoid, by: np.ndarray, hu: float) -> Ellipsoid:
    x, y, z = np.add(part.centre, by)
    return replace(part, centre=(x, y, z), hu=hu)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A venous phase that the toy bundle understands, and a plain one, in which both kidneys lie elsewhere."""
    folder = tmp_path_factory.mktemp("study")
    affine, shape = axial((5.0, 3.0, 3.0))
    venous = (BODY, RIGHT, LEFT, RIGHT_SOLID, RIGHT_CYST, LEFT_AML)
    plain = (
        BODY,
        moved(RIGHT, RIGHT_MOVED, 35.0),
        moved(LEFT, LEFT_MOVED, 35.0),
        moved(RIGHT_SOLID, RIGHT_MOVED, 30.0),
        moved(RIGHT_CYST, RIGHT_MOVED, 8.0),
        moved(LEFT_AML, LEFT_MOVED, -55.0),
    )
    for number, parts, words, seconds in ((1, plain, "native", 0), (2, venous, "portal venous", 100)):
        voxels = painted(affine, shape, parts, noise_hu=3.0).voxels
        write_series(folder / words, voxels, affine, number=number, description=words, change=at(0, "", seconds))
    return folder


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "toy"
    make_bundle(folder)
    return folder


def test_enhancement_across_the_phases(study: Path, toy: Path, tmp_path: Path) -> None:
    words = ["segment", str(study), "-o", str(tmp_path / "out"), "--bundle", str(toy), "--device", "cpu", "--phases"]
    assert cli.main([*words, "--dicom"]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {*FILES, "phases.json", "measurements.dcm"} <= names
    told = json.loads((tmp_path / "out" / "phases.json").read_text("utf-8"))
    venous, plain = told["phases"]
    assert (venous["phase"], plain["phase"]) == ("nephrographic", "plain") and venous["shifts"] == []
    for shift, expected in zip(plain["shifts"], (RIGHT_MOVED, LEFT_MOVED), strict=True):
        assert np.linalg.norm(np.subtract(shift["shift_mm"], expected)) < 2
    findings = json.loads((tmp_path / "out" / "findings.json").read_text("utf-8"))
    by_class = {mass["class"]: mass for mass in findings["masses"]}
    for mass_class, expected_hu in (("solid", 50), ("cystic", 0), ("aml", 5)):
        mass = by_class[mass_class]
        assert told["enhancement_hu"][mass["segment_id"]] == pytest.approx(expected_hu, abs=12)
        assert mass["evidence"]["enhancement_hu"] == pytest.approx(expected_hu, abs=12)
        assert mass["evidence"]["suggests"] == mass_class
    warnings = " ".join(findings["warnings"])
    assert re.search(r"series 1 \(native\), plain: shifted kidney right by (8\.[5-9]|9\.\d) mm", warnings)
    assert "Enhancement is measured between series 2 (portal venous) and series 1 (native)" in warnings


def test_a_second_phase_from_elsewhere_is_registered_too(study: Path, toy: Path, tmp_path: Path) -> None:
    words = ["segment", str(study / "portal venous"), "--second-phase", str(study / "native"), "--bundle", str(toy)]
    assert cli.main([*words, "--device", "cpu", "-o", str(tmp_path / "out")]) == 0
    findings = json.loads((tmp_path / "out" / "findings.json").read_text("utf-8"))
    found = {mass["class"]: mass["evidence"] for mass in findings["masses"]}
    for mass_class, expected_hu in (("solid", 50), ("cystic", 0), ("aml", 5)):
        assert found[mass_class]["enhancement_hu"] == pytest.approx(expected_hu, abs=12)
        assert found[mass_class]["suggests"] == mass_class
    told = " ".join(findings["warnings"])
    shifts = re.search(
        r"The second phase, native.*: shifted kidney right by ([\d.]+) mm, kidney left by ([\d.]+) mm", told
    )
    assert shifts is not None
    expected = [float(np.linalg.norm(by)) for by in (RIGHT_MOVED, LEFT_MOVED)]
    assert [float(text) for text in shifts.groups()] == pytest.approx(expected, abs=1.0)
    assert "shifted kidney right" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_batch_measures_all_phases_of_each_study(study: Path, toy: Path, tmp_path: Path) -> None:
    """Its two series lie in folders of their own and are one study."""
    words = ["batch", "run", str(study), "-o", str(tmp_path / "out"), "--bundle", str(toy), "--device", "cpu"]
    assert cli.main([*words, "--phases"]) == 0
    (result,) = (tmp_path / "out" / "results").iterdir()
    told = json.loads((result / "phases.json").read_text("utf-8"))
    assert [phase["phase"] for phase in told["phases"]] == ["nephrographic", "plain"]


def test_one_phase_alone_is_told(study: Path, toy: Path, tmp_path: Path) -> None:
    words = ["segment", str(study / "portal venous"), "-o", str(tmp_path / "out"), "--bundle", str(toy)]
    assert cli.main([*words, "--device", "cpu", "--phases"]) == 0
    findings = json.loads((tmp_path / "out" / "findings.json").read_text("utf-8"))
    assert any("no other contrast phase" in warning for warning in findings["warnings"])
    assert {mass["evidence"]["enhancement_hu"] for mass in findings["masses"]} == {None}


def test_the_list_shows_phases_and_what_is_taken(study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["segment", str(study), "--series", "list"]) == 0
    out = capfd.readouterr().out
    assert "CT kidneys" in out and "nephrographic" in out and "plain" in out
    rows = {line.split("│")[2].strip(): line.split("│")[1].strip() for line in out.splitlines() if line.count("│") > 5}
    assert rows["2"] == "*" and rows["1"] == "+"


def test_phases_and_a_second_phase_exclude_each_other(study: Path, tmp_path: Path, capfd: Any) -> None:
    words = ["segment", str(study), "-o", str(tmp_path / "out"), "--phases", "--second-phase", str(study / "native")]
    assert cli.main(words) == 2 and "cannot both be measured" in capfd.readouterr().err
