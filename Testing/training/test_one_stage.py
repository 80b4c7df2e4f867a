"""The one-stage rival: its targets, and from phantoms to a report in one go."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from papersystems import at_toy_size, coarse_phantom, dice, published, reported, train

from RenalAILib.errors import InputError
from RenalAILib.labels import MASS_LABELS, Label, Side
from RenalAITrainingLib.recipes.recipe import load
from RenalAITrainingLib.samples import Sample, SampleRecord, SampleStore
from RenalAITrainingLib.training.tasks import build_task


def test_each_voxel_teaches_one_class_and_an_unknown_mass_none() -> None:
    task = build_task(load("zhao2023-one-stage"))
    label = np.array([[[0, 1, 2, 3, 4, 5, 6]]], np.uint8)
    image = np.full(label.shape, 40, np.int16)
    _, target = task.whole(Sample(image, label, SampleRecord(1, "train", "one-stage", "phantom")))
    drawn = target[:, 0, 0, :7]
    assert drawn.argmax(0)[:6].tolist() == [0, 1, 1, 2, 3, 4]
    assert drawn.sum(0).tolist() == [1, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("structures", [("mass",), ("parenchyma", "mass", "aml"), ("kidney", "mass"), ("spleen",)])
def test_structures_that_one_softmax_cannot_draw_are_refused(structures: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        build_task(at_toy_size("zhao2023-one-stage", data={"structures": structures}))


def test_from_phantoms_to_a_report(tmp_path: Path) -> None:
    """80 steps on four phantoms at 8 mm find both kidneys of another one; calling all of the body kidney gives 0.02."""
    store = SampleStore(tmp_path / "samples")
    for n in range(6):
        phantom = coarse_phantom(n)
        split = "train" if n < 4 else "validation"
        store.append(phantom.volume.voxels, phantom.labels, split=split, stage="one-stage", kind="phantom", seed=n)
    recipe = at_toy_size(
        "zhao2023-one-stage",
        data={"patch": (32, 32, 48), "foreground": 0.5, "structures": ("parenchyma", "mass")},
        network={"options": {"filters": [8, 16, 32], "residual_units": 1}},
        optimiser={"learning_rate": 0.02},
        schedule={"batch": 2, "epochs": None, "steps": 80, "shape": "cosine", "average": 0.8, "validate_every": 40},
    )
    torch.manual_seed(0)
    run = train(recipe, store, tmp_path / "run")
    bundle = published("one-stage", {"segment": {"spacing_mm": 8.0}}, [run], store, tmp_path / "bundle")
    truth = coarse_phantom(5)
    outcome = reported(bundle, truth, tmp_path / "report")
    constant = float((truth.labels > 0).mean())
    baseline = 2 * constant / (1 + constant)
    assert baseline < 0.05
    assert dice(outcome.labels > 0, truth.labels > 0) > 0.4
    for label in (Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT):  # sides come from anatomy
        own = (outcome.labels == label) & ~np.isin(truth.labels, MASS_LABELS)
        assert (truth.labels[own] == label).sum() > (truth.labels[own] == 3 - label).sum()
    assert {kidney.side for kidney in outcome.findings.kidneys} == {Side.RIGHT, Side.LEFT}
    told = json.loads((tmp_path / "report" / "findings.json").read_text(encoding="utf-8"))
    assert told["bundle"]["name"] == "toy" and set(told["timings_s"]) >= {"locate", "delineate", "total"}
    assert not {mass["class"] for mass in told["masses"]} - {"unknown"}  # nothing told the classes apart
