"""Publishing of a ``detector`` bundle: single-shot detectors of slices, with their default boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from RenalAILib.errors import InputError

from ..networks.ssd import SingleShotDetector
from .export import Export, window_of


@dataclass(frozen=True)
class DetectSettings:
    """How boxes become candidates; see `RenalAILib.bundles.stages.detector.SliceDetectStage`.

    Args:
        step_mm: between the slices that the samples were made from.
        reported: classes that are candidates; the others are context.
    """

    step_mm: float
    reported: tuple[str, ...]
    sides: bool
    score_above: float = 0.5
    suppress_above: float = 0.45
    fewest_slices: int = 1


@dataclass(frozen=True)
class Settings:
    """What a description of a detector says beside its texts."""

    detect: DetectSettings


def export_stages(export: Export, settings: Settings) -> dict[str, Any]:
    """Write the networks; the ``stages`` of the metadata. Raises InputError where networks do not fit each other."""
    trained = export.trained("slice-detect")
    first, shapes = trained[0], []
    files = [f"models/slice-detect-{number}.onnx" for number in range(1, len(trained) + 1)]
    for file, one in zip(files, trained, strict=True):
        network, other = one.network, first.network
        if not isinstance(network, SingleShotDetector) or not isinstance(other, SingleShotDetector):
            raise InputError(f"{one.path} is no single-shot detector")
        if network.defaults != other.defaults or one.recipe.data.classes != first.recipe.data.classes:
            raise InputError(f"{one.path} has other default boxes or classes than {first.path}")
        shapes.append(export.write(file, one, dynamic=True))
    channels = {shape[0] for shape in shapes}
    if len(channels) > 1 or min(channels) not in (1, 3):
        raise InputError("the networks of a detector see one slice, or a slice and its two neighbours, all alike")
    assert isinstance(first.network, SingleShotDetector)
    defaults = first.network.defaults
    wanted = settings.detect
    return {
        "slice-detect": {
            "models": files,
            "window": window_of(first),
            "shape": list(defaults.shape),
            "neighbours": channels.pop() // 2,
            "step_mm": wanted.step_mm,
            "classes": list(first.recipe.data.classes),
            "reported": list(wanted.reported),
            "sides": wanted.sides,
            "default_boxes": {
                "strides": list(defaults.strides),
                "smallest": defaults.smallest,
                "largest": defaults.largest,
                "ratios": list(defaults.ratios),
            },
            "score_above": wanted.score_above,
            "suppress_above": wanted.suppress_above,
            "fewest_slices": wanted.fewest_slices,
        }
    }
