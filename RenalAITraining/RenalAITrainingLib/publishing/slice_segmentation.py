"""Publishing of a ``slice-segmentation`` bundle: 2-D networks, those that draw the same structures as ensembles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from RenalAILib.bundles.stages.slice_segmentation import unfit
from RenalAILib.errors import InputError

from ..stages import Stage
from ..training.trained import TrainedNetwork
from .export import Export, window_of

STAGE: Stage = "slice-segment"


@dataclass(frozen=True)
class SliceSegmentSettings:
    """Below which mean probability a mass's class is unknown."""

    unknown_below: float = 0.6


@dataclass(frozen=True)
class Settings:
    """What a description of a slice-segmentation bundle says beside its texts."""

    segment: SliceSegmentSettings = field(default_factory=SliceSegmentSettings)


def export_stages(export: Export, settings: Settings) -> dict[str, Any]:
    """Write the networks; the ``stages`` of the metadata. What each draws is in its recipe."""
    drawings: dict[tuple[tuple[str, ...], str], list[str]] = {}
    shapes: set[tuple[int, ...]] = set()
    trained = export.trained(STAGE)
    for number, one in enumerate(trained, 1):
        file = export.named(f"{'-'.join(one.recipe.data.structures)}-{number}")
        shapes.add(export.write(file, one, dynamic=True)[1:])
        drawings.setdefault(_drawn_by(one), []).append(file)
    problem = unfit(tuple(name for structures, _ in drawings for name in structures))
    if problem:
        raise InputError(f"these networks do not fit together: {problem}")
    if len(shapes) > 1:
        raise InputError(f"these networks do not fit together: their slices have the shapes {sorted(shapes)}")
    return {
        STAGE: {
            "drawings": [
                {"models": files, "structures": list(structures), "activation": activation}
                for (structures, activation), files in drawings.items()
            ],
            "shape": list(shapes.pop()),
            "window": window_of(trained[0]),
            "unknown_below": settings.segment.unknown_below,
        }
    }


def _drawn_by(trained: TrainedNetwork) -> tuple[tuple[str, ...], str]:
    return trained.recipe.data.structures, trained.task.activation
