"""The publish job: trained networks of a cascade into a bundle, verified before it appears."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from RenalAILib.errors import InputError
from RenalAILib.worker.progress import Report

from .job_files import read_answer, write_answer
from .model_card import model_card

SETTINGS = ("locate", "delineate", "characterise")
"""Keys of a description that say how the samples were made; ours are those of the shipped bundle."""


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
    """

    task: ClassVar[str] = "RenalAITrainingLib.jobs.publishing_networks:PublishJob"

    texts: BundleTexts
    networks: dict[str, tuple[Path, ...]]
    samples: Path
    into: Path
    evaluation: Path | None = None
    replace: bool = False

    def write(self, folder: Path) -> dict[str, Any]:
        return {
            "texts": asdict(self.texts),
            "networks": {stage: [str(path) for path in paths] for stage, paths in self.networks.items()},
            "samples": str(self.samples),
            "into": str(self.into),
            "evaluation": None if self.evaluation is None else str(self.evaluation),
            "replace": self.replace,
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
        )

    def run(self, output: Path, report: Report) -> None:
        from RenalAILib.bundle_store import import_bundle

        from ..commands import publish

        report("publish", 0.1, "Loading the training library")
        with tempfile.TemporaryDirectory(dir=output) as name:
            scratch = Path(name)
            words = self._words(scratch)
            parser = argparse.ArgumentParser()
            publish.add_arguments(parser)
            report("publish", 0.3, "Exporting the networks and comparing them with torch")
            with contextlib.redirect_stdout(sys.stderr):
                publish.run(parser.parse_args(words))
            report("publish", 0.9, "Verifying the bundle")
            bundle = import_bundle(scratch / self.texts.name, self.into, replace=self.replace)
        write_answer(output, {"name": bundle.name, "version": bundle.version, "folder": str(bundle.folder)})

    def load(self, output: Path) -> dict[str, Any]:
        """Name, version and folder of the bundle."""
        return read_answer(output)

    def _words(self, scratch: Path) -> list[str]:
        """The command's words, and the files that they name."""
        import yaml

        cards = resources.files("RenalAITrainingLib") / "cards"
        shipped = yaml.safe_load((cards / "zhao2023-demo.yaml").read_text(encoding="utf-8"))
        told = asdict(self.texts) | {name: shipped[name] for name in SETTINGS}
        files = {"description": scratch / "bundle.yaml", "card": scratch / "card.md", "license": scratch / "LICENSE"}
        files["description"].write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
        files["card"].write_text(self._card(), encoding="utf-8")
        full = cards / f"{self.texts.license}.txt"
        text = (
            full.read_text(encoding="utf-8")
            if full.is_file()
            else f"The weights of {self.texts.name} {self.texts.version} are given under {self.texts.license}.\n"
        )
        files["license"].write_text(text, encoding="utf-8")
        words = [str(files["description"])]
        for stage, paths in self.networks.items():
            words += [f"--{stage}", *map(str, paths)]
        words += ["--samples", *(str(path) for path in self._stores())]
        words += ["--card", str(files["card"]), "--license-file", str(files["license"])]
        return [*words, "-o", str(scratch / self.texts.name)]

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
