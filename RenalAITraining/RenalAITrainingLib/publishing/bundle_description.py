"""BundleDescription: what a bundle says about itself beside its networks."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from RenalAILib.bundles.stages import KINDS
from RenalAILib.errors import InputError

from ..strict_yaml import build, read_yaml

CARDS = Path(__file__).resolve().parents[1] / "cards"
"""Descriptions, model cards and licences that ship."""


@dataclass(frozen=True)
class BundleDescription:
    """One YAML file; the rest of a bundle's metadata follows from its checkpoints and samples.

    Args:
        pipeline: one of the engine's kinds.
        settings: every other key of the file; the pipeline's publisher checks them.
    """

    name: str
    version: str
    title: str
    license: str
    demonstration: bool
    training_domain: str
    intended_use: str
    citation: str
    pipeline: str = "cascade"
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pipeline not in KINDS:
            raise ValueError(f"pipeline must be one of {', '.join(KINDS)}, got {self.pipeline!r}")

    def texts(self) -> dict[str, Any]:
        """The part that goes into the metadata as it stands."""
        return {key: value for key, value in vars(self).items() if key not in ("pipeline", "settings")}

    def license_text(self) -> str:
        """The licence of the weights: in full where it ships, else the sentence that names it."""
        full = CARDS / f"{self.license}.txt"
        if full.is_file():
            return full.read_text(encoding="utf-8")
        return f"The weights of {self.name} {self.version} are given under {self.license}.\n"


def load_description(path: Path) -> BundleDescription:
    """Read one.

    Raises:
        InputError: one sentence naming the file and the key.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    return description_of(read_yaml(path.read_text(encoding="utf-8"), str(path)), str(path))


def description_of(content: Any, where: str) -> BundleDescription:
    """A description from plain types. Raises InputError that names ``where`` and the key."""
    if isinstance(content, dict):
        known = {item.name for item in fields(BundleDescription)} - {"settings"}
        settings = {key: value for key, value in content.items() if key not in known}
        content = {key: value for key, value in content.items() if key in known} | {"settings": settings}
    return build(BundleDescription, content, where)
