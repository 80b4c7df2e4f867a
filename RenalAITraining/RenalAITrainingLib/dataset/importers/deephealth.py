"""DeepHealth (DDF): any dataset.yaml with one volume and one mask for each image; also another dataset of RenalAI."""

from __future__ import annotations

import re
from pathlib import Path

from RenalAILib.errors import InputError

from ..case import WRITTEN_COLUMNS, Case, Facts
from ..ddf import Ddf, DdfImage, parse
from ..folder import INDEX, Dataset
from ..inside import inside
from ..split import PARTS
from .incoming import Incoming, Listed, Options
from .nnunet import load_pair
from .structures import structures_of_values

_URL = re.compile(r"[a-z]+://")


class DeepHealth:
    """A DDF file, or the folder of a ``dataset.yaml``."""

    title = "DeepHealth dataset (dataset.yaml)"

    def recognizes(self, source: Path) -> bool:
        path = _file(source)
        return path.is_file() and path.suffix in {".yaml", ".yml"}

    def listed(self, source: Path, options: Options) -> list[Listed]:
        path = _file(source)
        try:
            ddf = parse(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError(f"{path} cannot be read ({problem})") from problem
        if ddf.features in WRITTEN_COLUMNS and path.name == INDEX:
            return _own(Dataset.open(path.parent), options)
        return _foreign(path, ddf, options)


def _file(source: Path) -> Path:
    return source / INDEX if source.is_dir() else source


def _own(dataset: Dataset, options: Options) -> list[Listed]:
    """The cases of a dataset of ours, with their reference masks. Their pseudonyms become identities anew."""

    def load(case: Case) -> Incoming:
        ct = dataset.volume(case) if case.has_image else None
        return Incoming(ct, dataset.labels(case), options.facts(case.facts))

    def listed(case: Case) -> Listed:
        part = dataset.part_of(case)
        return Listed(case.patient, case.name, case.name, lambda: load(case), part if part in PARTS else "")

    return [listed(case) for case in dataset]


def _foreign(path: Path, ddf: Ddf, options: Options) -> list[Listed]:
    has_background = bool(ddf.classes) and ddf.classes[0].lower() in {"background", "none"}
    names: dict[str, object] = {name: n for n, name in enumerate(ddf.classes, 0 if has_background else 1)}
    meaning = structures_of_values(names, options.structures, str(path))
    part_of = {index: part for part in PARTS for index in ddf.split.get(part, ())}

    def case(number: int, image: DdfImage) -> Listed:
        name = image.locations[0].rpartition("/")[2].partition(".")[0]

        def load() -> Incoming:
            if len(image.locations) != 1 or not isinstance(image.label, str) or image.label in ddf.classes:
                raise InputError(f"image {number} of {path} is not one volume with one mask")
            if _URL.match(image.locations[0]) or _URL.match(image.label):
                raise InputError(f"image {number} of {path} lies on a server; download it first")
            volume, mask = (inside(path.parent, named) for named in (image.locations[0], image.label))
            return load_pair(volume, mask, meaning, Facts(), options)

        return Listed(f"{path.parent.name}/{image.locations[0]}", "", name, load, part_of.get(number, ""))

    return [case(number, image) for number, image in enumerate(ddf.images)]
