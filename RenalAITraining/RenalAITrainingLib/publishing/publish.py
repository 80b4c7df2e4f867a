"""Publishing: checkpoints into a bundle that RenalAI runs, checked against torch and written all or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from RenalAILib.bundles.bundle import BUNDLE_SCHEMA, METADATA, read_bundle, write_checksums
from RenalAILib.errors import InputError

from ..onnx_files.exporting import Parity
from ..recipes.recipe import from_mapping
from ..samples import SampleStore
from ..stages import Stage
from ..strict_yaml import build
from ..training import checkpoint
from .bundle_description import BundleDescription
from .export import Checkpoints, Export


@dataclass(frozen=True)
class Papers:
    """The texts of a bundle: ``docs/README.md`` (the model card) and ``LICENSE``."""

    card: str
    license: str


def publish(
    description: BundleDescription,
    checkpoints: Checkpoints,
    stores: Sequence[SampleStore],
    papers: Papers,
    output: Path,
) -> dict[str, Parity]:
    """Write the bundle folder ``output``.

    Args:
        description: its texts, its pipeline and the settings of that.
        checkpoints: `by_stage` sorts files.
        stores: their validation samples of each stage check parity and fit the classifier's temperature.
        output: made here, under this name only when it is complete.

    Returns:
        The agreement of each published network with the trained one, by file; also in ``docs/parity.json``.

    Raises:
        InputError: ``output`` exists, a checkpoint does not fit its stage, a stage has no validation sample, or a
            published network disagrees with the trained one.
    """
    if output.exists():
        raise InputError(f"{output} exists already; publish to another folder or take it away")
    beside = output.with_name(output.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    for room in ("configs", "models", "docs"):
        (beside / room).mkdir(parents=True)
    try:
        export = Export(beside, stores, checkpoints)
        publisher = _publisher(description.pipeline)
        settings = build(publisher.Settings, description.settings, f"the description of {description.name}")
        metadata = {
            "schema": BUNDLE_SCHEMA,
            "pipeline": description.pipeline,
            **description.texts(),
            "stages": publisher.export_stages(export, settings),
        }
        report = {file: parity.to_json() for file, parity in export.parities.items()}
        for name, text in {
            METADATA: json.dumps(metadata, indent=1) + "\n",
            "docs/README.md": papers.card,
            "docs/parity.json": json.dumps(report, indent=1) + "\n",
            "LICENSE": papers.license,
        }.items():
            (beside / name).write_text(text, encoding="utf-8")
        write_checksums(beside)
        read_bundle(beside)
        beside.rename(output)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return export.parities


def _publisher(kind: str) -> Any:
    """The module that publishes bundles of ``kind``."""
    return import_module(f".{kind.replace('-', '_')}", __package__)


def by_stage(paths: Sequence[Path]) -> dict[Stage, list[Path]]:
    """``best.pt`` files by the stage that each was trained for. Raises InputError where one is no checkpoint."""
    found: dict[Stage, list[Path]] = {}
    for path in paths:
        recipe = from_mapping(checkpoint.load(path).get("recipe"), str(path))
        found.setdefault(recipe.data.stage, []).append(path)
    return found
