"""Publishing of a ``one-stage`` bundle: networks over the whole CT that draw kidneys and masses at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from RenalAILib.errors import InputError

from .export import Export


@dataclass(frozen=True)
class SegmentSettings:
    """The grid that the samples were made on, and below which mean probability a mass's class is unknown."""

    spacing_mm: float
    unknown_below: float = 0.6


@dataclass(frozen=True)
class Settings:
    """What a description of a one-stage bundle says beside its texts."""

    segment: SegmentSettings


def export_stages(export: Export, settings: Settings) -> dict[str, Any]:
    """Write the networks; the ``stages`` of the metadata."""
    fixed = export.trained("one-stage")[0].recipe.data.fixed
    facts, trained = export.stage("one-stage", dynamic=not fixed)
    tile = {"tile": facts.pop("shape")} if fixed else {}
    structures = trained[0].recipe.data.structures
    for one in trained:
        if (one.recipe.data.structures, one.recipe.data.fixed) != (structures, fixed):
            raise InputError(f"{one.path} draws other structures or on other grids than {trained[0].path}")
    wanted = settings.segment
    return {
        "segment": facts
        | tile
        | {"structures": list(structures), "spacing_mm": wanted.spacing_mm, "unknown_below": wanted.unknown_below}
    }
