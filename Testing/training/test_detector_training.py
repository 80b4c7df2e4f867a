"""The detector end to end at toy size: samples, training by recipe, publishing, and a report with boxes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from RenalAILib.cli import main
from RenalAILib.detector.coding import decode
from RenalAILib.findings import Findings
from RenalAILib.labels import Label, Side
from RenalAILib.report.nifti import nifti_ct
from RenalAILib.volume import Volume
from RenalAITrainingLib.lesion_boxes import as_shares, from_facts
from RenalAITrainingLib.metrics.detection import JudgedBoxes, detection_scores
from RenalAITrainingLib.publishing.bundle_description import BundleDescription, description_of
from RenalAITrainingLib.publishing.publish import Papers, by_stage, publish
from RenalAITrainingLib.recipes.recipe import Recipe, load, shipped
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.synthesis.detect_samples import detect_samples
from RenalAITrainingLib.synthesis.fields import Noise
from RenalAITrainingLib.synthesis.scene import Scene
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.tasks import build_task
from RenalAITrainingLib.training.tasks.slice_detection import SliceDetection
from RenalAITrainingLib.training.trainer import Trainer

SHAPE = (96, 96)
KIDNEY_HU, MASS_HU = 60.0, 230.0
SPACING_MM = np.array([4.0, 3.6, 3.6])


def painted_scan(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """HU and labels (20, 80, 100): a body, two kidneys, and a mass of other HU in one or both; no two alike."""
    rng = np.random.default_rng(seed)
    k, j, i = np.ogrid[:20, :80, :100]
    hu = np.full((20, 80, 100), -1000.0)
    labels = np.zeros(hu.shape, np.uint8)
    hu[np.broadcast_to(((j - 40) / 34) ** 2 + ((i - 50) / 46) ** 2 <= 1, hu.shape)] = -90.0
    for side, column in ((Label.KIDNEY_RIGHT, 28), (Label.KIDNEY_LEFT, 72)):
        middle = np.array([10, 50, column]) + rng.uniform(-3, 3, 3)
        kidney = ((k - middle[0]) / 7.5) ** 2 + ((j - middle[1]) / 9) ** 2 + ((i - middle[2]) / 7.5) ** 2 <= 1
        hu[kidney], labels[kidney] = KIDNEY_HU, side
        if rng.random() < 0.7:
            at, radius = middle + rng.uniform(-1, 1, 3) * (3, 8, 7), rng.uniform(5, 7)
            mass = ((k - at[0]) * 4 / 3.6) ** 2 + (j - at[1]) ** 2 + (i - at[2]) ** 2 <= radius**2
            hu[mass], labels[mass] = MASS_HU, Label.SOLID
    return hu + rng.normal(0, 8, hu.shape), labels


def scene(seed: int) -> Scene:
    hu, labels = painted_scan(seed)
    return Scene(
        hu.astype(np.float32),
        labels,
        np.isin(labels, (1, 2)),
        np.zeros(hu.shape, np.uint8),
        SPACING_MM,
        Noise(0.0, (0.0, 0.0, 0.0)),
        "phantom",
        "train",
        (f"toy_{seed}",),
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SampleStore:
    samples = SampleStore(tmp_path_factory.mktemp("samples"))
    for seed in range(16):
        one = scene(seed)
        split = "train" if seed < 12 else "validation"
        for made in detect_samples(np.random.default_rng(seed), one, SHAPE, step_mm=4.0):
            samples.append(
                made.image,
                made.label,
                split=split,
                stage="slice-detect",
                kind="phantom",
                sources=one.sources,
                **made.facts,
            )
    return samples


def toy(name: str) -> Recipe:
    recipe = load(name)
    options = {key: value for key, value in recipe.network.options.items() if key != "weights"} | {
        "shape": list(SHAPE),
        "width": 0.25,
        "maps": 2,
        "smallest": 0.1,
        "ratios": [1.0],
        "largest": 0.2,
    }
    return replace(
        recipe,
        data=replace(recipe.data, window=load("ssd-renal").data.window, classes=("kidney", "mass")),
        network=replace(recipe.network, options=options),
        schedule=replace(
            recipe.schedule, batch=8, accumulate=1, epochs=None, steps=150, validate_every=150, average=0.0
        ),
        optimiser=replace(load("ssd-renal").optimiser, learning_rate=0.01),
        slices=replace(recipe.slices, rotation_deg=0.0, blur=(0.0, 0.0)),
    )


def constant_boxes(store: SampleStore, shape: tuple[int, int] = SHAPE) -> dict[str, float]:
    """F1 of the stated baseline: the mean kidney boxes and mean mass boxes of the training slices in every slice."""
    train = [box for sample in store.split("train") for box in from_facts(sample.record.extra)]
    result = {}
    for label in ("kidney", "mass"):
        rects = as_shares([box for box in train if box.label == label], shape)
        right = (rects[:, 1] + rects[:, 3]) / 2 < 0.5
        always = np.stack([rects[right].mean(axis=0), rects[~right].mean(axis=0)])
        judged = []
        for sample in store.split("validation"):
            true = [box for box in from_facts(sample.record.extra) if box.label == label]
            ids = [(sample.record.sources, box.lesion) for box in true]
            judged.append(JudgedBoxes(as_shares(true, shape), ids, always, np.ones(2)))
        result[label] = detection_scores(judged).f1
    return result


def test_boxes_lie_about_what_is_in_the_slice(store: SampleStore) -> None:
    one, seen = scene(0), set()
    for sample in store:
        if sample.record.sources != ("toy_0",):
            continue
        for box in from_facts(sample.record.extra):
            top, left, bottom, right = np.round(box.rect).astype(int)
            inside = sample.image[1, top:bottom, left:right]
            wanted = KIDNEY_HU if box.label == "kidney" else MASS_HU
            assert np.abs(inside - wanted).min() < 25
            beyond = np.abs(sample.image[1, max(top - 6, 0) : bottom + 6, max(left - 6, 0) : right + 6] - wanted) < 25
            assert beyond.any()
            seen.add((box.label, box.lesion))
    masses = np.isin(one.labels, (3, 4, 5, 6)).any()
    assert {label for label, _ in seen} == ({"kidney", "mass"} if masses else {"kidney"})


def test_augmentation_takes_boxes_along(store: SampleStore) -> None:
    task = build_task(
        replace(toy("ssd-renal"), slices=replace(load("ssd-renal").slices, mirror=1.0, rotation_deg=0.0, scale=0.2))
    )
    assert isinstance(task, SliceDetection)
    sample = next(one for one in store if len(from_facts(one.record.extra)) >= 3)
    image, target = task.example(sample, np.random.default_rng(5))
    plain, _ = task.whole(sample)
    assert image.shape == plain.shape == (3, *SHAPE)
    assert not torch.equal(image, plain)
    at = target[:, 0] > 0
    boxes = decode(target[at, 1:].numpy(), task.defaults.boxes[at.numpy()])
    classes = target[at, 0].numpy()
    for number, grey in ((1, (KIDNEY_HU - 40) / 200), (2, (MASS_HU - 40) / 200)):
        for top, left, bottom, right in np.round(np.unique(boxes[classes == number].round(3), axis=0) * 96).astype(int):
            middle = image[1, top:bottom, left:right].numpy()
            assert np.abs(middle - grey).min() < 0.2


def description(step_mm: float) -> BundleDescription:
    return description_of(
        {
            "name": "toy-ssd",
            "version": "0.1.0",
            "title": "Toy",
            "license": "CC0-1.0",
            "demonstration": True,
            "training_domain": "painted bodies",
            "intended_use": "tests",
            "citation": "none",
            "pipeline": "detector",
            "detect": {"step_mm": step_mm, "reported": ["mass"], "sides": True, "score_above": 0.3},
        },
        "here",
    )


def test_toy_training_beats_constant_boxes_and_runs_to_a_report(store: SampleStore, tmp_path: Path) -> None:
    trainer = Trainer(toy("ssd-renal"), store, tmp_path / "run", Options(threads=1, device="cpu"), report=_silent)
    trainer.run()
    lines = (tmp_path / "run/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    measured, baseline = json.loads(lines[-1]), constant_boxes(store)
    for label in ("kidney", "mass"):
        assert measured[f"{label}_f1"] > baseline[label] + 0.1, (measured, baseline)

    publish(description(4.0), by_stage([trainer.best]), [store], Papers("# Toy\n", "CC0\n"), tmp_path / "bundle")
    seed = next(seed for seed in range(12, 16) if (painted_scan(seed)[1] == Label.SOLID).any())
    hu, labels = painted_scan(seed)
    affine = np.diag([-SPACING_MM[2], -SPACING_MM[1], SPACING_MM[0], 1.0])
    volume = Volume(hu.round().astype(np.int16), affine, "toy")
    (tmp_path / "ct.nii.gz").write_bytes(nifti_ct(volume, "toy"))
    words = ["segment", str(tmp_path / "ct.nii.gz"), "-o", str(tmp_path / "out"), "--bundle", str(tmp_path / "bundle")]
    assert main([*words, "--device", "cpu"]) == 0
    found = Findings.from_json(json.loads((tmp_path / "out/findings.json").read_text(encoding="utf-8")))
    assert found.detections
    best = found.detections[0]
    k, j, i = np.argwhere(labels == Label.SOLID).T
    distance = np.linalg.norm(volume.ras(np.stack([k, j, i], axis=1)) - best.centre_ras, axis=1)
    assert distance.min() < 12, "the best candidate lies at no mass"
    assert best.side is (Side.RIGHT if best.centre_ras[0] > volume.ras((10, 40, 50))[0] else Side.LEFT)
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert 'id="candidate_1"' in page


def test_a_published_detector_is_trained_on(store: SampleStore, tmp_path: Path) -> None:
    recipe = toy("abdullah-ssd-mobilenetv1")
    recipe = replace(
        recipe,
        schedule=replace(recipe.schedule, batch=2, steps=2, validate_every=2),
        data=replace(recipe.data, validation_samples=2),
    )
    trainer = Trainer(recipe, store, tmp_path / "run", Options(threads=1, device="cpu"), report=_silent)
    trainer.run()
    publish(description(4.0), by_stage([trainer.best]), [store], Papers("# Toy\n", "CC0\n"), tmp_path / "bundle")
    told: list[str] = []
    Trainer(recipe, store, tmp_path / "on", Options(start_from=tmp_path / "bundle", device="cpu"), report=told.append)
    assert any("starting from the published network" in line for line in told), told


def test_the_paper_settings_are_in_the_recipes() -> None:
    for name in [name for name in shipped() if name.startswith("abdullah")]:
        recipe = load(name)
        assert recipe.network.options["shape"] == [430, 418]
        assert recipe.schedule.batch * recipe.schedule.accumulate == 64
        assert recipe.data.classes == ("nodule",)
        assert build_task(recipe).outputs == 2
    assert len([name for name in shipped() if name.startswith("abdullah")]) == 5


def _silent(line: str) -> None:
    pass
