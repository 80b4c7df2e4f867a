"""Toy samples: balls of known HU in noise, small enough to learn in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from labelledcases import NAMES

from RenalAILib.labels import Label, MassClass
from RenalAILib.pseudonyms import Pseudonyms
from RenalAITrainingLib.recipes.recipe import Recipe, from_mapping
from RenalAITrainingLib.samples import SampleStore

SHAPE = (32, 32, 32)
HU = {MassClass.AML: -70.0, MassClass.CYSTIC: 10.0, MassClass.SOLID: 90.0}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """The same sums on every machine, and another core left for others."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def same_pseudonyms() -> Iterator[None]:
    """Pseudonyms follow from a user's own key, and who trains from pseudonyms: here they are always the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pseudonyms, "of_user", lambda folder: NAMES)
        yield


def _ball(centre: np.ndarray, radius: float) -> np.ndarray:
    grid = np.indices(SHAPE) - centre[:, None, None, None]
    return np.asarray((grid**2).sum(axis=0) < radius**2)


def _kidney(rng: np.random.Generator, with_mass: bool) -> tuple[np.ndarray, np.ndarray]:
    image, label = rng.normal(-60, 20, SHAPE), np.zeros(SHAPE, np.uint8)
    centre = rng.uniform(12, 20, 3)
    kidney = _ball(centre, rng.uniform(7, 10))
    image[kidney], label[kidney] = rng.normal(150, 20, int(kidney.sum())), Label.KIDNEY_RIGHT
    if with_mass:
        mass = _ball(centre + rng.uniform(-4, 4, 3), 6.0)
        image[mass], label[mass] = rng.normal(20, 20, int(mass.sum())), Label.CYSTIC
    return image, label


@pytest.fixture(scope="session")
def toy_samples(tmp_path_factory: pytest.TempPathFactory) -> SampleStore:
    """One store with 8 + 4 samples of locate and of delineate, and 18 + 9 of characterise (three classes)."""
    store = SampleStore(tmp_path_factory.mktemp("samples"))
    for stage, count in (("locate", 12), ("delineate", 12), ("characterise", 27)):
        for number in range(count):
            rng = np.random.default_rng([len(stage), number])
            split: Any = "train" if number < count * 2 // 3 else "validation"
            facts: dict[str, Any] = {"split": split, "stage": stage, "kind": "phantom", "seed": number}
            if stage == "characterise":
                mass_class = tuple(HU)[number % 3]
                image, label = rng.normal(150, 20, SHAPE), np.zeros(SHAPE, np.uint8)
                mass = _ball(rng.uniform(13, 19, 3), rng.uniform(7, 11))
                image[mass] = rng.normal(HU[mass_class], 30, int(mass.sum()))
                label[mass] = mass_class.label
                facts["mass_class"] = mass_class
            else:
                image, label = _kidney(rng, with_mass=stage == "delineate")
            store.append(image, label, **facts)
    return store


def _recipe(stage: str, **changes: dict[str, Any]) -> Recipe:
    classifies = stage == "characterise"
    network: dict[str, Any] = {"name": "unet", "options": {"filters": [8, 16, 32], "residual_units": 1}}
    if classifies:
        network = {"name": "resnet10", "options": {"filters": [8, 16, 16, 16], "hidden": 128, "stem": 3}}
    sections: dict[str, dict[str, Any]] = {
        "data": {"stage": stage},
        "network": network,
        "loss": {"name": "cross_entropy" if classifies else "dice_bce"},
        "optimiser": {"name": "adamw", "learning_rate": 0.02, "clip": 1.0},
        "augmentation": {"flip": 0.5, "noise": 0.05, "rotation_deg": 10, "spatial_probability": 0.3},
        "schedule": {"batch": 6 if classifies else 2, "steps": 60, "shape": "cosine", "average": 0.8},
    }
    for name, change in changes.items():
        sections[name] = sections[name] | change
    return from_mapping({"name": f"toy-{stage}", "title": "toy", "citation": "none"} | sections, "toy")


@pytest.fixture(scope="session")
def toy_recipe() -> Callable[..., Recipe]:
    """``toy_recipe(stage, **changes)``: a recipe for `toy_samples`; changes are sections, ``schedule={"steps": 3}``."""
    return _recipe


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A folder for one run."""
    return tmp_path / "run"
