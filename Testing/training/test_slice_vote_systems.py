"""Pedersen 2020 and Bolocan 2023 from a dataset to a report: samples by patient, training, publishing, `segment`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from labelledcases import NAMES

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from toybundle import AML, BODY, LEFT, RIGHT, SOLID, Ellipsoid, axial, inside, painted, toy_bundle

from RenalAILib.axial_slices import slice_on_grid
from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.cli import main as renalai
from RenalAILib.errors import InputError
from RenalAILib.findings import Findings
from RenalAILib.labels import Label
from RenalAILib.orientation import canonical
from RenalAILib.pipelines.running import segment
from RenalAILib.report.nifti import nifti_ct
from RenalAILib.volume import Volume
from RenalAITrainingLib.dataset.case import Facts
from RenalAITrainingLib.dataset.folder import Dataset
from RenalAITrainingLib.dataset.slice_samples import (
    CARCINOMAS,
    Patient,
    by_mass,
    by_oncocytoma,
    fill_from_phantoms,
    fill_slices,
    labels_on_grid,
)
from RenalAITrainingLib.dataset.vocabulary import Histology
from RenalAITrainingLib.metrics.slices import JudgedSlice, confusion, image_metrics, patients_of
from RenalAITrainingLib.publishing.bundle_description import BundleDescription
from RenalAITrainingLib.publishing.publish import Papers, by_stage, publish
from RenalAITrainingLib.recipes.recipe import Recipe, from_mapping, load
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.metrics_log import read_metrics
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.tasks import build_task
from RenalAITrainingLib.training.trainer import Trainer

SHAPE = (64, 64)


def _toy(name: str, steps: int = 80) -> Recipe:
    """A shipped recipe at toy size: its loss, optimiser, augmentation and vote; narrow, fast, from scratch."""
    content = load(name).to_json()
    content["network"]["options"] = {"width": 0.25}
    content["schedule"] |= {"batch": 8, "steps": steps, "epochs": None, "validate_every": steps // 4, "shape": "cosine"}
    content["schedule"]["average"] = 0.8
    content["optimiser"]["learning_rate"] = 0.002 if name == "pedersen2020" else 0.001
    content["slices"] |= {"rotation_deg": content["slices"]["rotation_deg"] / 3}
    return from_mapping(json.loads(json.dumps(content)), "toy")


def _scan(kind: str, seed: int) -> tuple[Volume, Volume]:
    """CT and labels: ``healthy``, or with a large mass: ``oncocytoma`` as fat, ``rcc`` as solid tissue, ``tumor`` as
    bright as bone, so that a network of a hundred layers learns it from nothing in seconds."""
    rng = np.random.default_rng(seed)
    affine, shape = axial((4.0, 3.5, 3.5), half_mm=80.0)
    sign = 1 if seed % 2 else -1
    middle = (sign * rng.uniform(72, 84), -35 + rng.uniform(-8, 8), rng.uniform(-12, 12))
    radius = rng.uniform(26, 30) + (8 if kind == "tumor" else 0)
    hu = {"oncocytoma": AML, "rcc": SOLID}.get(kind, 300.0)
    mass = Ellipsoid(middle, (radius, radius, radius), hu)
    ct = painted(affine, shape, (BODY, RIGHT, LEFT) if kind == "healthy" else (BODY, RIGHT, LEFT, mass))
    ct.voxels[:] += np.rint(rng.normal(0, 3, shape)).astype(np.int16)
    values = np.zeros(shape, np.uint8)
    values[inside(ct, RIGHT)], values[inside(ct, LEFT)] = Label.KIDNEY_RIGHT, Label.KIDNEY_LEFT
    if kind != "healthy":
        values[inside(ct, mass)] = Label.SOLID
    return ct, ct.with_voxels(values)


HISTOLOGIES = {"oncocytoma": Histology.ONCOCYTOMA, "rcc": Histology.CLEAR_CELL_RCC}


def _dataset(folder: Path, kinds: tuple[str, ...], counts: tuple[int, ...]) -> Dataset:
    """So many patients of each kind; every third validates."""
    dataset = Dataset.create(folder, "toy")
    names: dict[str, list[str]] = {"training": [], "validation": [], "test": []}
    number = 0
    for kind, count in zip(kinds, counts, strict=True):
        for n in range(count):
            ct, mask = _scan(kind, number)
            facts = Facts(histology=HISTOLOGIES.get(kind, Histology.UNKNOWN))
            case = dataset.add_case(NAMES.case(f"patient {number}"), ct, mask, facts=facts)
            names["validation" if n % 3 == 2 else "training"].append(case.name)
            number += 1
    dataset.set_split({part: tuple(members) for part, members in names.items()}, {}, {})
    return dataset


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SampleStore]:
    """Samples of each system, at toy size."""
    folder = tmp_path_factory.mktemp("slices")
    found = {}
    for name, kinds, counts in (
        ("pedersen2020", ("oncocytoma", "rcc"), (4, 10)),
        ("bolocan2023-resnet101", ("healthy", "tumor"), (6, 6)),
    ):
        dataset = _dataset(folder / f"{name}-data", kinds, counts)
        fill_slices(dataset, load(name), folder / name, shape=SHAPE)
        found[name] = SampleStore(folder / name)
    found["bolocan2023-resnet152"] = found["bolocan2023-resnet101"]
    return found


def test_patients_are_split_not_slices(stores: dict[str, SampleStore]) -> None:
    for store in stores.values():
        of_patient: dict[str, set[str]] = {}
        for record in store.records:
            of_patient.setdefault(record.sources[0].partition("-")[0], set()).add(record.split)
        assert all(len(splits) == 1 for splits in of_patient.values()) and len(of_patient) >= 12


def test_slices_and_classes_are_those_asked_for(stores: dict[str, SampleStore]) -> None:
    for sample in stores["pedersen2020"]:
        assert sample.image.shape == (1, *SHAPE) and (sample.label == Label.SOLID).any()
        inside_hu = np.median(sample.image[sample.label == Label.SOLID])
        if (sample.label == Label.SOLID).sum() > 30:
            assert (inside_hu < (SOLID + AML) / 2) == (sample.record.category == "oncocytoma")
    for sample in stores["bolocan2023-resnet101"]:
        assert (sample.label > 0).any()
        assert (sample.label == Label.SOLID).any() == (sample.record.category == "tumor")


def test_a_store_is_continued_not_doubled(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path / "data", ("healthy", "rcc"), (1, 1))
    recipe = load("bolocan2023-resnet101")
    assert fill_slices(dataset, recipe, tmp_path / "s", shape=SHAPE, most=4) == 8
    assert fill_slices(dataset, recipe, tmp_path / "s", shape=SHAPE, most=4) == 0
    heights = [record.extra["slice"] for record in SampleStore(tmp_path / "s").records[:4]]
    assert heights == sorted(set(heights)) and max(heights) - min(heights) > 6


def test_labels_lie_on_their_slice() -> None:
    ct, mask = _scan("rcc", 3)
    ct, mask = canonical(ct), canonical(mask)
    k = int(np.argmax((mask.voxels == Label.SOLID).sum(axis=(1, 2))))
    image, marked = slice_on_grid(ct, k, (96, 96), -1000), labels_on_grid(mask, k, (96, 96))
    assert np.median(image[marked == Label.SOLID]) == pytest.approx(SOLID, abs=6)
    assert np.median(image[marked == Label.KIDNEY_RIGHT]) == pytest.approx(150, abs=6)
    assert (image[marked == 0] == -1000).any()  # the CT is not square


def _patient(*histologies: Histology) -> Patient:
    ct, mask = _scan("rcc", 1)
    return Patient(canonical(ct), canonical(mask), frozenset(histologies))


def test_only_known_histologies_train_pedersen() -> None:
    assert by_oncocytoma(_patient()) is None
    assert by_oncocytoma(_patient(Histology.ANGIOMYOLIPOMA)) is None
    assert by_oncocytoma(_patient(Histology.ONCOCYTOMA, Histology.PAPILLARY_RCC)) is None
    for histology, number in ((Histology.ONCOCYTOMA, 0), *((rcc, 1) for rcc in CARCINOMAS)):
        told = by_oncocytoma(_patient(histology, Histology.CYST))
        assert told is not None and told[0] == number and told[1].any()
    told = by_mass(_patient())
    assert told is not None and told[0] == 1


def test_refusals(tmp_path: Path) -> None:
    healthy = _dataset(tmp_path / "data", ("healthy",), (2,))
    with pytest.raises(InputError, match="no training patient gave a slice of the class tumor"):
        fill_slices(healthy, load("bolocan2023-resnet101"), tmp_path / "a", shape=SHAPE)
    with pytest.raises(InputError, match="no recipe of a classifier of slices"):
        fill_slices(healthy, load("zhao2023-kidney"), tmp_path / "b")
    with pytest.raises(InputError, match="phantoms have no histology"):
        fill_from_phantoms(1, load("pedersen2020"), tmp_path / "c")
    recipe = load("pedersen2020")
    with pytest.raises(ValueError, match="needs two classes"):
        build_task(replace(recipe, data=replace(recipe.data, classes=("a", "b", "c"))))
    with pytest.raises(ValueError, match=r"vote\.decisive is none of"):
        build_task(replace(recipe, vote=replace(recipe.vote, decisive="aml")))


DESCRIPTION = {
    "version": "0.0.1", "license": "Apache-2.0", "demonstration": True, "training_domain": "painted",
    "intended_use": "tests", "citation": "none", "pipeline": "slice-vote",
}  # fmt: skip


@pytest.fixture(scope="module", params=["pedersen2020", "bolocan2023-resnet101", "bolocan2023-resnet152"])
def trained(
    request: pytest.FixtureRequest, stores: dict[str, SampleStore], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Path, list[str]]:
    """Name, run and bundle of each system, and what the trainer told."""
    name, folder = request.param, tmp_path_factory.mktemp("run")
    told: list[str] = []
    threads = torch.get_num_threads()
    recipe = _toy(name, 80 if name == "pedersen2020" else 40)
    Trainer(recipe, stores[name], folder / "run", Options(seed=1, threads=1), report=told.append).run()
    torch.set_num_threads(threads)
    publish(
        BundleDescription(
            name=f"toy-{name}", title="toy", settings={"finder": str(toy_bundle().folder)}, **DESCRIPTION
        ),
        by_stage([folder / "run/best.pt"]),
        [stores[name]],
        Papers("# A toy\n", "Apache-2.0\n"),
        folder / "bundle",
    )
    return name, folder / "run", folder / "bundle", told


def test_each_system_beats_its_baseline(trained: tuple[str, Path, Path, list[str]]) -> None:
    """The baseline of a mean recall is 1/2, whatever one class is always said; that of the AUC is 1/2 too."""
    name, run, _, told = trained
    validations = [line for line in read_metrics(run / "metrics.jsonl") if line["event"] == "validation"]
    best = max(validations, key=lambda line: line["score"])
    assert best["score"] > 0.8 and best["auc"] > 0.85, validations
    assert {"accuracy", "sensitivity", "specificity", "patient_accuracy"} <= best.keys()
    assert any("begins with random weights" in line for line in told)
    balance = [line for line in read_metrics(run / "metrics.jsonl") if line["event"] == "balance"]
    if name == "pedersen2020":
        (line,) = balance
        assert line["by"] == "class" and line["training_samples"]["rcc"] > 2 * line["training_samples"]["oncocytoma"]
    else:
        assert balance == []


def test_each_bundle_votes_and_reports(trained: tuple[str, Path, Path, list[str]], tmp_path: Path) -> None:
    """A patient of each kind who trained nothing: the command, its report, the share of slices beside the class."""
    name, _, bundle, _ = trained
    for kind in load(name).data.classes:  # as the toy patients are called
        ct, _ = _scan(kind, 101)
        (tmp_path / f"{kind}.nii.gz").write_bytes(nifti_ct(Volume(ct.voxels.astype(np.int16), ct.ijk_to_ras), "toy"))
        words = ["segment", str(tmp_path / f"{kind}.nii.gz"), "-o", str(tmp_path / kind), "--bundle", str(bundle)]
        assert renalai([*words, "--device", "cpu"]) == 0
        findings = Findings.from_json(json.loads((tmp_path / kind / "findings.json").read_text(encoding="utf-8")))
        verdict = findings.verdict
        assert verdict is not None and verdict.label == kind, verdict.shares
        assert verdict.share >= verdict.threshold
        page = (tmp_path / kind / "report.html").read_text(encoding="utf-8")
        assert f"{100 * verdict.share:.0f}\N{NO-BREAK SPACE}%" in page and "Votes of the slices" in page


def test_a_bundle_says_what_it_looks_at(trained: tuple[str, Path, Path, list[str]]) -> None:
    name, _, folder, _ = trained
    stages: Any = read_bundle(folder).stages
    classify = stages.slice_classify
    assert classify.shape == SHAPE
    if name == "pedersen2020":
        assert (classify.slices, classify.decisive, classify.threshold) == ("mass", "oncocytoma", 0.51)
        assert stages.delineate is not None
    else:
        assert (classify.slices, classify.decisive, classify.threshold) == ("kidney", "", 0.5)
        assert stages.delineate is None and stages.locate is not None


def test_engine_and_trainer_see_the_same_slice(trained: tuple[str, Path, Path, list[str]], tmp_path: Path) -> None:
    """Probabilities at work are those of the sample that was cut from the same slice."""
    name, _, folder, _ = trained
    ct, _ = _scan("rcc", 1)
    outcome = segment(ct, read_bundle(folder), device="cpu", engine="onnxruntime")
    assert outcome.findings.verdict is not None
    stages: Any = read_bundle(folder).stages
    vote = outcome.findings.verdict.slices[0]
    recipe = _toy(name)
    view = canonical(ct)
    hu = slice_on_grid(view, vote.k, stages.slice_classify.shape, recipe.data.window.level - recipe.data.window.width)
    store = SampleStore(tmp_path / "one")
    store.append(
        hu[None], np.zeros((1, *hu.shape), np.uint8), split="train", stage="slice-classify", kind="real",
        sources=("x",), category=recipe.data.classes[0],
    )  # fmt: skip
    from RenalAITrainingLib.training.trained import load_trained

    network = load_trained(folder.parent / "run/best.pt", "slice-classify")
    image, _ = network.task.whole(store[0])
    with torch.inference_mode():
        probability = float(torch.sigmoid(network.network(image[None]))[0, 0])
    assert vote.probabilities[recipe.data.classes[1]] == pytest.approx(probability, abs=0.01)


def test_metrics_by_hand() -> None:
    slices = [
        JudgedSlice(patient, truth, {"benign": 1 - p, "rcc": p})
        for patient, truth, p in (
            ("a", "benign", 0.1), ("a", "benign", 0.4), ("a", "benign", 0.6), ("b", "rcc", 0.55), ("b", "rcc", 0.9),
        )
    ]  # fmt: skip
    metrics = image_metrics(slices, ("benign", "rcc"))
    assert metrics == pytest.approx({"accuracy": 0.8, "auc": 5 / 6, "sensitivity": 1.0, "specificity": 2 / 3})
    one, two = patients_of(slices, ("benign", "rcc"), "benign", 0.51)
    assert (one.label, two.label) == ("benign", "rcc") and one.shares["benign"] == pytest.approx(2 / 3)
    strict, _ = patients_of(slices, ("benign", "rcc"), "benign", 0.7)
    assert (strict.truth, strict.label) == ("benign", "rcc")
    assert confusion([(s.truth, s.vote) for s in slices], ("benign", "rcc")).tolist() == [[2, 1], [0, 2]]
    assert image_metrics(slices[:3], ("benign", "rcc")).keys() == {"accuracy", "specificity"}


def test_evaluate_draws_roc_confusion_and_votes(trained: tuple[str, Path, Path, list[str]], tmp_path: Path) -> None:
    """Patients who trained nothing, through the command: tables, figures, and every slice by the class it votes for."""
    name, _, bundle, _ = trained
    if name == "bolocan2023-resnet152":
        pytest.skip("its sister, ResNet101, goes the same way")
    kinds = load(name).data.classes
    dataset = Dataset.create(tmp_path / "data", "new patients")
    for number in range(4):
        ct, mask = _scan(kinds[number % 2], 200 + number)
        facts = Facts(histology=HISTOLOGIES.get(kinds[number % 2], Histology.UNKNOWN))
        dataset.add_case(NAMES.case(f"new {number}"), ct, mask, facts=facts)
    words = [
        "evaluate",
        str(tmp_path / "data"),
        "--bundle",
        str(bundle),
        "-o",
        str(tmp_path / "out"),
        "--device",
        "cpu",
    ]
    assert renalai(words) == 0
    content = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))
    images, patients = content["tables"]["measures"]["rows"]
    assert images["AUC"]["value"] > 0.8 and images["accuracy"]["value"] > 0.65  # 0.5 by chance; edges show little
    assert patients["accuracy"]["value"] >= 0.75 and patients["count"] == 4  # 0.5 by saying one class always
    counts = content["tables"]["confusion_images"]["rows"]
    assert sum(row[kind] for row in counts for kind in kinds) == images["count"]
    pictures = {kind: list((tmp_path / "out/slices" / kind).glob("*_true-*.png")) for kind in kinds}
    for kind in kinds:
        assert len(pictures[kind]) == sum(row[kind] for row in counts)
    assert {path.name for path in (tmp_path / "out/figures").iterdir()} == {"roc-of-images.png", "votes.png"}
    page = (tmp_path / "out/evaluation.html").read_text(encoding="utf-8")
    assert "Votes of images" in page and "Verdicts" in page


def test_evaluate_refuses_what_it_cannot_judge(tmp_path: Path) -> None:
    from slicevotebundle import make_vote_bundle

    bundle = make_vote_bundle(tmp_path / "bundle")
    dataset = Dataset.create(tmp_path / "data", "none")
    ct, mask = _scan("rcc", 1)
    dataset.add_case(NAMES.case("someone"), ct, mask)
    words = ["evaluate", str(tmp_path / "data"), "--bundle", str(bundle.folder), "-o", str(tmp_path / "out")]
    assert renalai(words) == 2 and not (tmp_path / "out").exists()
    assert renalai([*words, "--against", str(bundle.folder)]) == 2
