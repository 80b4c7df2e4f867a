"""Structures: what other people's labels are called, and which of ours they become."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

import numpy as np
import numpy.typing as npt

from RenalAILib.errors import InputError
from RenalAILib.labels import Label
from RenalAILib.orientation import Orientation, canonical
from RenalAILib.volume import Volume

from ..grids import value_counts
from .kidney_sides import sided_kidneys


class Structure(Enum):
    """What a label of another dataset can be."""

    NOTHING = "nothing"
    KIDNEY = "kidney"
    KIDNEY_RIGHT = "kidney_right"
    KIDNEY_LEFT = "kidney_left"
    AML = "aml"
    CYSTIC = "cystic"
    SOLID = "solid"
    UNKNOWN = "unknown"

    @property
    def label(self) -> Label:
        """Ours. Raises ValueError for `KIDNEY`, whose side is told by its place."""
        if self is Structure.KIDNEY:
            raise ValueError("a kidney's label depends on its side")
        return Label.BACKGROUND if self is Structure.NOTHING else Label[self.name]


_MASSES = {
    "aml": Structure.AML, "angiomyolipoma": Structure.AML,
    "cyst": Structure.CYSTIC, "cysts": Structure.CYSTIC, "cystic": Structure.CYSTIC,
    "tumor": Structure.SOLID, "tumour": Structure.SOLID, "tumors": Structure.SOLID, "solid": Structure.SOLID,
    "carcinoma": Structure.SOLID, "rcc": Structure.SOLID, "cancer": Structure.SOLID,
    "mass": Structure.UNKNOWN, "masses": Structure.UNKNOWN, "lesion": Structure.UNKNOWN, "lesions": Structure.UNKNOWN,
    "abnormality": Structure.UNKNOWN, "unknown": Structure.UNKNOWN,
}  # fmt: skip
_RIGHT, _LEFT = {"right", "r", "rt", "dexter"}, {"left", "l", "lt", "sinister"}


def structure_of_name(name: str) -> Structure:
    """What a label's name says; `NOTHING` where it says nothing of kidneys.

    A mass is told before a kidney ("kidney tumor" is a tumor), its side by its place.

    Example:
        >>> [structure_of_name(name).value for name in ("Kidney_L", "right kidney", "kidney-tumor", "liver")]
        ['kidney_left', 'kidney_right', 'solid', 'nothing']
    """
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    other_organ = bool({"liver", "spleen", "lung", "pancreas", "adrenal", "prostate", "bowel", "colon"} & set(words))
    if other_organ:
        return Structure.NOTHING
    for word in words:
        if word in _MASSES:
            return _MASSES[word]
    if not {"kidney", "kidneys", "renal", "parenchyma"} & set(words):
        return Structure.NOTHING
    if _RIGHT & set(words):
        return Structure.KIDNEY_RIGHT
    return Structure.KIDNEY_LEFT if _LEFT & set(words) else Structure.KIDNEY


def structures_of_values(
    labels: Mapping[str, object], told: Mapping[str, Structure], where: str
) -> dict[int, Structure]:
    """The structure of each value of a mask.

    Args:
        labels: names to values, to lists of values (regions of nnU-Net), or values to names (Decathlon).
        told: what the user says, by name or value.
        where: the file, for messages.

    Raises:
        InputError: the labels are of another form, or none of them has to do with kidneys.

    Example:
        >>> structures_of_values({"kidney": [1, 2], "tumor": 2}, {}, "dataset.json")
        {1: <Structure.KIDNEY: 'kidney'>, 2: <Structure.SOLID: 'solid'>}
    """
    regions: list[tuple[str, list[int]]] = []
    for key, content in labels.items():
        name, listed = (str(content), [key]) if str(key).isdigit() else (str(key), content)
        texts = [str(value) for value in (listed if isinstance(listed, list) else [listed])]
        if not all(text.isdigit() for text in texts):
            raise InputError(f"{where}: the label {key!r} has no whole number as value")
        regions.append((name, [int(text) for text in texts]))
    regions.sort(key=lambda region: -len(region[1]))  # what a value belongs to most closely speaks last
    found: dict[int, Structure] = {}
    for name, values in regions:
        for value in values:
            if value != 0:
                found[value] = told.get(name, told.get(str(value), structure_of_name(name)))
    if all(structure is Structure.NOTHING for structure in found.values()):
        raise InputError(f"{where} has no label that is called a kidney or a mass; name them with --label NAME=kidney")
    return found


def to_labels(mask: Volume, meaning: Mapping[int, Structure], ct: Volume | None) -> Volume:
    """A mask with our `Label` values; kidneys without a side get theirs by their place.

    Args:
        mask: whole numbers on any grid.
        meaning: of its values.
        ct: on the same grid, to tell the side of a single kidney by the body around it.

    Raises:
        InputError: a value has no meaning, or the side of a kidney cannot be told.
    """
    present = [int(value) for value in np.flatnonzero(value_counts(mask.voxels)) if value]
    unknown = [value for value in present if value not in meaning]
    if unknown:
        raise InputError(f"{mask.name} holds the value {unknown[0]}, which its table does not name")
    table = np.zeros(256, np.uint8)
    for value in present:
        if meaning[value] is not Structure.KIDNEY:
            table[value] = meaning[value].label
    result: npt.NDArray[np.uint8] = table[mask.voxels]
    without_side = [value for value in present if meaning[value] is Structure.KIDNEY]
    if without_side:
        kidneys = np.isin(mask.voxels, without_side)
        masses = (result > 0) & ~kidneys
        sided = sided_kidneys(
            canonical(mask.with_voxels(kidneys)),
            canonical(mask.with_voxels(masses)),
            None if ct is None else canonical(ct),
        )
        result[kidneys] = Orientation.of(mask).undo(sided)[kidneys]
    return mask.with_voxels(result)
