"""Grad-CAM in numpy against gradients taken by small steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from RenalAILib.errors import InputError
from RenalAILib.saliency import Head, grad_cam, mean_grad_cam


def make(seed: int, features: int = 6, hidden: int = 9, classes: int = 3) -> tuple[Head, np.ndarray]:
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in ((hidden, features), (hidden,), (classes, hidden), (classes,))]
    return Head(*arrays), rng.normal(size=(features, 3, 4, 2))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2))
def test_gradient_is_the_slope_of_the_score(seed: int, chosen: int) -> None:
    head, features = make(seed)
    gradient = head.gradient(features, chosen)
    hidden = head.hidden_weight @ features.mean(axis=(1, 2, 3)) + head.hidden_bias
    if np.abs(hidden).min() < 1e-3:
        return  # at the kink of the ReLU there is no slope
    step = 1e-5
    for channel in range(features.shape[0]):
        higher, lower = features.copy(), features.copy()
        higher[channel, 1, 2, 0] += step
        lower[channel, 1, 2, 0] -= step
        slope = (head.logits(higher)[chosen] - head.logits(lower)[chosen]) / (2 * step)
        assert gradient[channel] == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_map_is_the_positive_weighted_sum_of_the_features() -> None:
    head, features = make(3)
    cam = grad_cam(head, features, 1)
    expected = np.zeros(features.shape[1:])
    for channel, slope in enumerate(head.gradient(features, 1)):
        expected += slope * features[channel]
    expected = np.maximum(expected, 0) / expected.max()
    np.testing.assert_allclose(cam, expected, atol=1e-6)
    assert cam.dtype == np.float32 and cam.max() == pytest.approx(1)


def test_classes_have_maps_of_their_own() -> None:
    """Two maps, each the sign of one class, far apart."""
    head = Head(np.eye(2), np.zeros(2), np.array([[1.0, -1.0], [-1.0, 1.0]]), np.zeros(2))
    features = np.zeros((2, 1, 1, 8))
    features[0, 0, 0, 1] = features[1, 0, 0, 6] = 1
    assert grad_cam(head, features, 0).argmax() == 1
    assert grad_cam(head, features, 1).argmax() == 6


def test_nothing_for_the_class_gives_an_empty_map() -> None:
    head = Head(np.eye(2), np.full(2, -9.0), np.ones((3, 2)), np.zeros(3))
    assert not grad_cam(head, np.ones((2, 2, 2, 2)), 0).any()


def test_an_ensembles_map_is_the_mean_of_its_members() -> None:
    one, two = make(3), make(4)
    parts = [grad_cam(head, features, 1) for head, features in (one, two)]
    mean = mean_grad_cam([one[0], two[0]], [one[1], two[1]], 1)
    np.testing.assert_allclose(mean, sum(parts) / sum(parts).max(), rtol=1e-5)
    np.testing.assert_array_equal(mean_grad_cam([one[0]], [one[1]], 1), parts[0])
    np.testing.assert_allclose(mean_grad_cam([one[0]] * 2, [one[1]] * 2, 1), parts[0], rtol=1e-6)


def test_an_ensembles_map_is_on_the_grid_of_the_first() -> None:
    head, coarse = make(3)
    fine = coarse.repeat(2, 1).repeat(2, 2).repeat(2, 3)  # the same maps with twice the samples
    mean = mean_grad_cam([head, head], [coarse, fine], 1)
    np.testing.assert_allclose(mean, grad_cam(head, coarse, 1), atol=1e-5)


def test_head_is_read_and_refused(tmp_path: Path) -> None:
    head, features = make(0)
    arrays = {name: getattr(head, name) for name in ("hidden_weight", "hidden_bias", "output_weight", "output_bias")}
    np.savez(tmp_path / "head.npz", **arrays)
    np.testing.assert_allclose(Head.load(tmp_path / "head.npz").logits(features), head.logits(features), rtol=1e-5)

    np.savez(tmp_path / "short.npz", **{name: arrays[name] for name in list(arrays)[:3]})
    np.savez(tmp_path / "misfit.npz", **{**arrays, "output_weight": arrays["output_weight"][:, :4]})
    np.savez(tmp_path / "pickled.npz", **{**arrays, "output_bias": np.array([{"a": 1}], dtype=object)})
    (tmp_path / "text.npz").write_text("no arrays", encoding="utf-8")
    for name in ("short", "misfit", "pickled", "text", "absent"):
        with pytest.raises(InputError, match=rf"{name}\.npz is not the head of a classifier"):
            Head.load(tmp_path / f"{name}.npz")
