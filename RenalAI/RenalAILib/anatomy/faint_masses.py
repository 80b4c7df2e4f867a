"""Faint masses: what cannot be told from the kidney on a scan without contrast medium is not called a mass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..volume import Volume
from .domains import connected_domains
from .kidneys import OutlinedKidney

FAINT_HU = 10.0


def without_faint_masses(outlined: Iterable[OutlinedKidney], view: Volume) -> tuple[list[OutlinedKidney], int]:
    """Give masses back to the kidney whose median differs from the parenchyma's by less than 10 HU.

    Without contrast medium parenchyma and solid tissue have about the same density (30 to 40 HU); a mass is seen where
    it holds fluid, fat or blood. What a network outlines there without such a difference rests on the contour alone.

    Args:
        outlined: in canonical indices, of a scan without contrast medium.
        view: the CT in canonical order, HU.

    Returns:
        The kidneys, and how many masses were given back.
    """
    result, dropped = [], 0
    for kidney in outlined:
        numbers, counts = connected_domains(kidney.mass)
        if counts.size == 0 or not kidney.kidney.any():
            result.append(kidney)
            continue
        hu = view.voxels[kidney.box.slices]
        parenchyma = np.median(hu[kidney.kidney])
        inside = numbers[kidney.mass]
        values = hu[kidney.mass]
        medians = np.array([np.median(values[inside == number]) for number in range(1, counts.size + 1)])
        faint = np.concatenate([[False], np.abs(medians - parenchyma) < FAINT_HU])
        dropped += int(faint.sum())
        back = faint[numbers]
        result.append(replace(kidney, kidney=kidney.kidney | back, mass=kidney.mass & ~back))
    return result, dropped
