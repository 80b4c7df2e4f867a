"""What `segment` writes and says for a detector's bundle: boxes in the page's pictures, the table, the shell."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from toybundle import axial, painted
from toydetector import RIGHT_CYST, SEEN, make_detector

from RenalAILib.cli import main
from RenalAILib.findings import Findings, Outcome
from RenalAILib.pictures.figures import Figures
from RenalAILib.pictures.layers import BOX_COLOR
from RenalAILib.pictures.sections import Plane
from RenalAILib.pipelines.running import segment
from RenalAILib.report.nifti import nifti_ct


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detector")
    make_detector(folder / "bundle")
    for name, parts in (("masses", SEEN), ("empty", SEEN[:3])):
        (folder / f"{name}.nii.gz").write_bytes(nifti_ct(painted(*axial(), parts, noise_hu=3.0), name))
    return folder


def run(folder: Path, name: str) -> int:
    words = ["segment", str(folder / f"{name}.nii.gz"), "-o", str(folder / name), "--bundle", str(folder / "bundle")]
    return main([*words, "--device", "cpu"])


def test_candidates_stand_in_the_shell_the_table_and_the_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "masses") == 0
    said = capsys.readouterr().out
    assert "candidate_3" in said and "left" in said
    assert "kidney" not in said.lower()  # nothing was outlined: no empty table of segments
    found = Findings.from_json(json.loads((folder / "masses/findings.json").read_text(encoding="utf-8")))
    assert found.detections is not None and len(found.detections) == 3
    rows = list(csv.DictReader(io.StringIO((folder / "masses/findings.csv").read_text(encoding="utf-8"))))
    assert [row["kind"] for row in rows] == ["candidate"] * 3
    assert [float(row["score"]) for row in rows] == pytest.approx([one.score for one in found.detections], abs=1e-5)
    page = (folder / "masses/report.html").read_text(encoding="utf-8")
    for one in found.detections:
        assert f'id="{one.detection_id}"' in page and f'href="#{one.detection_id}"' in page
    assert "The detector found three candidates" in page
    assert "not found" not in page


def test_a_scan_without_candidates_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "empty") == 0
    assert "No candidate was found." in capsys.readouterr().out
    found = json.loads((folder / "empty/findings.json").read_text(encoding="utf-8"))
    assert found["detections"] == []
    assert "The detector found none." in (folder / "empty/report.html").read_text(encoding="utf-8")


def outcome(folder: Path) -> Outcome:
    from RenalAILib.bundles.bundle import read_bundle

    volume = painted(*axial(), SEEN)
    turned = type(volume)(volume.voxels[:, ::-1], _flipped(volume.ijk_to_ras, volume.shape[1]), "turned")
    return segment(turned, read_bundle(folder / "bundle"), device="cpu", engine="onnxruntime")


def _flipped(affine: np.ndarray, rows: int) -> np.ndarray:
    turn = np.eye(4)
    turn[1, 1], turn[1, 3] = -1, rows - 1
    return np.asarray(affine @ turn)


def test_frames_lie_about_what_was_found(folder: Path) -> None:
    result = outcome(folder)
    assert result.findings.detections is not None
    cyst = min(
        result.findings.detections,
        key=lambda one: float(np.linalg.norm(np.subtract(one.centre_ras, RIGHT_CYST.centre))),
    )
    pictures = Figures(result).of_detection(cyst)
    assert [picture.section.plane for picture in pictures] == list(Plane)
    for picture in pictures:
        frame = picture.outlines[..., 3] > 0
        assert {tuple(color) for color in picture.outlines[frame][:, :3]} == {BOX_COLOR}
        rows, columns = np.flatnonzero(frame.any(axis=1)), np.flatnonzero(frame.any(axis=0))
        middle = np.array(picture.grey.shape) / 2
        assert rows[0] < middle[0] < rows[-1] and columns[0] < middle[1] < columns[-1]
        centre = picture.grey[int(middle[0]) - 5 : int(middle[0]) + 5, int(middle[1]) - 5 : int(middle[1]) + 5]
        assert abs(float(centre.mean()) - (RIGHT_CYST.hu + 160) * 255 / 400) < 6  # the cyst's grey
        if picture.section.plane is Plane.AXIAL:  # the others cut boxes above, too
            wide = (columns[-1] + 1 - columns[0]) * picture.section.mm_per_pixel
            assert wide == pytest.approx(cyst.size_mm[0], abs=2)


def test_the_overview_shows_and_numbers_every_candidate(folder: Path) -> None:
    coronal, axial_picture = Figures(outcome(folder)).overview()
    assert {mark.segment_id for mark in coronal.marks} == {"candidate_1", "candidate_2", "candidate_3"}
    assert coronal.outlines[..., 3].any() and axial_picture.outlines[..., 3].any()
