"""nnU-Net raw datasets: ``imagesTr``, ``labelsTr`` and ``dataset.json``, version 2 (and 1, with int to name labels)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from RenalAILib.errors import InputError
from RenalAILib.reading import read_labels, read_volume

from ..case import Facts
from .incoming import Incoming, Listed, Options, read_json
from .structures import Structure, structures_of_values, to_labels

_CHANNEL_NAMES = ("channel_names", "modality")


class NnUnet:
    """The raw layout of nnU-Net; the CT is the channel of that name, else the first."""

    title = "nnU-Net raw (imagesTr, labelsTr, dataset.json)"

    def recognizes(self, source: Path) -> bool:
        return (source / "dataset.json").is_file() and (source / "labelsTr").is_dir() and _numbered(source)

    def listed(self, source: Path, options: Options) -> list[Listed]:
        path = source / "dataset.json"
        content = read_json(path)
        if not isinstance(content, dict) or not isinstance(content.get("labels"), dict):
            raise InputError(f"{path} has no table of labels")
        meaning = structures_of_values(content["labels"], options.structures, str(path))
        ending = str(content.get("file_ending", ".nii.gz"))
        channel = _channel(content)
        cases = sorted(label.name.removesuffix(ending) for label in (source / "labelsTr").glob(f"*{ending}"))
        if not cases:
            raise InputError(f"{source / 'labelsTr'} holds no mask ({ending})")

        def case(name: str) -> Listed:
            image, mask = source / "imagesTr" / f"{name}_{channel}{ending}", source / "labelsTr" / f"{name}{ending}"
            return Listed(f"{source.name}/{name}", "", name, lambda: load_pair(image, mask, meaning, Facts(), options))

        return [case(name) for name in cases]


def load_pair(image: Path, mask: Path, meaning: Mapping[int, Structure], facts: Facts, options: Options) -> Incoming:
    """One CT with one mask of many values. Raises InputError."""
    ct, drawn = read_volume(image), read_labels(mask)
    if not ct.same_grid(drawn):
        raise InputError(f"{mask.name} does not lie on the grid of {image.name}")
    return Incoming(ct, to_labels(drawn, meaning, ct), options.facts(facts))


def _numbered(source: Path) -> bool:
    return any((source / "imagesTr").glob("*_0000.*"))


def _channel(content: dict[str, Any]) -> str:
    for key in _CHANNEL_NAMES:
        names = content.get(key)
        if isinstance(names, dict):
            for number, name in names.items():
                if "ct" in str(name).lower():
                    return f"{int(number):04d}"
    return "0000"
