"""EfficientNet U-Nets (Allaoui and Zetout 2020): sizes and shapes, and from phantoms through ONNX to a report."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from papersystems import at_toy_size, coarse_phantom, dice, published, reported, train
from test_slice_segmentation import painted_slices

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.errors import InputError
from RenalAILib.labels import Label, Side
from RenalAILib.phantom import Phantom
from RenalAILib.pipelines.one_stage import tiles
from RenalAILib.volume import Volume
from RenalAITrainingLib.networks.efficientnet_unet import LEVELS, AsymmetricEfficientNetUNet, EfficientNetUNet
from RenalAITrainingLib.recipes.recipe import from_mapping, load
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training import checkpoint


def test_the_encoder_is_efficientnet_b0() -> None:
    """Of B0's 5 288 548 weights, 4 007 548 without its classifier, the trunk has all but the 1280-channel head."""
    network = EfficientNetUNet(outputs=3).eval()
    head = 320 * 1280 + 2 * 1280
    assert sum(weight.numel() for weight in network.encoder.parameters()) == 4_007_548 - head
    with torch.inference_mode():
        levels = network.encoder(torch.zeros(1, 3, 64, 96))
        assert network(torch.zeros(1, 1, 64, 96)).shape == (1, 3, 64, 96)
    assert [tuple(maps.shape[1:]) for maps in levels] == [
        (width, 64 >> n, 96 >> n) for n, width in enumerate(LEVELS, 1)
    ]


def test_the_asymmetric_one_takes_the_papers_crops() -> None:
    """192 x 160 x 108: the depth shrinks over 36 and 12 to the three channels of the 2-D encoder, and comes back."""
    network = AsymmetricEfficientNetUNet(outputs=3).eval()
    assert network.depth == 108
    seen: list[tuple[int, ...]] = []
    network.encoder.register_forward_pre_hook(lambda module, given: seen.append(tuple(given[0].shape)))
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, 108, 160, 192)).shape == (1, 3, 108, 160, 192)
    assert seen == [(1, 3, 160, 192)]
    assert load("allaoui2020-3d").data.patch == (108, 160, 192)


def test_settings_of_the_work() -> None:
    for name in ("allaoui2020-2d", "allaoui2020-3d"):
        recipe = load(name)
        assert recipe.loss.name == "cross_entropy_minus_dice"
        assert (recipe.optimiser.name, recipe.optimiser.learning_rate) == ("adam", 1e-4)
        assert (recipe.schedule.cut_after, recipe.schedule.cut_to) == (50, 0.1)
    assert load("allaoui2020-3d").schedule.batch == 1


def test_a_fixed_network_needs_its_patch() -> None:
    recipe = load("allaoui2020-3d")
    with pytest.raises(ValueError, match="fixed needs a patch"):
        replace(recipe.data, patch=None)
    content = recipe.to_json()
    content["data"]["fixed"] = False
    with pytest.raises(InputError, match="multiples of 16"):
        from_mapping(content, "r.yaml")


def test_tiles_cover_everything_and_overlap() -> None:
    boxes = tiles((40, 64, 97), (24, 64, 64))
    assert {box.shape for box in boxes} == {(24, 64, 64)}
    for axis, size in enumerate((40, 64, 97)):
        spans = sorted({(box.start[axis], box.stop[axis]) for box in boxes})
        assert spans[0][0] == 0 and spans[-1][1] == size
        assert all(before[1] - after[0] >= 8 for before, after in pairwise(spans))


def painted_scan(seed: int) -> Phantom:
    """A scan whose middle slices look like `painted_slices`, 5 mm a voxel, as a phantom without a mass."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((32, 32))
    hu, labels = rng.normal(-80, 20, (16, 32, 32)), np.zeros((16, 32, 32), np.uint8)
    for value, column in ((Label.KIDNEY_RIGHT, 8), (Label.KIDNEY_LEFT, 23)):
        kidney = (rows - 16) ** 2 + (columns - column) ** 2 < 5**2
        hu[3:13, kidney] += 240
        labels[3:13, kidney] = value
    return Phantom(Volume(hu.round().astype(np.int16), np.diag([-5.0, -5.0, 5.0, 1.0]), "painted"), labels, ())


def test_the_2d_one_learns_painted_slices_and_runs_to_a_report(tmp_path: Path) -> None:
    """The best constant gives a Dice below 0.3."""
    store = painted_slices(tmp_path / "samples")
    recipe = at_toy_size(
        "allaoui2020-2d",
        data={"validation_samples": 6},
        network={"options": {"widths": [32, 16, 16, 8, 8]}},
        optimiser={"learning_rate": 0.003},
        schedule={"batch": 6, "epochs": None, "steps": 50, "shape": "cosine", "validate_every": 50},
        slices={"mirror": 0.0},
    )
    run = train(recipe, store, tmp_path / "run")
    told = checkpoint.load(run.best)["metrics"]
    share = float((store[0].label > 0).mean())
    assert 2 * share / (1 + share) < 0.3 < told["parenchyma_dice"]
    at = published("slice-segmentation", {}, [run], store, tmp_path / "bundle")
    truth = painted_scan(100)
    outcome = reported(at, truth, tmp_path / "report")
    assert dice(outcome.labels > 0, truth.labels > 0) > 0.5
    assert [kidney.side for kidney in outcome.findings.kidneys] == [Side.RIGHT, Side.LEFT]


def test_the_3d_one_learns_painted_volumes_and_runs_to_a_report(tmp_path: Path) -> None:
    """The best constant gives a Dice below 0.4. On a phantom, which it has not learned, it runs in tiles."""
    store = SampleStore(tmp_path / "samples")
    rows, columns = np.indices((64, 64))
    for n in range(10):
        rng = np.random.default_rng(n)
        image, label = rng.normal(-80, 20, (12, 64, 64)), np.zeros((12, 64, 64), np.uint8)
        for value, column in ((Label.KIDNEY_RIGHT, 16), (Label.KIDNEY_LEFT, 47)):
            kidney = (rows - rng.uniform(24, 40)) ** 2 + (columns - column) ** 2 < rng.uniform(8, 12) ** 2
            image[:, kidney] += 240
            label[:, kidney] = value
        split = "train" if n < 8 else "validation"
        store.append(image, label, split=split, stage="one-stage", kind="phantom", seed=n)  # type: ignore[arg-type]
    recipe = at_toy_size(
        "allaoui2020-3d",
        data={"patch": (12, 64, 64), "foreground": 0.0},
        network={"options": {"shrink": [4], "between": [8], "widths": [32, 16, 16, 8, 8]}},
        optimiser={"learning_rate": 0.01},
        augmentation={"rotation_deg": 0.0, "scale": 0.0, "flip": 0.0},
        schedule={"batch": 2, "epochs": None, "steps": 20, "shape": "cosine", "validate_every": 20},
    )
    run = train(recipe, store, tmp_path / "run")
    told = checkpoint.load(run.best)["metrics"]
    share = max(float((sample.label > 0).mean()) for sample in store)
    assert 2 * share / (1 + share) < 0.4 < 0.7 < told["parenchyma_dice"]
    at = published("one-stage", {"segment": {"spacing_mm": 8.0}}, [run], store, tmp_path / "bundle")
    assert read_bundle(at).stages.tile == (12, 64, 64)
    reported(at, coarse_phantom(5), tmp_path / "report")
