"""2-D segmentation (Bolocan 2023): what the paper counts, sides, and from phantoms through ONNX to a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from papersystems import at_toy_size, coarse_phantom, dice, published, reported, train
from torch import nn

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.errors import InputError
from RenalAILib.labels import KIDNEY_LABELS, Label, MassClass, Side
from RenalAILib.phantom import MassPlan
from RenalAILib.pipelines.running import segment
from RenalAILib.volume import Volume
from RenalAITrainingLib import networks
from RenalAITrainingLib.networks.slice_blocks import convolutions
from RenalAITrainingLib.recipes.recipe import Recipe, load
from RenalAITrainingLib.samples import Sample, SampleRecord, SampleStore
from RenalAITrainingLib.synthesis.phantoms import scene_of
from RenalAITrainingLib.synthesis.slice_samples import slice_samples
from RenalAITrainingLib.training import checkpoint
from RenalAITrainingLib.training.tasks.slice_segmentation import SliceSegmentation

SMALL: dict[str, dict[str, object]] = {
    "bolocan2023-unet-kidney": {"filters": [8, 16, 32, 32]},
    "bolocan2023-unet-tumor": {"filters": [8, 16, 32, 32]},
    "bolocan2023-segnet-kidney": {"filters": [[8, 8], [16, 16], [32, 32]]},
    "bolocan2023-nablanet-kidney": {"width": 12},
}


@pytest.mark.parametrize(
    ("name", "count", "weights"),
    [("slice_unet", 23, 31_037_441), ("segnet", 26, 29_434_497), ("nablanet", 17, 592_513)],
)
def test_networks_have_the_papers_size(name: str, count: int, weights: int) -> None:
    """23 convolutions in the U-Net, as the paper says; SegNet's 26 and NablaNet's 17 are those of its library."""
    network = networks.build(name).eval()
    assert convolutions(network) == count
    assert sum(weight.numel() for weight in network.parameters()) == weights
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, 224, 224)).shape == (1, 1, 224, 224)
    has_leaky = any(isinstance(module, nn.LeakyReLU) for module in network.modules())
    assert has_leaky == (name == "slice_unet")


def _slice(label: list[int], **extra: float) -> Sample:
    drawn = np.array([[label] * 8], np.uint8)
    record = SampleRecord(1, "train", "slice-segment", "phantom", extra=extra)
    return Sample(np.full(drawn.shape, 40, np.int16), drawn, record)


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_a_mass_has_the_side_it_lies_on_also_in_a_mirror(mirror: float) -> None:
    plain = {"rotation_deg": 0.0, "poisson": (0.0, 0.0), "elastic_probability": 0.0, "grid_probability": 0.0}
    still = {"gamma": (1.0, 1.0), "blur": (0.0, 0.0), "dropout": (0.0, 0.0), "mirror": mirror}
    structures = ("kidney_right", "kidney_left", "mass_right", "mass_left")
    recipe = at_toy_size("bolocan2023-unet-kidney", slices=plain | still, data={"structures": structures})
    task = SliceSegmentation(recipe)
    sample = _slice([1, 1, 5, 0, 0, 0, 2, 2], midline=4.0)
    _, target = task.example(sample, np.random.default_rng(0))
    wanted = [[1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 1, 0, 0, 0, 0, 0], [0] * 8]
    if mirror:  # in the mirror image the right kidney, with its mass, is a left one
        right, left, mass_right, mass_left = (row[::-1] for row in wanted)
        wanted = [left, right, mass_left, mass_right]
    assert target[:, 0].tolist() == wanted


def test_slices_keep_their_proportions_and_say_where_the_midline_is() -> None:
    phantom = coarse_phantom(0)
    made = slice_samples(np.random.default_rng(0), scene_of(phantom, "train"), shape=(64, 64), empty_share=0.0)
    with_kidney = np.flatnonzero(phantom.labels.any(axis=(1, 2)))
    assert [sample.facts["k"] for sample in made] == with_kidney.tolist()
    air = made[0].image[0] < -1000
    rows = (64 - round(64 * 40 / 48)) // 2
    assert air[:rows].all() and not air[rows + 2 : -rows - 2].all(axis=1).any()
    for sample in made:
        columns = np.nonzero(sample.label[0] == Label.KIDNEY_RIGHT)[1]
        assert (columns < sample.facts["midline"]).all()


def _store(folder: Path, masses: tuple[MassPlan, ...] | None = None) -> SampleStore:
    store = SampleStore(folder)
    for n in range(6):
        scene = scene_of(coarse_phantom(n, masses), "train" if n < 4 else "validation")
        for made in slice_samples(np.random.default_rng(n), scene, shape=(48, 48)):
            store.append(made.image, made.label, split=scene.split, stage="slice-segment", kind="phantom", **made.facts)
    return store


def _toy(name: str, steps: int) -> Recipe:
    once = {"validate_every": steps}
    return at_toy_size(
        name,
        data={"validation_samples": 12},
        network={"options": SMALL[name]},
        loss={"name": "dice_bce"},  # Dice alone takes longer than a test to find a kidney that it has lost
        optimiser={"learning_rate": 0.01 if "segnet" in name else 0.003},
        slices={"elastic_probability": 0.0, "rotation_deg": 10.0, "mirror": 0.0},
        schedule={"batch": 6, "epochs": None, "steps": steps, "shape": "cosine", "average": 0.8} | once,
    )


def painted_slices(folder: Path) -> SampleStore:
    """Slices of 32 x 32: two bright kidneys, and at one of them a darker tumor; small enough to learn in seconds."""
    store = SampleStore(folder)
    rows, columns = np.indices((32, 32))
    for n in range(48):
        rng = np.random.default_rng(n)
        image, label = rng.normal(-80, 20, (32, 32)), np.zeros((32, 32), np.uint8)
        for value, column in ((Label.KIDNEY_RIGHT, 8), (Label.KIDNEY_LEFT, 23)):
            middle = 16 + rng.uniform(-3, 3), column + rng.uniform(-1, 1)
            kidney = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < rng.uniform(4, 5.5) ** 2
            image[kidney], label[kidney] = rng.normal(160, 20, int(kidney.sum())), value
            if (n % 2 == 0) == (value == Label.KIDNEY_RIGHT):
                mass = (rows - middle[0] - 4) ** 2 + (columns - middle[1]) ** 2 < 3.2**2
                image[mass], label[mass] = rng.normal(40, 20, int(mass.sum())), Label.SOLID
        split = "train" if n < 36 else "validation"
        facts = {"split": split, "stage": "slice-segment", "kind": "phantom", "seed": n, "midline": 15.5}
        store.append(image[None], label[None], **facts)
    return store


@pytest.mark.parametrize("name", sorted(SMALL))
def test_each_recipe_learns_painted_slices(name: str, tmp_path: Path) -> None:
    """Calling every pixel the structure, the best constant, gives a Dice below 0.15."""
    store = painted_slices(tmp_path / "samples")
    recipe = _toy(name, 80)
    run = train(recipe, store, tmp_path / "run")
    lowest = Label.AML if "tumor" in name else Label.KIDNEY_RIGHT
    shares = [float((sample.label >= lowest).mean()) / 2 for sample in store.split("validation")]
    assert 2 * np.mean(shares) / (1 + np.mean(shares)) < 0.15
    told = checkpoint.load(run.best)["metrics"]
    assert all(told[f"{structure}_dice"] > 0.5 for structure in recipe.data.structures)


def test_from_phantoms_to_a_report_with_sides_of_their_own(tmp_path: Path) -> None:
    """U-Nets for kidneys and for tumors, published together, draw both kidneys of another phantom, sides by network."""
    masses = (MassPlan(MassClass.SOLID, Side.RIGHT, 45.0), MassPlan(MassClass.CYSTIC, Side.LEFT, 45.0))
    store = _store(tmp_path / "samples", masses)
    runs = [
        train(_toy(name, steps), store, tmp_path / name)
        for name, steps in (("bolocan2023-unet-kidney", 140), ("bolocan2023-unet-tumor", 100))
    ]
    at = published("slice-segmentation", {}, runs, store, tmp_path / "bundle")
    bundle = read_bundle(at)
    assert bundle.stages.files == ("models/kidney_right-kidney_left-1.onnx", "models/mass_right-mass_left-2.onnx")
    truth = coarse_phantom(7, masses)
    outcome = reported(at, truth, tmp_path / "report")
    for label in KIDNEY_LABELS:
        assert dice(outcome.labels == label, truth.labels == label) > 0.3
    assert [kidney.side for kidney in outcome.findings.kidneys] == [Side.RIGHT, Side.LEFT]
    with pytest.raises(InputError, match="no kidney is drawn"):
        published("slice-segmentation", {}, runs[1:], store, tmp_path / "without kidney")


def test_flipped_and_permuted_volumes_get_the_same_kidneys(tmp_path: Path) -> None:
    store = _store(tmp_path / "samples")
    run = train(_toy("bolocan2023-unet-kidney", 80), store, tmp_path / "run")
    at = published("slice-segmentation", {}, [run], store, tmp_path / "bundle")
    truth = coarse_phantom(5)
    upright = reported(at, truth, tmp_path / "one").labels
    turned = truth.volume.voxels[::-1, :, ::-1].transpose(2, 0, 1)
    # the array's axes are now i and k backwards, and j; the matrix has its columns for the last axis first
    old = truth.volume.ijk_to_ras
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = old[:3, 1], -old[:3, 2], -old[:3, 0]
    matrix[:3, 3] = old[:3, 3] + 47 * old[:3, 0] + 31 * old[:3, 2]
    labels = segment(Volume(np.ascontiguousarray(turned), matrix), read_bundle(at), device="cpu").labels
    assert np.array_equal(labels.transpose(1, 2, 0)[::-1, :, ::-1], upright)


def test_structures_that_do_not_exist_are_refused() -> None:
    recipe = load("bolocan2023-unet-kidney")
    with pytest.raises(InputError, match=r"needs data\.structures out of kidney"):
        SliceSegmentation(replace(recipe, data=replace(recipe.data, structures=("spleen",))))
