"""A detector bundle from a CT to candidates in the patient: places, sides, slices, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from toybundle import LEFT_AML, RIGHT_SOLID, Ellipsoid, axial, painted
from toydetector import RIGHT_CYST, SEEN, make_detector

from RenalAILib.bundles.bundle import Bundle, read_bundle, write_checksums
from RenalAILib.detections import Detection
from RenalAILib.detector.slices import SliceGrid, looked_at, network_slices
from RenalAILib.errors import InputError
from RenalAILib.findings import Findings, Outcome
from RenalAILib.labels import Side
from RenalAILib.pipelines.running import segment
from RenalAILib.volume import Volume


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_detector(tmp_path_factory.mktemp("detector") / "toy")


def found_in(volume: Volume, bundle: Bundle, **options: bool) -> Outcome:
    return segment(volume, bundle, device="cpu", engine="onnxruntime", **options)


def nearest(findings: Findings, organ: Ellipsoid) -> Detection:
    return min(findings.detections, key=lambda one: float(np.linalg.norm(np.subtract(one.centre_ras, organ.centre))))


def check_usual(outcome: Outcome, tolerance_mm: float = 7.0) -> None:
    findings = outcome.findings
    assert len(findings.detections) == 3
    assert [one.detection_id for one in findings.detections] == ["candidate_1", "candidate_2", "candidate_3"]
    scores = [one.score for one in findings.detections]
    assert scores == sorted(scores, reverse=True)
    for organ, side in ((RIGHT_SOLID, Side.RIGHT), (RIGHT_CYST, Side.RIGHT), (LEFT_AML, Side.LEFT)):
        one = nearest(findings, organ)
        assert np.linalg.norm(np.subtract(one.centre_ras, organ.centre)) < tolerance_mm
        assert (one.label, one.side) == ("mass", side)
        corners = one.corners_ras
        assert (corners.min(axis=0) < organ.centre).all()
        assert (corners.max(axis=0) > organ.centre).all()
    assert Findings.from_json(json.loads(json.dumps(findings.to_json()))) == findings
    assert not outcome.labels.any()
    assert not outcome.instances.any()


def test_masses_are_found_with_place_and_side_and_kidneys_are_not_reported(detector: Bundle) -> None:
    outcome = found_in(painted(*axial(), SEEN, noise_hu=2.0), detector)
    check_usual(outcome)
    solid = nearest(outcome.findings, RIGHT_SOLID)
    # Head-foot, the box is as long as the slices whose disc fills a third of the toy's box; in plane its one size.
    pixel_mm = 360 / 128
    assert solid.size_mm[:2] == pytest.approx(
        (12 * pixel_mm,) * 2, abs=4 * pixel_mm + 5
    )  # its best box moves by a cell
    assert 18 < solid.size_mm[2] <= 33
    centres = outcome.volume.ras(np.stack([solid.slices, *[np.zeros(len(solid.slices))] * 2], axis=1))[:, 2]
    assert np.abs(centres - RIGHT_SOLID.centre[2]).max() <= 16


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(False, True, False), (True, False, True)])
def test_however_the_ct_is_stored_the_same_is_found(
    detector: Bundle, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    straight = painted(*axial(), SEEN)
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for axis, (source, flip) in enumerate(zip(order, flips, strict=True)):
        turn[2 - source, 2 - axis] = -1 if flip else 1
        turn[2 - source, 3] = straight.shape[source] - 1 if flip else 0
    voxels = straight.voxels.transpose(order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    stored = Volume(voxels, straight.ijk_to_ras @ turn, "turned")
    outcome = found_in(stored, detector)
    check_usual(outcome)
    expected = found_in(straight, detector).findings.detections
    head = order.index(0)
    for one, other in zip(outcome.findings.detections, expected, strict=True):
        assert one.centre_ras == pytest.approx(other.centre_ras)
        assert np.sort(one.corners_ras, axis=0) == pytest.approx(np.sort(other.corners_ras, axis=0))
        index = straight.shape[0] - 1 - np.array(one.slices) if flips[head] else np.array(one.slices)
        assert sorted(index) == sorted(other.slices)


def test_a_tilted_ct_gives_tilted_boxes_at_the_same_places(detector: Bundle) -> None:
    affine, shape = axial()
    angle = np.deg2rad(12)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    outcome = found_in(painted(turn @ affine, shape, SEEN), detector)
    check_usual(outcome)
    axes = np.array(outcome.findings.detections[0].axes_ras)
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-6)
    assert abs(axes[0, 1]) == pytest.approx(np.sin(angle), abs=1e-6)


def test_thin_slices_are_stepped_over_and_fast_looks_at_fewer(detector: Bundle) -> None:
    thin = painted(*axial(spacing_mm=(1.0, 2.5, 2.5)), SEEN)
    assert looked_at(thin, 3.0) == range(0, 180, 3)
    outcome = found_in(thin, detector)
    check_usual(outcome)
    assert all(k % 3 == 0 for one in outcome.findings.detections for k in one.slices)
    fast = found_in(thin, detector, fast=True)
    assert all(k % 6 == 0 for one in fast.findings.detections for k in one.slices)
    assert nearest(fast.findings, RIGHT_SOLID).side is Side.RIGHT


def test_a_mass_like_thing_away_from_every_kidney_is_left_out(detector: Bundle) -> None:
    stray = Ellipsoid((-100, 60, 0), (16, 16, 16), RIGHT_SOLID.hu)
    check_usual(found_in(painted(*axial(), parts=(*SEEN, stray)), detector))


def test_nothing_is_found_where_nothing_is(detector: Bundle) -> None:
    outcome = found_in(painted(*axial(), parts=SEEN[:1]), detector)
    assert outcome.findings.detections == ()
    assert "No kidney was found" in outcome.findings.warnings[0]
    kidneys_alone = found_in(painted(*axial(), parts=SEEN[:3]), detector)
    assert kidneys_alone.findings.detections == ()
    assert kidneys_alone.findings.warnings == ()


def test_models_are_averaged(tmp_path: Path) -> None:
    check_usual(found_in(painted(*axial(), SEEN), make_detector(tmp_path / "two", models=2, neighbours=0)))


def test_the_grid_leads_back_to_the_pixels_of_the_ct() -> None:
    wide = Volume(np.zeros((3, 40, 80)), np.diag([-1.0, -2.0, 5.0, 1.0]))
    grid = SliceGrid.of(wide, (64, 100))
    boxes = np.array([[0.1, 0.2, 0.5, 0.7], [0.3, 0.3, 0.9, 0.4]])
    assert np.allclose(grid.to_shares(grid.to_pixels(boxes)), boxes)
    wide.voxels[1, 10:20, 16:48] = 100.0
    seen = network_slices(wide, 1, 1, 0, (64, 100))[0] > 50
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    top, left, bottom, right = grid.to_shares(np.array([[10, 16, 20, 48.0]]))[0]
    assert (rows[0], rows[-1] + 1) == pytest.approx((top * 64, bottom * 64), abs=0.6)
    assert (columns[0], columns[-1] + 1) == pytest.approx((left * 100, right * 100), abs=0.6)


def test_neighbours_are_a_step_away_and_the_last_slice_stands_for_missing_ones() -> None:
    ramp = Volume(np.broadcast_to(np.arange(7.0)[:, None, None], (7, 8, 8)).copy(), np.eye(4))
    assert network_slices(ramp, 2, 2, 1, (8, 8))[:, 4, 4].tolist() == [0, 2, 4]
    assert network_slices(ramp, 6, 2, 1, (8, 8))[:, 4, 4].tolist() == [4, 6, 6]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reported": ["nodule"]}, "reported"),
        ({"classes": ["mass", "mass"], "reported": ["mass"]}, "named twice"),
        ({"neighbours": 2}, "neighbours"),
        ({"shape": [128]}, "shape"),
        ({"default_boxes": {"strides": [8, 4], "smallest": 0.1, "largest": 0.2, "ratios": [1]}}, "strides must rise"),
        ({"default_boxes": {"strides": [8], "smallest": 0.1, "largest": 0.2, "ratios": []}}, "ratios"),
        ({"more": 1}, "unknown field"),
    ],
)
def test_metadata_that_do_not_fit_are_refused_in_a_sentence(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    folder = make_detector(tmp_path / "bad").folder
    path = folder / "configs/metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata["stages"]["slice-detect"] |= change
    path.write_text(json.dumps(metadata), encoding="utf-8")
    write_checksums(folder)
    with pytest.raises(InputError, match=told):
        read_bundle(folder)
