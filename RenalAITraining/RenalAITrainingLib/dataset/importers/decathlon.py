"""Decathlon datalists, as MONAI reads them: a JSON file with lists of image and label, and a table of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from RenalAILib.errors import InputError

from ..case import Facts
from ..split import PARTS
from .incoming import Listed, Options, read_json
from .nnunet import load_pair
from .structures import structures_of_values

_VALIDATION = ("validation", "val")


class Decathlon:
    """A datalist file, or the folder of a ``dataset.json``."""

    title = "Decathlon datalist (a .json file with training: [{image, label}, ...])"

    def recognizes(self, source: Path) -> bool:
        path = _file(source)
        if not path.is_file() or path.suffix != ".json":
            return False
        content = read_json(path)
        return isinstance(content, dict) and isinstance(content.get("training"), list)

    def listed(self, source: Path, options: Options) -> list[Listed]:
        path = _file(source)
        content = read_json(path)
        if not isinstance(content, dict) or not isinstance(content.get("training"), list):
            raise InputError(f"{path} is no datalist: it has no list called training")
        if not isinstance(content.get("labels"), dict):
            raise InputError(f"{path} has no table of labels")
        meaning = structures_of_values(content["labels"], options.structures, str(path))
        parts = {part: _pairs(content, part, path) for part in PARTS}
        has_split = sum(bool(pairs) for pairs in parts.values()) > 1

        def case(image: Path, mask: Path, part: str) -> Listed:
            name = image.name.partition(".")[0]
            return Listed(
                f"{path.parent.name}/{name}", "", name, lambda: load_pair(image, mask, meaning, Facts(), options),
                part if has_split else "",
            )  # fmt: skip

        return [case(image, mask, part) for part, pairs in parts.items() for image, mask in pairs]


def _file(source: Path) -> Path:
    return source / "dataset.json" if source.is_dir() else source


def _pairs(content: dict[str, Any], part: str, path: Path) -> list[tuple[Path, Path]]:
    """Image and label of the entries that have both; tests of a challenge have no label."""
    names = _VALIDATION if part == "validation" else (part,)
    entries = [entry for name in names for entry in content.get(name) or []]
    pairs = []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("image") and entry.get("label"):
            image = entry["image"][0] if isinstance(entry["image"], list) else entry["image"]
            pairs.append((path.parent / str(image), path.parent / str(entry["label"])))
    return pairs
