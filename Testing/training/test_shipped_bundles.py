"""The weights in this repository: what kind they are, how they are stored, how much they are together."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from RenalAILib.bundles.bundle import Bundle, read_bundle, sha256_of
from RenalAILib.bundles.stages.cascade import CascadeStages
from RenalAITrainingLib.onnx_files.exporting import LARGEST_MEAN_DIFFERENCE, SMALLEST_AGREEMENT
from RenalAITrainingLib.onnx_files.graph import weights_are_half
from RenalAITrainingLib.publishing.bundle_description import load_description
from shippedbundles import ACCURATE, FOLDER, PRESENT

ALL_WEIGHTS_MB = 40.0
CARDS = Path(__file__).resolve().parents[2] / "RenalAITraining" / "RenalAITrainingLib" / "cards"


@pytest.fixture(params=PRESENT)
def bundle(request: pytest.FixtureRequest) -> Bundle:
    """Each of them, every file verified."""
    return read_bundle(FOLDER / request.param)


def test_the_accurate_one_is_there_and_no_stranger() -> None:
    assert ACCURATE in PRESENT
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(PRESENT)


def test_all_weights_together_are_small() -> None:
    """And each network lies there once: a bundle takes what it lacks from the one beside it."""
    files = [path for path in FOLDER.rglob("*") if path.suffix in (".onnx", ".npz")]
    assert sum(path.stat().st_size for path in files) <= ALL_WEIGHTS_MB * 1e6
    assert len({sha256_of(path) for path in files}) == len(files)


def test_a_cascade_with_an_ensemble_for_masses_and_a_classifier(bundle: Bundle) -> None:
    stages = bundle.stages
    assert isinstance(stages, CascadeStages)
    assert len(stages.delineate.models) >= 2 and len(stages.characterise.models) >= 1
    assert len(set(stages.files)) == len(stages.files)
    distinct = {bundle.checksums[file] for file in stages.files}
    assert len(distinct) == len(stages.files), "an ensemble of one network with itself"


def test_weights_are_half_precision_and_agree_with_single(bundle: Bundle) -> None:
    """Agreement is measured when a bundle is published, against the network as trained; a worse one is not made."""
    told = json.loads((bundle.folder / "docs" / "parity.json").read_text(encoding="utf-8"))
    models = [file for file in bundle.stages.files if file.endswith(".onnx")]
    assert sorted(told) == sorted(models)
    for model in models:
        assert weights_are_half(onnx.load(str(bundle.files[model]))), model
        assert told[model]["inputs"] >= 1
        assert told[model]["mean_difference"] < LARGEST_MEAN_DIFFERENCE, model
        assert told[model]["agreement"] > SMALLEST_AGREEMENT, model


def test_the_description_in_the_library_is_of_this_bundle(bundle: Bundle) -> None:
    """What `publish` was given; and its card says what it is not for."""
    assert load_description(CARDS / f"{bundle.name}.yaml").name == bundle.name == bundle.folder.name
    assert bundle.demonstration and "not for diagnosis" in bundle.model_card
