"""Agreement: against the surface-distance package, by hand-made cases, and by the KiTS rules."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from RenalAILib import cli
from RenalAILib.compare import (
    DomainOutcome,
    Scheme,
    compare_files,
    compare_labels,
    in_our_labels,
    write_agreement,
)
from RenalAILib.compare.kits import HierarchicalClass, kits_scores
from RenalAILib.compare.surfaces import surface_distances
from RenalAILib.errors import InputError
from RenalAILib.labels import Label, Side
from RenalAILib.report.nifti import nifti_labels
from RenalAILib.volume import Volume

CANONICAL = np.diag([-1.0, -1.0, 1.0, 1.0])  # i to the left, j to the back, k to the head; 1 mm


def _blob(seed: int, shape: tuple[int, int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    k, j, i = np.ogrid[: shape[0], : shape[1], : shape[2]]
    centre = np.array(shape) * rng.uniform(0.35, 0.65, 3)
    radii = np.maximum(np.array(shape) * rng.uniform(0.12, 0.4, 3), 1.0)
    inside = ((k - centre[0]) / radii[0]) ** 2 + ((j - centre[1]) / radii[1]) ** 2 + ((i - centre[2]) / radii[2]) ** 2
    return inside + 0.25 * rng.normal(size=shape) < 1


@given(st.integers(0, 10_000), st.tuples(*[st.floats(0.3, 5.0)] * 3))
@settings(deadline=None, max_examples=25)
def test_surfaces_equal_the_surface_distance_package(seed: int, spacing: tuple[float, float, float]) -> None:
    metrics = pytest.importorskip("surface_distance.metrics")
    shape = (9, 14, 17)
    first, second = _blob(seed, shape), _blob(seed + 1, shape)
    if not first.any() or not second.any():
        return
    theirs = metrics.compute_surface_distances(first, second, spacing)
    ours = surface_distances(first, second, spacing)
    for tolerance in (0.1, 1.0331, 2.5):
        expected = metrics.compute_surface_dice_at_tolerance(theirs, tolerance)
        assert ours.surface_dice(tolerance) == pytest.approx(expected, abs=1e-6)
    for percent in (50, 95, 100):
        expected = metrics.compute_robust_hausdorff(theirs, percent)
        assert ours.hausdorff_mm(percent) == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("spacing", "dice"), [(1.0330, 1.0), (1.0331, 0.0)], ids=["just within", "just beyond"])
def test_a_shift_of_one_voxel_about_the_tolerance(spacing: float, dice: float) -> None:
    slab = np.zeros((8, 6, 6), bool)
    slab[2:4] = True
    moved = np.roll(slab, 1, axis=0)
    distances = surface_distances(slab, moved, (spacing, 50.0, 50.0))
    found = distances.surface_dice(HierarchicalClass.KIDNEY_AND_MASS.tolerance_mm)
    assert found is not None
    assert abs(found - dice) < 0.35  # the slab's rim shares points with its neighbour at any shift
    assert (found > 0.99) == (dice == 1.0)


def test_one_empty_mask_has_no_hausdorff_and_no_surface_in_common() -> None:
    ball = _blob(1, (10, 10, 10))
    distances = surface_distances(ball, np.zeros_like(ball), (1, 1, 1))
    assert distances.hausdorff_mm() is None
    assert distances.surface_dice(100.0) == 0.0
    assert surface_distances(ball & False, ball & False, (1, 1, 1)).surface_dice(1.0) is None


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [([0], [0], 1.0), ([1], [0], 0.0), ([0], [1], 0.0), ([1], [1], 1.0)],
    ids=["both empty", "false positive", "missed", "same"],
)
def test_kits_rules_for_empty_masks(prediction: list[int], reference: list[int], expected: float) -> None:
    maps = []
    for values in (prediction, reference):
        labels = np.zeros((6, 6, 6), np.uint8)
        labels[2:4, 2:4, 2:4] = Label.SOLID if values[0] else 0
        maps.append(labels)
    for score in kits_scores(*maps, (1, 1, 1)):
        assert (score.dice, score.surface_dice) == (expected, expected)


def test_a_cyst_is_no_tumor_and_an_unknown_mass_is_a_mass() -> None:
    labels = np.zeros((6, 6, 9), np.uint8)
    labels[1:3, 1:3, 1:3], labels[1:3, 1:3, 5:7] = Label.CYSTIC, Label.UNKNOWN
    scores = {s.hierarchical_class: s.dice for s in kits_scores(labels, np.zeros_like(labels), (1, 1, 1))}
    assert scores == {
        HierarchicalClass.KIDNEY_AND_MASS: 0.0,
        HierarchicalClass.MASS: 0.0,
        HierarchicalClass.TUMOR: 1.0,
    }


def _patient() -> np.ndarray:
    """Two kidneys of 20 mm, the right one (low i) with a 6 mm cyst and a 3 mm solid mass, the left with an AML."""
    labels = np.zeros((40, 40, 80), np.uint8)
    labels[10:30, 10:30, 10:30] = Label.KIDNEY_RIGHT
    labels[10:30, 10:30, 50:70] = Label.KIDNEY_LEFT
    labels[12:18, 12:18, 12:18] = Label.CYSTIC
    labels[22:25, 22:25, 22:25] = Label.SOLID
    labels[15:25, 15:25, 66:76] = Label.AML
    return labels


def test_detection_counts_sizes_sides_and_classes() -> None:
    reference, prediction = _patient(), _patient()
    prediction[22:25, 22:25, 22:25] = Label.KIDNEY_RIGHT  # the small solid one is missed
    prediction[12:18, 12:18, 12:18] = Label.SOLID  # the cyst is found and called solid
    prediction[26:29, 12:15, 54:57] = Label.CYSTIC  # a small false one on the left
    agreement = compare_labels(Volume(prediction, CANONICAL, "p"), Volume(reference, CANONICAL, "r"))
    counts = agreement.detection.counts()
    assert (counts.true_positive, counts.false_positive, counts.false_negative) == (2, 1, 1)
    assert counts.precision == counts.recall == pytest.approx(2 / 3)
    small = agreement.detection.counts(small=True)
    assert (small.true_positive, small.false_positive, small.false_negative) == (0, 1, 1)
    assert small.f1 == 0.0
    by_outcome = {domain.outcome: domain for domain in agreement.detection.domains}
    assert by_outcome[DomainOutcome.FALSE_NEGATIVE].side is Side.RIGHT
    assert by_outcome[DomainOutcome.FALSE_POSITIVE].side is Side.LEFT
    cyst = next(d for d in agreement.detection.domains if d.true_class and d.true_class.value == "cystic")
    assert cyst.predicted_class is not None and cyst.predicted_class.value == "solid"


def test_any_overlap_forgives_a_bad_outline_but_no_miss() -> None:
    reference, prediction = _patient(), _patient()
    prediction[reference == Label.AML] = Label.KIDNEY_LEFT
    prediction[15:17, 15:17, 75:78] = Label.AML  # touches the true one's corner: intersection over union under 0.1
    prediction[22:25, 22:25, 22:25] = Label.KIDNEY_RIGHT
    detection = compare_labels(Volume(prediction, CANONICAL, "p"), Volume(reference, CANONICAL, "r")).detection
    strict, any_overlap = detection.counts(), detection.any_overlap()
    assert (strict.true_positive, strict.false_positive, strict.false_negative) == (1, 1, 2)
    assert (any_overlap.true_positive, any_overlap.false_positive, any_overlap.false_negative) == (2, 0, 1)
    assert detection.any_overlap(small=True).false_negative == 1


def _in_kits_values(labels: np.ndarray) -> np.ndarray:
    values = np.array([0, 1, 1, 2, 3, 2, 2], np.uint8)
    return values[labels]


@pytest.mark.parametrize("flip", [False, True], ids=["canonical", "first axis to the right"])
def test_a_kits_reference_gets_sides_from_anatomy(flip: bool) -> None:
    affine, labels = CANONICAL.copy(), _patient()
    if flip:
        affine = CANONICAL @ np.diag([-1.0, 1.0, 1.0, 1.0])
        affine[0, 3] = CANONICAL[0, 0] * (labels.shape[2] - 1)
    stored = np.ascontiguousarray(_in_kits_values(labels)[:, :, :: -1 if flip else 1])
    converted, notes = in_our_labels(Volume(stored, affine, "kits"), Scheme.KITS)
    expected = np.where(labels == Label.AML, Label.SOLID, labels)
    np.testing.assert_array_equal(converted.voxels[:, :, :: -1 if flip else 1], expected)
    assert "counts as solid" in notes[0]


def test_a_kits_horseshoe_is_cut_in_the_middle_and_a_lone_kidney_keeps_its_side() -> None:
    labels = np.zeros((10, 10, 220), np.uint8)
    labels[2:8, 2:8, 20:200] = 1
    converted = in_our_labels(Volume(labels, CANONICAL, "kits"), Scheme.KITS)[0].voxels
    assert (converted[5, 5, 20:110] == Label.KIDNEY_RIGHT).all() and (
        converted[5, 5, 110:200] == Label.KIDNEY_LEFT
    ).all()
    labels[:, :, :120] = 0
    assert set(np.unique(in_our_labels(Volume(labels, CANONICAL, "kits"), Scheme.KITS)[0].voxels)) == {0, 2}


def test_files_in_kits_values_are_compared_on_request_only(tmp_path, capsys) -> None:
    mine, theirs = Volume(_patient(), CANONICAL, "mine"), Volume(_in_kits_values(_patient()), CANONICAL, "theirs")
    (tmp_path / "labels.nii.gz").write_bytes(nifti_labels(mine, "mine"))  # as in a folder that `segment` wrote
    (tmp_path / "kits.nii.gz").write_bytes(nifti_labels(theirs, "theirs"))
    words = ["compare", str(tmp_path), str(tmp_path / "kits.nii.gz"), "-o", str(tmp_path / "out")]
    assert cli.main([*words, "--scheme", "kits"]) == 0
    assert "KiTS" in capsys.readouterr().out
    data = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf-8"))
    assert {score["dice"] for score in data["kits"].values()} == {1.0}
    assert data["detection"]["all"]["true_positive"] == 3
    agreement, _ = compare_files(tmp_path, tmp_path / "kits.nii.gz", tmp_path / "out")
    assert {row.dice for row in agreement.structures if row.structure == "kidney"} != {1.0}
    strange = Volume(np.full((4, 4, 4), 4, np.uint8), CANONICAL, "strange")
    with pytest.raises(InputError, match="strange holds the value 4; KiTS"):
        in_our_labels(strange, Scheme.KITS)


def test_structures_are_measured_per_side() -> None:
    reference, prediction = _patient(), _patient()
    prediction[10:12, 10:30, 50:70] = Label.BACKGROUND
    rows = {
        (row.structure, row.side): row
        for row in compare_labels(Volume(prediction, CANONICAL, "p"), Volume(reference, CANONICAL, "r")).structures
    }
    assert rows["kidney", Side.RIGHT].dice == 1.0
    left = rows["kidney", Side.LEFT]
    assert left.dice is not None and 0.9 < left.dice < 1.0
    assert left.hausdorff_mm == pytest.approx(2.0)
    assert left.volume_difference_ml == pytest.approx(-0.8)
    assert rows["aml", Side.LEFT].dice == 1.0
    assert ("aml", Side.RIGHT) not in rows


def test_masses_that_match_no_kidney_take_their_side_from_the_patient() -> None:
    labels = np.zeros((10, 10, 40), np.uint8)
    labels[4:7, 4:7, 3:6] = Label.SOLID
    agreement = compare_labels(Volume(labels, CANONICAL, "p"), Volume(labels, CANONICAL, "r"))
    assert agreement.detection.domains[0].side is Side.RIGHT


def test_the_reference_is_brought_to_the_grid_of_the_prediction() -> None:
    labels = _patient()
    flipped = CANONICAL @ np.diag([-1.0, 1.0, 1.0, 1.0])
    flipped[0, 3] = CANONICAL[0, 0] * (labels.shape[2] - 1)
    turned = Volume(np.ascontiguousarray(labels[:, :, ::-1]), flipped, "turned")
    agreement = compare_labels(Volume(labels, CANONICAL, "p"), turned)
    assert "nearest voxel" in agreement.notes[0]
    assert all(row.dice == 1.0 for row in agreement.structures)


def test_refusals_name_the_file() -> None:
    labels = Volume(_patient(), CANONICAL, "mine")
    strange = Volume(np.full((4, 4, 4), 9, np.uint8), CANONICAL, "other.nii.gz")
    with pytest.raises(InputError, match=r"other\.nii\.gz holds the value 9"):
        compare_labels(labels, strange)
    far = CANONICAL.copy()
    far[:3, 3] = 5000
    with pytest.raises(InputError, match="do not overlap"):
        compare_labels(labels, Volume(_patient(), far, "far"))


def test_the_file_holds_no_nan_and_says_what_could_not_be_measured(tmp_path) -> None:
    empty = Volume(np.zeros((5, 5, 5), np.uint8), CANONICAL, "empty")
    cyst = np.zeros((5, 5, 5), np.uint8)
    cyst[2, 2, 2] = Label.CYSTIC
    path = write_agreement(compare_labels(empty, Volume(cyst, CANONICAL, "cyst")), tmp_path / "out")
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["schema"] == "renalai.agreement/1"
    assert {row["hausdorff_mm"] for row in data["structures"]} == {None}
    assert data["detection"]["all"]["precision"] is None
    assert data["detection"]["all"]["recall"] == 0
    assert list(path.parent.iterdir()) == [path]
