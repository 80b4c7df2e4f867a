"""The five detectors of Abdullah et al. at toy size: each learns, is published, and runs to a report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_detector_training import SPACING_MM, constant_boxes, description, painted_scan, scene, toy

from RenalAILib.cli import main
from RenalAILib.findings import Findings
from RenalAILib.labels import Label
from RenalAILib.report.nifti import nifti_ct
from RenalAILib.volume import Volume
from RenalAITrainingLib.publishing.publish import Papers, by_stage, publish
from RenalAITrainingLib.recipes.recipe import Recipe, shipped
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.synthesis.detect_samples import detect_samples
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer

SHAPE = (64, 64)
SMALL = {  # width of the trunk and steps; pytorchcv's Inception V2 has one width only
    "abdullah-ssd-mobilenetv1": (0.25, 70),
    "abdullah-ssd-mobilenetv2": (0.25, 70),
    "abdullah-ssd-inceptionv2": (1.0, 25),
    "abdullah-ssd-resnet50": (0.125, 40),
    "abdullah-ssd-resnet101": (0.125, 40),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SampleStore:
    samples = SampleStore(tmp_path_factory.mktemp("samples"))
    for seed in range(16):
        one = scene(seed)
        for made in detect_samples(np.random.default_rng(seed), one, SHAPE, step_mm=4.0):
            samples.append(
                made.image, made.label, split="train" if seed < 12 else "validation", stage="slice-detect",
                kind="phantom", sources=one.sources, **made.facts,
            )  # fmt: skip
    return samples


def _small(name: str) -> Recipe:
    """The recipe for one class, as its own are, with all but a stage of its trunk."""
    recipe = toy(name)
    width, steps = SMALL[name]
    options = recipe.network.options | {"shape": list(SHAPE)}
    options = {key: value for key, value in options.items() if key != "width"} | (
        {} if width == 1 else {"width": width}
    )
    short = {"steps": steps, "validate_every": steps, "shape": "cosine", "warmup": 0.1, "average": 0.9}
    return replace(
        recipe,
        data=replace(recipe.data, classes=("mass",), validation_samples=30),
        network=replace(recipe.network, options=options),
        schedule=replace(recipe.schedule, **short),
    )


def test_all_five_are_here() -> None:
    assert sorted(SMALL) == [name for name in shipped() if name.startswith("abdullah")]


@pytest.mark.parametrize("name", sorted(SMALL))
def test_each_beats_a_constant_box_and_runs_to_a_report(name: str, store: SampleStore, tmp_path: Path) -> None:
    """The mean boxes of the training masses in every slice: F1 0.05, average precision below 0.05."""
    baseline = constant_boxes(store, SHAPE)["mass"]
    assert baseline < 0.06
    trainer = Trainer(_small(name), store, tmp_path / "run", Options(threads=1, device="cpu"), report=lambda _: None)
    trainer.run()
    lines = (tmp_path / "run/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[-1])["average_precision"] > 3 * baseline
    content = description(4.0)
    content = replace(content, settings={"detect": content.settings["detect"] | {"score_above": 0.2, "sides": False}})
    publish(content, by_stage([trainer.best]), [store], Papers("# Toy\n", "CC0\n"), tmp_path / "bundle")
    stage = json.loads((tmp_path / "bundle/configs/metadata.json").read_text(encoding="utf-8"))["stages"][
        "slice-detect"
    ]
    assert (stage["shape"], stage["neighbours"], stage["classes"]) == (list(SHAPE), 1, ["mass"])
    hu, labels = painted_scan(next(s for s in range(12, 16) if (painted_scan(s)[1] == Label.SOLID).any()))
    volume = Volume(hu.round().astype(np.int16), np.diag([-SPACING_MM[2], -SPACING_MM[1], SPACING_MM[0], 1.0]), "toy")
    (tmp_path / "ct.nii.gz").write_bytes(nifti_ct(volume, "toy"))
    words = ["segment", str(tmp_path / "ct.nii.gz"), "-o", str(tmp_path / "out"), "--bundle", str(tmp_path / "bundle")]
    assert main([*words, "--device", "cpu"]) == 0
    found = Findings.from_json(json.loads((tmp_path / "out/findings.json").read_text(encoding="utf-8")))
    assert found.detections
    at = volume.ras(np.argwhere(labels == Label.SOLID))
    nearest = min(float(np.linalg.norm(at - one.centre_ras, axis=1).min()) for one in found.detections)
    assert nearest < 15, "no candidate lies at the mass"
    assert 'id="candidate_1"' in (tmp_path / "out/report.html").read_text(encoding="utf-8")
