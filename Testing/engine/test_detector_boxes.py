"""Default boxes, overlap, coding, suppression and joining of the single-shot detector."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from RenalAILib.default_boxes import DefaultBoxes
from RenalAILib.detector.candidates import join
from RenalAILib.detector.coding import SliceBoxes, decode, encode, match, read_output, targets
from RenalAILib.detector.overlap import areas, intersection_over_union, non_maximum_suppression


@st.composite
def boxes(draw: st.DrawFn, fewest: int = 1, most: int = 12) -> np.ndarray:
    count = draw(st.integers(fewest, most))
    corner = draw(arrays(np.float64, (count, 2), elements=st.floats(0, 0.8)))
    size = draw(arrays(np.float64, (count, 2), elements=st.floats(0.01, 0.6)))
    return np.concatenate([corner, corner + size], axis=1)


@given(boxes(), boxes())
def test_overlap_is_symmetric_bounded_and_counts_a_box_with_itself_as_one(one: np.ndarray, other: np.ndarray) -> None:
    overlap = intersection_over_union(one, other)
    assert overlap.shape == (len(one), len(other))
    assert ((overlap >= 0) & (overlap <= 1 + 1e-9)).all()
    assert np.allclose(overlap, intersection_over_union(other, one).T)
    assert np.allclose(np.diag(intersection_over_union(one, one)), 1)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 20), st.integers(0, 20))
def test_overlap_equals_counted_pixels(height: int, width: int, down: int, across: int) -> None:
    canvas = np.zeros((2, 60, 60), bool)
    canvas[0, :20, :20] = True
    canvas[1, down : down + height, across : across + width] = True
    counted = (canvas[0] & canvas[1]).sum() / (canvas[0] | canvas[1]).sum()
    got = intersection_over_union(
        np.array([[0, 0, 20, 20.0]]), np.array([[down, across, down + height, across + width]], float)
    )
    assert got[0, 0] == pytest.approx(counted)


@given(boxes(fewest=4, most=4), boxes(fewest=4, most=4))
def test_decoding_gives_back_what_was_encoded(truth: np.ndarray, defaults: np.ndarray) -> None:
    assert np.allclose(decode(encode(truth, defaults), defaults), truth, atol=1e-9)


@given(boxes(), st.data())
def test_suppression_keeps_the_best_and_lets_no_two_overlap(found: np.ndarray, data: st.DataObject) -> None:
    scores = data.draw(arrays(np.float64, len(found), elements=st.floats(0, 1)))
    kept = non_maximum_suppression(found, scores, iou=0.45)
    assert kept[0] == np.argmax(scores)
    assert (np.diff(scores[kept]) <= 0).all()
    overlap = intersection_over_union(found[kept], found[kept])
    assert (overlap[~np.eye(len(kept), dtype=bool)] <= 0.45).all()
    for gone in set(range(len(found))) - set(kept.tolist()):
        better = kept[scores[kept] >= scores[gone]]
        assert intersection_over_union(found[[gone]], found[better]).max() > 0.45


def test_default_boxes_lie_where_the_paper_puts_them() -> None:
    defaults = DefaultBoxes((430, 418), (8, 16, 32, 64, 128, 256), 0.04, 0.6)
    assert defaults.maps == ((54, 53), (27, 27), (14, 14), (7, 7), (4, 4), (2, 2))
    assert defaults.per_cell == 6
    assert len(defaults.boxes) == 6 * (54 * 53 + 27 * 27 + 14 * 14 + 49 + 16 + 4)
    assert np.allclose(defaults.scales[:6], np.linspace(0.04, 0.6, 6))
    centre = (defaults.boxes[:, :2] + defaults.boxes[:, 2:]) / 2
    assert np.allclose(centre[:6], [0.5 / 54, 0.5 / 53])
    assert np.allclose(centre[6:12], [0.5 / 54, 1.5 / 53])
    size = defaults.boxes[:6, 2:] - defaults.boxes[:6, :2]
    assert np.allclose(areas(defaults.boxes[:5]), 0.04**2)
    assert np.allclose(size[:, 1] / size[:, 0], [1, 2, 0.5, 3, 1 / 3, 1])
    assert np.allclose(size[5], np.sqrt(0.04 * 0.152))


@pytest.mark.parametrize(
    "wrong",
    [
        {"strides": ()},
        {"strides": (16, 16)},
        {"smallest": 0.5, "largest": 0.2},
        {"largest": 1.5},
        {"ratios": (2.0, 0.5)},
        {"shape": (0, 10)},
    ],
)
def test_impossible_default_boxes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|needed"):
        DefaultBoxes(**{"shape": (64, 64), "strides": (8, 16), "smallest": 0.1, "largest": 0.5} | wrong)  # type: ignore[arg-type]


@given(boxes(most=6))
def test_every_true_box_is_taught_to_some_default_box(truth: np.ndarray) -> None:
    defaults = DefaultBoxes((64, 64), (8, 16, 32), 0.1, 0.6).boxes
    matched = match(truth, defaults)
    assert set(range(len(truth))) <= set(matched.tolist())
    overlap = intersection_over_union(truth, defaults)
    assert (matched[overlap.max(axis=0) > 0.5] >= 0).all()
    others = np.flatnonzero((matched >= 0) & (overlap.max(axis=0) <= 0.5))
    assert len(others) <= len(truth)  # only each box's own best default may overlap it less


@given(boxes(most=4))
def test_what_is_taught_reads_back_as_the_truth(truth: np.ndarray) -> None:
    truth = np.clip(truth, 0, 1)
    truth = truth[non_maximum_suppression(truth, np.ones(len(truth)), iou=0.4)]
    defaults = DefaultBoxes((64, 64), (4, 8, 16, 32), 0.05, 0.6).boxes
    taught = targets(truth, np.arange(len(truth)) % 2 + 1, defaults)
    logits = np.eye(3)[taught[:, 0].astype(int)] * 20
    found = read_output(np.concatenate([logits, taught[:, 1:]], axis=1), defaults, score_above=0.5)
    best = intersection_over_union(truth, found.boxes)
    assert np.allclose(best.max(axis=1), 1, atol=1e-4)
    assert (found.classes[best.argmax(axis=1)] == np.arange(len(truth)) % 2 + 1).all()
    assert len(found.boxes) == len(truth)


def test_an_empty_slice_teaches_background_and_gives_no_box() -> None:
    defaults = DefaultBoxes((64, 64), (16, 32), 0.1, 0.5).boxes
    taught = targets(np.zeros((0, 4)), np.zeros(0, int), defaults)
    assert not taught.any()
    output = np.concatenate([np.eye(2)[taught[:, 0].astype(int)] * 9, taught[:, 1:]], axis=1)
    assert len(read_output(output, defaults, 0.5).boxes) == 0


def in_slice(*found: tuple[float, float, float, float, float, int]) -> SliceBoxes:
    table = np.array(found, dtype=np.float64).reshape(-1, 6)
    return SliceBoxes(table[:, :4], table[:, 4], table[:, 5].astype(np.intp))


def test_boxes_of_neighbouring_slices_are_joined_and_others_are_not() -> None:
    one, moved, far = (0.2, 0.2, 0.4, 0.4), (0.22, 0.2, 0.42, 0.4), (0.7, 0.7, 0.8, 0.8)
    found = [
        in_slice((*one, 0.6, 1)),
        in_slice((*moved, 0.9, 1), (*far, 0.7, 1)),
        in_slice(),
        in_slice((*one, 0.5, 1)),
        in_slice(),
        in_slice(),
        in_slice((*one, 0.4, 1), (*one, 0.8, 2)),
    ]
    candidates = join(found, gap=1)
    assert [(c.class_number, c.score, c.slices) for c in candidates] == [
        (1, 0.9, (0, 1, 3)),
        (2, 0.8, (6,)),
        (1, 0.7, (1,)),
        (1, 0.4, (6,)),
    ]
    assert candidates[0].start == pytest.approx((0, 0.2, 0.2))
    assert candidates[0].stop == pytest.approx((4, 0.42, 0.4))
    assert [c.slices for c in join(found, gap=1, fewest=2)] == [(0, 1, 3)]
    assert join([], gap=1) == []


def test_two_things_side_by_side_stay_two() -> None:
    left, right = (0.3, 0.2, 0.4, 0.32), (0.3, 0.3, 0.4, 0.42)
    found = [in_slice((*left, 0.9, 1), (*right, 0.8, 1)) for _ in range(4)]
    assert [(c.score, len(c.slices)) for c in join(found)] == [(0.9, 4), (0.8, 4)]
