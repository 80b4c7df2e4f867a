"""Phantoms as toy data for whole systems: samples, a bundle of a toy run, and what it says about another phantom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from RenalAILib.bundles.bundle import read_bundle
from RenalAILib.findings import Outcome
from RenalAILib.phantom import MassPlan, Phantom, make_phantom
from RenalAILib.pipelines.running import segment
from RenalAILib.report import write_outcome
from RenalAITrainingLib.publishing.bundle_description import BundleDescription
from RenalAITrainingLib.publishing.publish import Papers, by_stage, publish
from RenalAITrainingLib.recipes.recipe import Recipe, load
from RenalAITrainingLib.samples import SampleStore
from RenalAITrainingLib.training.options import Options
from RenalAITrainingLib.training.trainer import Trainer

COARSE: dict[str, object] = {"shape": (32, 40, 48), "spacing_mm": (8.0, 8.0, 8.0), "noise_hu": 5.0}
TEXTS = {"version": "1.0", "license": "CC0-1.0", "training_domain": "phantoms", "intended_use": "tests"}


def coarse_phantom(number: int, masses: tuple[MassPlan, ...] | None = None) -> Phantom:
    """A whole abdomen at 8 mm: kidneys of some hundred voxels, made in a fifth of a second."""
    return make_phantom(1_000_000 + number, masses=masses, **COARSE)  # type: ignore[arg-type]


def at_toy_size(name: str, **sections: dict[str, object]) -> Recipe:
    """A shipped recipe with other numbers: ``at_toy_size("unet", schedule={"steps": 40, "epochs": None})``."""
    recipe = load(name)
    for section, changes in sections.items():
        recipe = replace(recipe, **{section: replace(getattr(recipe, section), **changes)})  # type: ignore[arg-type]
    return recipe


def train(recipe: Recipe, store: SampleStore, folder: Path) -> Trainer:
    """A finished run."""
    trainer = Trainer(recipe, store, folder, Options(threads=1), report=lambda _: None)
    trainer.run()
    return trainer


def published(pipeline: str, settings: dict[str, object], runs: list[Trainer], store: SampleStore, at: Path) -> Path:
    """A bundle of finished runs."""
    description = BundleDescription(
        name="toy", title="Toy", demonstration=True, citation="none", pipeline=pipeline, settings=settings, **TEXTS
    )
    publish(description, by_stage([run.best for run in runs]), [store], Papers("# Toy\n", "CC0\n"), at)
    return at


def reported(bundle: Path, phantom: Phantom, output: Path) -> Outcome:
    """What the bundle says about a phantom, written as a report and looked at."""
    outcome = segment(phantom.volume, read_bundle(bundle), device="cpu")
    files = write_outcome(outcome, output)
    page = files["report.html"].read_text(encoding="utf-8")
    assert "Toy" in page or "toy" in page
    assert outcome.labels.shape == phantom.labels.shape and set(np.unique(outcome.labels)) <= set(range(7))
    return outcome


def dice(found: np.ndarray, wanted: np.ndarray) -> float:
    """Of two masks."""
    return float(2 * (found & wanted).sum() / max(found.sum() + wanted.sum(), 1))
