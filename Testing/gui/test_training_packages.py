"""Packages of the training worker: asked for once, torch from its extension alone, what Slicer brings left as it is."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from RenalAITrainingLib.jobs.checking_dataset import CheckDatasetJob
from RenalAITrainingLib.jobs.evaluating import EvaluateJob
from RenalAITrainingLib.jobs.publishing_networks import PublishJob
from RenalAITrainingWidgets import packages
from RenalAIWidgets.dependencies import NotInstalledError

SLICERS = {"numpy": "2.0.2", "SimpleITK": "2.5.2", "requests": "2.32.0"}


@pytest.fixture
def fresh(monkeypatch, double):
    """A fresh Slicer; what is installed through the double counts as installed afterwards."""
    there = dict(SLICERS)
    constraints = []

    def version(name):
        if name in there:
            return there[name]
        if any(f"{name}>=" in str(wanted) for _, wanted, _ in double.installations.calls):
            return "99.0"
        raise metadata.PackageNotFoundError(name)

    install = double.installations.install

    def seen(function, wanted, **options):
        path = options.get("constraints") or str(wanted).partition('--constraint "')[2].partition('"')[0]
        if path:
            constraints.append(Path(path).read_text(encoding="utf-8").split())
        install(function, wanted, **options)
        double.installations.present = False  # of these, not of the next ones

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(double.installations, "install", seen)
    monkeypatch.delenv("RENALAI_WHEELS", raising=False)
    return SimpleNamespace(double=double, there=there, constraints=constraints)


def names(fresh):
    return " ".join(wanted for _, every, _ in fresh.double.installations.calls for wanted in every).lower()


def test_a_dataset_needs_little(fresh):
    packages.ensure_for(CheckDatasetJob(Path()))
    assert "pyyaml" in names(fresh) and "torch" not in names(fresh) and "monai" not in names(fresh)
    assert set(fresh.constraints[0]) == {f"{name}=={version}" for name, version in SLICERS.items()}


def test_training_without_the_extension_says_how_to_get_it(fresh):
    with pytest.raises(NotInstalledError, match="Training needs PyTorch"):
        packages.ensure(packages.TRAINING)
    assert fresh.double.installations.calls == []


def test_torch_comes_from_the_extension_and_is_pinned(fresh, monkeypatch):
    extension = ModuleType("PyTorchUtils")

    class PyTorchUtilsLogic:
        def installTorch(self, askConfirmation, torchVersionRequirement):
            assert askConfirmation and torchVersionRequirement.startswith(">=")
            fresh.there["torch"] = "2.9.1+cpu"
            return object()

    extension.PyTorchUtilsLogic = PyTorchUtilsLogic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", extension)
    packages.ensure_for(PublishJob(None, {}, Path(), Path()))
    assert "monai" in names(fresh) and "torch>=" not in names(fresh)
    assert "torch==2.9.1+cpu" in fresh.constraints[0]


def test_declining_torch_is_told(fresh, monkeypatch):
    extension = ModuleType("PyTorchUtils")
    extension.PyTorchUtilsLogic = lambda: SimpleNamespace(installTorch=lambda **options: None)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", extension)
    with pytest.raises(NotInstalledError, match="nothing was done"):
        packages.ensure(packages.TRAINING)


@pytest.mark.parametrize("version", ["5.10", "5.13"])
def test_declining_the_rest_is_told(fresh, version):
    fresh.double.version(version)
    fresh.double.installations.declined = True
    fresh.double.answers.queue(False)
    with pytest.raises(NotInstalledError, match="nothing was done"):
        packages.ensure(packages.DATASET)


def test_slicer_5_10_asks_with_sizes(fresh):
    fresh.double.version("5.10")
    packages.ensure(packages.DATASET)
    (question,) = fresh.double.answers.of("ok-cancel")
    assert "PyYAML" in question.text and "MB" in question.text and "--constraint" in names(fresh)


def test_wheels_are_used_without_network(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("RENALAI_WHEELS", str(tmp_path))
    packages.ensure(packages.DATASET)
    assert "--no-index --find-links" in names(fresh)


def test_evaluating_needs_the_engine_too(fresh):
    packages.ensure_for(EvaluateJob(Path(), "", "", Path()))
    assert "onnxruntime" in names(fresh) and "matplotlib" in names(fresh) and "monai" not in names(fresh)


def test_nothing_is_asked_where_all_is_there(double, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "99.0")
    packages.ensure(packages.TRAINING)
    packages.ensure_for(EvaluateJob(Path(), "", "", Path()))
    assert double.installations.calls == [] and double.dialogs == []


def test_every_package_has_its_size():
    assert set(packages.TRAINING + packages.EVALUATION) == packages.SIZES_MB.keys()
