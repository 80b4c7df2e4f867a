"""Publishing of a ``slice-vote`` bundle: slice classifiers, and another bundle's networks that find their slices."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from RenalAILib.bundles.bundle import Bundle
from RenalAILib.bundles.stages.cascade import CascadeStages
from RenalAILib.bundles.store import load_bundle
from RenalAILib.errors import InputError

from .export import Export


@dataclass(frozen=True)
class Settings:
    """What a description of a slice-vote bundle says beside its texts.

    Args:
        finder: name or folder of a cascade bundle whose networks find kidneys (and masses), copied into this one; its
            licence holds for them here too. Needed where not all slices vote.
    """

    finder: str | None = None


def export_stages(export: Export, settings: Settings) -> dict[str, Any]:
    """Write the networks; the ``stages`` of the metadata. Classes and vote are those of the recipe.

    Raises:
        InputError: networks of different recipes, or no finder where one is needed.
    """
    facts, trained = export.stage("slice-classify", dynamic=True)
    recipe = trained[0].recipe
    for one in trained[1:]:
        if (one.recipe.data.classes, one.recipe.vote) != (recipe.data.classes, recipe.vote):
            raise InputError(f"{one.path} has other classes or another vote than {trained[0].path}")
    samples = export.validation("slice-classify")
    stages: dict[str, Any] = {
        "slice-classify": facts
        | {
            "shape": list(samples[0].image.shape[1:]),
            "classes": list(recipe.data.classes),
            "labelled": recipe.vote.labelled,
            "slices": recipe.vote.slices,
            "decisive": recipe.vote.decisive,
            "threshold": recipe.vote.threshold,
        }
    }
    if recipe.vote.slices == "all":
        return stages
    if settings.finder is None:
        raise InputError(
            f"{recipe.name} looks at slices through a {recipe.vote.slices}: the description needs a finder, the name or"
            " folder of a cascade bundle that finds them"
        )
    bundle = load_bundle(settings.finder)
    if not isinstance(bundle.stages, CascadeStages):
        raise InputError(f"the finder {bundle.name} is a {bundle.pipeline} bundle; it must be a cascade")
    stages["locate"] = _copied(export.folder, bundle, bundle.stages.locate)
    if recipe.vote.slices == "mass":
        stages["delineate"] = _copied(export.folder, bundle, bundle.stages.delineate)
    return stages


def _copied(folder: Path, bundle: Bundle, stage: Any) -> dict[str, Any]:
    """The stage's models beside ours, and its metadata as they stand."""
    for model in stage.models:
        shutil.copyfile(bundle.files[model], folder / model)
    facts = asdict(stage)
    window = facts.pop("window")
    facts = {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
    return facts | {"window": {"width": window["width_hu"], "level": window["level_hu"]}}
