"""The pipeline ``slice-vote``: which slices vote, for what, where they lie, and what the patient's class becomes."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slicevotebundle import SHAPE, brightness_network, make_vote_bundle
from toybundle import BODY, LEFT, RIGHT, RIGHT_SOLID, Ellipsoid, axial, painted

from RenalAILib.axial_slices import fitted, slice_on_grid
from RenalAILib.bundles.bundle import Bundle, read_bundle, write_checksums
from RenalAILib.errors import InputError
from RenalAILib.findings import Findings, Outcome
from RenalAILib.orientation import canonical
from RenalAILib.pipelines.running import segment
from RenalAILib.pipelines.voting import class_probabilities, patient_class
from RenalAILib.volume import Volume


def _run(volume: Volume, bundle: Bundle, **options: Any) -> Outcome:
    return segment(volume, bundle, device="cpu", engine="onnxruntime", **options)


def _half_bright(count: int = 20, bright: int = 9) -> Volume:
    """``count`` slices from feet to head; the upper ``bright`` are bright."""
    hu = np.full((count, 40, 40), -100, np.int16)
    hu[count - bright :] = 150
    return Volume(hu, np.diag([-2.0, -2.0, 3.0, 1.0]), "half")


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_vote_bundle(tmp_path_factory.mktemp("votes") / "bundle")


@pytest.mark.parametrize(("bright", "label"), [(9, "benign"), (10, "rcc"), (11, "rcc"), (0, "benign")])
def test_the_patient_is_benign_with_51_percent_of_the_slices(votes: Bundle, bright: int, label: str) -> None:
    verdict = _run(_half_bright(20, bright), votes).findings.verdict
    assert verdict is not None and verdict.label == label
    assert verdict.shares == pytest.approx({"benign": 1 - bright / 20, "rcc": bright / 20})
    assert (verdict.decisive, verdict.threshold) == ("benign", 0.51)
    assert [vote.vote for vote in verdict.slices] == ["benign"] * (20 - bright) + ["rcc"] * bright


@pytest.mark.parametrize("flips", list(product((1, -1), repeat=3)))
def test_slices_keep_their_place_in_the_scan_and_in_the_patient(votes: Bundle, flips: tuple[int, int, int]) -> None:
    upright = _half_bright()
    affine = upright.ijk_to_ras.copy()
    for axis, flip in enumerate(flips):  # array axes k, j, i
        if flip < 0:
            column = 2 - axis
            affine[:3, 3] += affine[:3, column] * (upright.shape[axis] - 1)
            affine[:3, column] *= -1
    turned = Volume(np.ascontiguousarray(upright.voxels[:: flips[0], :: flips[1], :: flips[2]]), affine)
    verdict = _run(turned, votes).findings.verdict
    assert verdict is not None
    heights = [vote.centre_ras[2] for vote in verdict.slices]
    assert heights == sorted(heights)
    for vote in verdict.slices:
        assert (turned.voxels[vote.k].mean() > 0) == (vote.vote == "rcc")
        assert turned.kji(vote.centre_ras)[0] == pytest.approx(vote.k, abs=1e-6)
        assert vote.probabilities["rcc"] == pytest.approx(float(vote.vote == "rcc"), abs=1e-3)


def test_permuted_axes_give_the_same_votes(votes: Bundle) -> None:
    """A sagittal series of the same patient: slices that vote are axial all the same."""
    upright = _half_bright()
    sagittal = Volume(np.ascontiguousarray(upright.voxels.transpose(2, 0, 1)), upright.ijk_to_ras[:, [1, 2, 0, 3]])
    one, two = (_run(volume, votes).findings.verdict for volume in (upright, sagittal))
    assert one is not None and two is not None
    assert [vote.vote for vote in one.slices] == [vote.vote for vote in two.slices]


@pytest.mark.parametrize("choice", ["kidney", "mass"])
def test_only_the_slices_asked_for_vote(choice: str, tmp_path: Path) -> None:
    bundle = make_vote_bundle(tmp_path / "bundle", slices=choice)
    affine, shape = axial()
    ct = painted(affine, shape, (BODY, RIGHT, LEFT, RIGHT_SOLID))
    outcome = _run(ct, bundle)
    verdict = outcome.findings.verdict
    assert verdict is not None
    heights = np.array([vote.centre_ras[2] for vote in verdict.slices])
    low, high = {"kidney": (-50, 62), "mass": (-6, 26)}[choice]  # as painted
    assert heights.min() == pytest.approx(low, abs=5) and heights.max() == pytest.approx(high, abs=5)
    assert np.diff(heights) == pytest.approx(3.0)
    assert bool(outcome.findings.masses) == (choice == "mass")
    if choice == "mass":
        (mass,) = outcome.findings.masses
        assert mass.mass_class.value == "unknown" and mass.probabilities == {}
        assert len(outcome.findings.kidneys) == 2 and outcome.instances.max() == 3


def test_without_a_kidney_there_is_no_verdict_and_a_warning(tmp_path: Path) -> None:
    bundle = make_vote_bundle(tmp_path / "bundle", slices="kidney")
    affine, shape = axial()
    findings = _run(painted(affine, shape, (BODY,)), bundle).findings
    assert findings.verdict is None
    assert "No slice through a kidney was found, so there is no verdict." in findings.warnings


def test_fast_looks_at_every_second_slice_with_one_network(tmp_path: Path) -> None:
    always = brightness_network(-900.0).SerializeToString()
    bundle = make_vote_bundle(tmp_path / "bundle", more=always, decisive="")
    whole, fast = (_run(_half_bright(), bundle, fast=quick).findings.verdict for quick in (False, True))
    assert whole is not None and fast is not None
    assert (len(whole.slices), len(fast.slices)) == (20, 10)
    assert whole.label == "rcc" and whole.shares["rcc"] == 1.0  # even with a half each, the last class counts
    assert fast.label == "benign" and fast.shares["benign"] == pytest.approx(0.5, abs=0.11)


def test_findings_with_a_verdict_survive_json(votes: Bundle) -> None:
    findings = _run(_half_bright(), votes).findings
    again = Findings.from_json(json.loads(json.dumps(findings.to_json())))
    assert again == findings
    assert "vote" in findings.timings_s


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(4, 40), st.integers(4, 40)),
    spacing=st.tuples(st.floats(0.5, 3), st.floats(0.5, 3)),
)
@settings(max_examples=40, deadline=None)
def test_a_slice_keeps_its_proportions_and_is_never_cropped(
    shape: tuple[int, int, int], spacing: tuple[float, float]
) -> None:
    volume = Volume(np.full(shape, 50.0, np.float32), np.diag([-spacing[1], -spacing[0], 2.0, 1.0]))
    rows, columns = fitted(canonical(volume), SHAPE)
    assert rows == SHAPE[0] or columns == SHAPE[1]
    sought = shape[1] * spacing[0] / (shape[2] * spacing[1])
    assert (rows - 1) / (columns + 1) <= sought <= (rows + 1) / max(columns - 1, 1e-9) or min(rows, columns) == 1
    got = slice_on_grid(canonical(volume), 0, SHAPE, -999.0).round(3)
    assert set(np.unique(got)) <= {-999.0, 50.0} and (got == 50.0).sum() == rows * columns


def test_a_slice_is_the_one_asked_for() -> None:
    volume = _half_bright()
    assert slice_on_grid(volume, 10, SHAPE, -1000).max() == -100
    assert slice_on_grid(volume, 11, SHAPE, -1000).min() == 150


def test_votes_and_probabilities_by_hand() -> None:
    np.testing.assert_allclose(class_probabilities(np.array([[2.0]]), 2), [[0.119203, 0.880797]], atol=1e-6)
    np.testing.assert_allclose(class_probabilities(np.log([[1.0, 2.0, 5.0]]), 3), [[0.125, 0.25, 0.625]])
    with pytest.raises(ValueError, match="3 classes need as many logits"):
        class_probabilities(np.zeros((4, 1)), 3)
    assert patient_class(["a", "b", "b"], ("a", "b"), "", 0.5) == "b"
    assert patient_class(["a", "b"], ("a", "b"), "", 0.5) == "b"
    assert patient_class(["a", "b"], ("a", "b"), "a", 0.5) == "a"
    assert patient_class(["a"] * 50 + ["b"] * 20 + ["c"] * 30, ("a", "b", "c"), "a", 0.51) == "c"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"classes": ["one"]}, "classes must be two or more different texts"),
        ({"classes": ["a", "a"]}, "classes must be two or more different texts"),
        ({"decisive": "other"}, "decisive must be one of '', 'benign', 'rcc', got 'other'"),
        ({"slices": "some"}, "slices must be one of"),
        ({"shape": [224]}, "shape must be two whole numbers"),
        ({"threshold": 1.5}, "threshold must be a number above 0 up to 1"),
        ({"mode": 1}, "unknown field, mode"),
    ],
)
def test_bad_metadata_are_refused(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        make_vote_bundle(tmp_path / "bundle", **changes)


def test_a_bundle_for_kidney_slices_needs_a_kidney_network(votes: Bundle, tmp_path: Path) -> None:
    make_vote_bundle(tmp_path / "bundle")
    path = tmp_path / "bundle/configs/metadata.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"all"', '"kidney"'), encoding="utf-8")
    write_checksums(tmp_path / "bundle")
    with pytest.raises(InputError, match="stages lacks locate"):
        read_bundle(tmp_path / "bundle")


def test_an_ellipsoid_elsewhere_does_not_vote(votes: Bundle) -> None:
    """The toy network looks at the middle only: what it was given is upright and centred."""
    affine, shape = axial()
    side = painted(affine, shape, (BODY, Ellipsoid((120.0, 0.0, 0.0), (30.0, 30.0, 1e6), 200.0)))
    middle = painted(affine, shape, (BODY, Ellipsoid((0.0, 0.0, 0.0), (60.0, 60.0, 1e6), 200.0)))
    labels = [_run(volume, votes).findings.verdict for volume in (side, middle)]
    assert [verdict.label if verdict else None for verdict in labels] == ["benign", "rcc"]
