"""What the module says of its samples when it publishes: every kind's publisher takes it, and it is how they are."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from RenalAITrainingLib.jobs.publishing_networks import BundleTexts, PublishJob
from RenalAITrainingLib.jobs.sample_settings import sample_settings
from RenalAITrainingLib.publishing.bundle_description import description_of
from RenalAITrainingLib.strict_yaml import build
from RenalAITrainingLib.synthesis import detect_samples, locate_samples

KINDS = ("cascade", "one-stage", "slice-segmentation", "slice-vote", "detector")
TEXTS = {
    "name": "own", "version": "1.0.0", "title": "t", "license": "CC0-1.0", "training_domain": "d", "intended_use": "u",
    "citation": "c", "demonstration": True,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_publisher_takes_the_settings_of_its_kind(kind: str) -> None:
    told = TEXTS | sample_settings(kind, "zhao2023-demo") | {"pipeline": kind}
    description = description_of(told, "the model own")
    publisher = import_module(f"RenalAITrainingLib.publishing.{kind.replace('-', '_')}")
    settings = build(publisher.Settings, description.settings, "own")
    assert description.pipeline == kind
    if kind == "one-stage":
        assert settings.segment.spacing_mm == locate_samples.SPACING_MM
    if kind == "detector":
        assert settings.detect.step_mm == detect_samples.STEP_MM and settings.detect.reported == ("mass",)
    if kind == "slice-vote":
        assert settings.finder == "zhao2023-demo"


def test_votes_on_all_slices_need_no_finder() -> None:
    assert sample_settings("slice-vote", "") == {}


def test_a_kind_that_the_module_does_not_publish_is_told() -> None:
    with pytest.raises(ValueError, match="not phase-fusion"):
        sample_settings("phase-fusion", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_job_travels_with_its_kind(kind: str) -> None:
    networks = {"locate": (Path("a/best.pt"),)}
    texts = BundleTexts(**TEXTS)  # type: ignore[arg-type]
    job = PublishJob(texts, networks, Path("samples"), Path("into"), pipeline=kind, finder="f")
    assert PublishJob.read(job.write(Path(".")), Path(".")) == job
