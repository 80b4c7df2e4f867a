"""KiTS19, KiTS21 and KiTS23: the folders that the challenges' own download makes, and folders of masks alone.

``case_00000/imaging.nii.gz`` with ``segmentation.nii.gz`` (of KiTS21 ``aggregated_MAJ_seg.nii.gz``), and a table of the
patients beside them. Values: 1 kidney, 2 tumour, 3 cyst. The tumour's class follows from its histology: angiomyolipoma
is AML, everything else solid; without a table it is unknown. Sides follow from the kidneys' places.
"""

from __future__ import annotations

import re
from pathlib import Path

from RenalAILib.errors import InputError
from RenalAILib.reading import read_labels, read_volume

from ..case import Facts
from ..vocabulary import Histology
from .incoming import Incoming, Listed, Options, read_json
from .structures import Structure, to_labels

_TABLES = ("kits23.json", "kits21.json", "kits.json", "kits23_cases.json")
_MASKS = ("segmentation.nii.gz", "aggregated_MAJ_seg.nii.gz")
_CASE = re.compile(r"case_\d{5}")
_LICENCE = "CC-BY-NC-SA-4.0"


class Kits:
    """The layout of the kidney tumour segmentation challenges."""

    title = "KiTS (case_00000/imaging.nii.gz and segmentation.nii.gz, or case_00000.nii.gz)"

    def recognizes(self, source: Path) -> bool:
        return bool(_cases(source))

    def listed(self, source: Path, options: Options) -> list[Listed]:
        found = _cases(source)
        if not found:
            raise InputError(f"{source} holds no KiTS case (a folder case_00000, or a mask case_00000.nii.gz)")
        path = options.table or _table(found[0].parent)
        histology = {} if path is None else _histology(path)
        facts = Facts(source="KiTS23" if path is not None and "23" in path.name else "KiTS", licence=_LICENCE)

        def case(place: Path) -> Listed:
            name = place.name.removesuffix(".nii.gz")
            return Listed(
                f"kits/{name}", "", name, lambda: _load(place, histology.get(name, Histology.UNKNOWN), facts, options)
            )

        return [case(place) for place in found]


def _cases(source: Path) -> list[Path]:
    """Case folders, or mask files, in ``source`` or in the folder of its download."""
    for folder in (source, source / "dataset", source / "data", source / "kits21" / "data"):
        if folder.is_dir():
            places = sorted(
                path for path in folder.glob("case_*") if _CASE.fullmatch(path.name.removesuffix(".nii.gz"))
            )
            if places:
                return places
    return []


def _table(folder: Path) -> Path | None:
    for place in (folder, folder.parent):
        for name in _TABLES:
            if (place / name).is_file():
                return place / name
    return None


def _histology(path: Path) -> dict[str, Histology]:
    content = read_json(path)
    try:
        return {str(row["case_id"]): Histology.told(row.get("tumor_histologic_subtype")) for row in content}
    except (TypeError, KeyError, AttributeError) as problem:
        raise InputError(f"{path} is no KiTS table: a list of cases with case_id") from problem


def _load(place: Path, histology: Histology, facts: Facts, options: Options) -> Incoming:
    tumour = {Histology.ANGIOMYOLIPOMA: Structure.AML, Histology.UNKNOWN: Structure.UNKNOWN}
    meaning = {1: Structure.KIDNEY, 2: tumour.get(histology, Structure.SOLID), 3: Structure.CYSTIC}
    ct = None
    mask_path = place
    if place.is_dir():
        mask_path = next((place / name for name in _MASKS if (place / name).is_file()), place / _MASKS[0])
        if not (place / "imaging.nii.gz").is_file():
            raise InputError(f"{place.name} has no imaging.nii.gz; kits23_download_data of the challenge brings it")
        ct = read_volume(place / "imaging.nii.gz")
    mask = read_labels(mask_path)
    if ct is not None and not ct.same_grid(mask):
        raise InputError(f"{mask_path.name} of {place.name} does not lie on the grid of its imaging.nii.gz")
    known = Facts(facts.phase, histology, facts.source, facts.licence)
    return Incoming(ct, to_labels(mask, meaning, ct), options.facts(known))
