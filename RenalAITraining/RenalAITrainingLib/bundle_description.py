"""BundleDescription: what a bundle says about itself beside its networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from RenalAILib.errors import InputError

from .strict_yaml import build


@dataclass(frozen=True)
class LocateDescription:
    """The coarse grid that the samples were made on."""

    spacing_mm: float


@dataclass(frozen=True)
class DelineateDescription:
    """The margin of the boxes that the samples were made from."""

    margin_mm: float


@dataclass(frozen=True)
class CharacteriseDescription:
    """The cubes that the samples were made from.

    Args:
        scale, minimum_mm: of `Box.cube`.
        unknown_below: the class is unknown where its probability is lower.
        temperature: of the softmax; None fits it to the validation samples.
    """

    scale: float
    minimum_mm: float
    unknown_below: float = 0.6
    temperature: float | None = None


@dataclass(frozen=True)
class BundleDescription:
    """One YAML file; the rest of a bundle's metadata follows from its checkpoints and samples."""

    name: str
    version: str
    title: str
    license: str
    demonstration: bool
    training_domain: str
    intended_use: str
    citation: str
    locate: LocateDescription
    delineate: DelineateDescription
    characterise: CharacteriseDescription

    def texts(self) -> dict[str, Any]:
        """The part that goes into the metadata as it stands."""
        return {key: value for key, value in vars(self).items() if isinstance(value, (str, bool))}


def load_description(path: Path) -> BundleDescription:
    """Read one.

    Raises:
        InputError: one sentence naming the file and the key.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    try:
        return build(BundleDescription, yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
