"""The same network through MONAI's and nnU-Net's inference: what is compared is the same thing, and it is compared."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from RenalAILib.errors import InputError
from RenalAILib.orientation import canonical
from RenalAITrainingLib.peers import comparison
from RenalAITrainingLib.peers.monai_window import MonaiWindow
from RenalAITrainingLib.peers.ours import Ours
from RenalAITrainingLib.peers.question import Question, Setup

sys.path.append(str(Path(__file__).resolve().parents[1] / "engine"))
from toybundle import axial, make_bundle, painted


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Question:
    bundle = make_bundle(tmp_path_factory.mktemp("peers") / "toy")
    affine, shape = axial((4.0, 3.0, 3.0))
    return Question.of(canonical(painted(affine, shape)), bundle)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


# The bar of DESIGN for labels, 0.99, is one for the same network on the same image.
AT_LEAST = {setup: 0.99 if setup is Setup.SAME_IMAGE else 0.9 for setup in Setup}


@pytest.mark.parametrize("setup", list(Setup))
def test_monai_finds_the_same_kidneys(question: Question, setup: Setup) -> None:
    ours, theirs = Ours(question).answer(), MonaiWindow(question, setup).answer()
    assert ours.any() and theirs.shape == ours.shape
    assert overlap(ours, theirs) > AT_LEAST[setup]


@pytest.mark.parametrize("setup", list(Setup))
def test_nnunet_finds_the_same_kidneys(question: Question, setup: Setup) -> None:
    pytest.importorskip("nnunetv2", reason="nnU-Net is not installed; ./run bench --peers installs it")
    from RenalAITrainingLib.peers.nnunet import NnUNet

    ours, theirs = Ours(question).answer(), NnUNet(question, setup).answer()
    assert ours.any() and theirs.shape == ours.shape
    assert overlap(ours, theirs) > AT_LEAST[setup]


def test_one_window_holds_the_whole_scan(question: Question) -> None:
    """What makes the rows alike: the network is called once, with all of the coarse scan."""
    way = MonaiWindow(question, Setup.SAME_IMAGE)
    shown: list[torch.Tensor] = []
    way._network.register_forward_pre_hook(lambda module, given: shown.append(given[0]))
    way.answer()
    coarse, image = question.image()
    assert len(shown) == 1 and all(size % 16 == 0 for size in image.shape)
    np.testing.assert_array_equal(shown[0][0, 0].numpy(), image)
    assert all(a >= b for a, b in zip(question.patch(Setup.ONE_WINDOW), coarse.shape, strict=True))


def test_every_way_is_measured_and_written_down(question: Question, tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    ways = [Ours(question), MonaiWindow(question)]
    rows = comparison.compare(ways, 2, lambda name, n: seen.append((name, n)), truth=ways[0].answer())
    assert seen == [("RenalAI", 1), ("RenalAI", 2), ("MONAI, default", 1), ("MONAI, default", 2)]
    assert rows[0].times == 1.0 and rows[0].dice == rows[0].truth == 1.0
    assert rows[1].truth == rows[1].dice
    assert all(0 < row.cpu_min_s <= row.cpu_median_s for row in rows)
    comparison.write_markdown(rows, "Toy", "./run bench --peers", tmp_path / "peers.md")
    page = (tmp_path / "peers.md").read_text(encoding="utf-8")
    assert "| MONAI, default |" in page and "`./run bench --peers`" in page


def test_what_is_missing_is_named(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nnunetv2.inference.predict_from_raw_data", None)
    monkeypatch.setitem(sys.modules, "nnunetv2.inference", None)
    monkeypatch.delitem(sys.modules, "RenalAITrainingLib.peers.nnunet", raising=False)
    with pytest.raises(InputError, match=r"nnunetv2 is not installed; \./run bench --peers"):
        comparison.ways(question)
