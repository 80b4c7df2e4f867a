"""Schemes: what the values of a label file mean, and how another scheme becomes ours."""

from __future__ import annotations

from enum import Enum

import numpy as np

from ..anatomy.domains import connected_domains
from ..boxes import Box
from ..errors import InputError
from ..labels import Label
from ..orientation import canonical
from ..volume import Volume

_KIDNEY, _TUMOR, _CYST = 1, 2, 3
_BOTH_KIDNEYS_MM = 150.0  # one domain wider than this is two kidneys that touch (horseshoe)


class Scheme(Enum):
    """A meaning of label values."""

    RENALAI = "renalai"
    KITS = "kits"


def in_our_labels(labels: Volume, scheme: Scheme) -> tuple[Volume, tuple[str, ...]]:
    """A label map of any scheme in the values of `Label`, with sentences about what the change assumes.

    Raises:
        InputError: a value that the scheme does not have.
    """
    return (labels, ()) if scheme is Scheme.RENALAI else (_from_kits(labels), (_KITS_NOTE.format(labels.name),))


_KITS_NOTE = "{} has KiTS values: sides come from anatomy, and every tumor counts as solid (KiTS has no class for AML)"


def _from_kits(labels: Volume) -> Volume:
    """KiTS has 1 for both kidneys, 2 tumor, 3 cyst; each domain of all of them gets a side.

    The two largest domains are the kidneys, the one further to the patient's right the right one; smaller domains go
    with the nearer of them. A single domain lies on the side of the grid's middle where its centre is, and is cut in
    two where it is too wide for one kidney.
    """
    strange = np.setdiff1d(np.unique(labels.voxels), [0, _KIDNEY, _TUMOR, _CYST])
    if strange.size:
        raise InputError(
            f"{labels.name} holds the value {strange[0]}; KiTS label maps have 0 background, 1 kidney, 2 tumor, 3 cyst"
        )
    result = np.zeros(labels.shape, np.uint8)
    result[labels.voxels == _TUMOR] = Label.SOLID
    result[labels.voxels == _CYST] = Label.CYSTIC
    converted = labels.with_voxels(result)
    source, target = canonical(labels), canonical(converted)  # views: i runs to the patient's left
    box = Box.around(source.voxels != 0)
    if box is not None:
        kidney = source.voxels[box.slices] == _KIDNEY
        side = _sides(source.voxels[box.slices] != 0, float(source.spacing_mm[2]), source.shape[2] / 2 - box.start[2])
        target.voxels[box.slices][kidney] = side[kidney]
    return converted


def _sides(organs: np.ndarray, step_mm: float, middle: float) -> np.ndarray:
    """For each voxel of ``organs`` (canonical) the value of the kidney it belongs to; ``middle`` of the grid in i."""
    numbers, counts = connected_domains(organs)
    at = np.argwhere(numbers)
    of = numbers[tuple(at.T)]
    centres = [at[of == number].mean(axis=0) for number in range(1, min(len(counts), 2) + 1)]
    if len(centres) == 2:
        first_is_right = bool(centres[0][2] < centres[1][2])
        nearer_first = ((at - centres[0]) ** 2).sum(axis=1) <= ((at - centres[1]) ** 2).sum(axis=1)
        belongs_first = np.where(of <= 2, of == 1, nearer_first)
        right = belongs_first == first_is_right
    elif np.ptp(at[:, 2]) * step_mm > _BOTH_KIDNEYS_MM:
        right = at[:, 2] < centres[0][2]
    else:
        right = np.full(len(at), bool(centres[0][2] < middle))
    result = np.zeros(organs.shape, np.uint8)
    result[tuple(at.T)] = np.where(right, int(Label.KIDNEY_RIGHT), int(Label.KIDNEY_LEFT))
    return result
