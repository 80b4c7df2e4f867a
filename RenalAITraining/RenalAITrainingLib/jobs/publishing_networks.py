"""The publish job: trained networks into a bundle of any kind, verified before it appears."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from RenalAILib.errors import InputError
from RenalAILib.steps import Report

from ..publishing.model_card import model_card
from .job_files import read_answer, write_answer

if TYPE_CHECKING:
    from ..publishing.bundle_description import BundleDescription


@dataclass(frozen=True)
class BundleTexts:
    """What the new bundle says about itself."""

    name: str
    version: str
    title: str
    license: str
    training_domain: str
    intended_use: str
    citation: str
    demonstration: bool = True


@dataclass(frozen=True)
class PublishJob:
    """What ``renalai publish`` does, with a card that is filled from an evaluation.

    Attributes:
        texts: see `BundleTexts`.
        networks: ``best.pt`` files by stage.
        samples: folder of cached samples; their validation samples check that the export is exact.
        into: the folder that will hold a folder of the bundle's name.
        evaluation: an ``evaluation.json`` of these networks; None for none.
        replace: whether another bundle of that name may be replaced.
        pipeline: the kind of bundle.
        finder: of slices that vote, the cascade that finds them; empty for none.
    """

    task: ClassVar[str] = "RenalAITrainingLib.jobs.publishing_networks:PublishJob"

    texts: BundleTexts
    networks: dict[str, tuple[Path, ...]]
    samples: Path
    into: Path
    evaluation: Path | None = None
    replace: bool = False
    pipeline: str = "cascade"
    finder: str = ""

    def write(self, folder: Path) -> dict[str, Any]:
        return {
            "texts": asdict(self.texts),
            "networks": {stage: [str(path) for path in paths] for stage, paths in self.networks.items()},
            "samples": str(self.samples),
            "into": str(self.into),
            "evaluation": None if self.evaluation is None else str(self.evaluation),
            "replace": self.replace,
            "pipeline": self.pipeline,
            "finder": self.finder,
        }

    @classmethod
    def read(cls, fields: dict[str, Any], folder: Path) -> PublishJob:
        return cls(
            BundleTexts(**fields["texts"]),
            {stage: tuple(map(Path, paths)) for stage, paths in fields["networks"].items()},
            Path(fields["samples"]),
            Path(fields["into"]),
            None if fields["evaluation"] is None else Path(fields["evaluation"]),
            bool(fields["replace"]),
            str(fields["pipeline"]),
            str(fields["finder"]),
        )

    def run(self, output: Path, report: Report) -> None:
        from RenalAILib.bundles.store import import_bundle

        report("publish", 0.1, "Loading the training library")
        from ..publishing.publish import Papers, by_stage, publish
        from ..samples import SampleStore

        description = self._description()
        papers = Papers(self._card(), description.license_text())
        checkpoints = by_stage([path for paths in self.networks.values() for path in paths])
        stores = [SampleStore(folder) for folder in self._stores()]
        with tempfile.TemporaryDirectory(dir=output) as name:
            made = Path(name) / self.texts.name
            report("publish", 0.3, "Exporting the networks and comparing them with torch")
            with contextlib.redirect_stdout(sys.stderr):  # the exporter prints; the worker's own lines are progress
                publish(description, checkpoints, stores, papers, made)
            report("publish", 0.9, "Verifying the bundle")
            bundle = import_bundle(made, self.into, replace=self.replace)
        write_answer(output, {"name": bundle.name, "version": bundle.version, "folder": str(bundle.folder)})

    def load(self, output: Path) -> dict[str, Any]:
        """Name, version and folder of the bundle."""
        return read_answer(output)

    def _description(self) -> BundleDescription:
        """The texts, with the settings of the samples that the module makes."""
        from ..publishing.bundle_description import description_of
        from .sample_settings import sample_settings

        told = asdict(self.texts) | sample_settings(self.pipeline, self.finder) | {"pipeline": self.pipeline}
        return description_of(told, f"the model {self.texts.name}")

    def _stores(self) -> list[Path]:
        """The stores of samples: the folder itself, or those in it."""
        found = sorted(path.parent for path in self.samples.glob("*/samples.jsonl"))
        return found or [self.samples]

    def _card(self) -> str:
        recipes = {stage: [path.parent.name for path in paths] for stage, paths in self.networks.items()}
        if self.evaluation is None:
            return model_card(asdict(self.texts), recipes, None)
        try:
            content = json.loads(self.evaluation.read_text(encoding="utf-8"))
            return model_card(asdict(self.texts), recipes, content)
        except (OSError, ValueError, KeyError, IndexError, TypeError) as problem:
            raise InputError(f"{self.evaluation} cannot be read as an evaluation ({problem})") from problem
