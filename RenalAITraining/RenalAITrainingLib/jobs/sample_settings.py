"""Sample settings: what a bundle must say of how its samples were made, where the training module made them."""

from __future__ import annotations

from typing import Any

_CASCADE = ("locate", "delineate", "characterise")


def sample_settings(pipeline: str, finder: str) -> dict[str, Any]:
    """The keys of a `BundleDescription` beside its texts; those of a cascade are the shipped bundle's.

    Args:
        pipeline: the kind of bundle.
        finder: of slices that vote, the cascade that finds kidneys and masses; empty for none.

    Raises:
        ValueError: a kind that the module does not publish.
    """
    from ..publishing.bundle_description import CARDS
    from ..strict_yaml import read_yaml
    from ..synthesis import detect_samples, locate_samples

    if pipeline == "cascade":
        place = CARDS / "zhao2023-demo.yaml"
        shipped = read_yaml(place.read_text(encoding="utf-8"), place.name)
        return {name: shipped[name] for name in _CASCADE}
    settings: dict[str, dict[str, Any]] = {
        "one-stage": {"segment": {"spacing_mm": locate_samples.SPACING_MM}},
        "slice-segmentation": {},
        "slice-vote": {"finder": finder} if finder else {},
        "detector": {
            "detect": {
                "step_mm": detect_samples.STEP_MM,
                "reported": [detect_samples.MASS],
                "sides": True,
                "fewest_slices": 2,
            }
        },
    }
    if pipeline not in settings:
        raise ValueError(f"the module publishes {', '.join(('cascade', *settings))}; not {pipeline}")
    return settings[pipeline]
