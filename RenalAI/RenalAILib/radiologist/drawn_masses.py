"""Drawn masses: what a radiologist outlined that the networks missed, measured like the masses that they found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..anatomy.domains import Mask
from ..anatomy.evidence import UNENHANCED_KIDNEY_BELOW_HU, evidence, measure
from ..anatomy.masses import MassRegion, centroid_ras, diameters
from ..boxes import Box
from ..cascade.sides import Component, body_at
from ..findings import Evidence, Kidney, Mass
from ..labels import MassClass, Side
from ..orientation import Orientation, canonical
from ..volume import Volume

COARSE_MM = 6.0  # fine enough to find the middle of a body
_OWN_WORD = "Drawn by the radiologist; no network looked at it. "


def drawn_mass(
    segment_id: str,
    number: int,
    mask: Mask,
    volume: Volume,
    side: Side,
    mass_class: MassClass,
    kidneys: Iterable[Kidney] = (),
) -> Mass:
    """A mass of the radiologist's, with volume, sizes, place, HU and evidence as the engine's own masses have them.

    Args:
        segment_id: of the segment that holds it.
        number: among the drawn ones, from 1.
        mask: bool ``[k, j, i]`` on the voxels of ``volume``.
        volume: the CT, or the part of it that ``mask`` lies in.
        side: the patient's (:func:`side_at`).
        mass_class: the radiologist's.
        kidneys: of the same CT: whether they enhance says what can be told from HU.

    Raises:
        ValueError: nothing was drawn.
    """
    view = canonical(volume)
    mask = Orientation.of(volume).apply(np.asarray(mask, dtype=bool))
    box = Box.around(mask)
    if box is None:
        raise ValueError(f"{segment_id} has no voxels to measure")
    region = MassRegion(side, box, mask[box.slices])
    measured = measure(region, view)
    unenhanced = any(kidney.mean_hu < UNENHANCED_KIDNEY_BELOW_HU for kidney in kidneys)
    shown = evidence(measured, mass_class, unenhanced)
    return Mass(
        segment_id=segment_id,
        side=side,
        mass_class=mass_class,
        probabilities={},
        volume_ml=region.voxels * view.voxel_ml,
        diameter_mm=diameters(region, view),
        centroid_ras=centroid_ras(region, view),
        mean_hu=measured.mean_hu,
        evidence=_with_own_word(shown),
        drawn=number,
    )


def side_at(place: npt.ArrayLike, kidneys: Iterable[tuple[Side, npt.ArrayLike]], volume: Volume) -> Side:
    """The side of a place (RAS mm): that of the nearer kidney, or of the half of the body that it lies in.

    Args:
        place: the middle of a mass.
        kidneys: side and middle (RAS mm) of each; the body decides where they do not show both sides.
        volume: the whole CT.
    """
    known = [(side, np.asarray(middle, float)) for side, middle in kidneys]
    at = np.asarray(place, float)
    if {side for side, _middle in known} == set(Side):
        return min(known, key=lambda kidney: float(np.linalg.norm(kidney[1] - at)))[0]
    return Side.RIGHT if at[0] > _midline(volume, at) else Side.LEFT


def _midline(volume: Volume, place: npt.NDArray[np.float64]) -> float:
    """R of the body's midline at the height of ``place``, mm."""
    view = canonical(volume)
    steps = np.maximum(1, np.round(COARSE_MM / view.spacing_mm)).astype(int)
    grid = view.ijk_to_ras @ np.diag([*steps[::-1], 1.0])
    coarse = Volume(np.asarray(view.voxels[tuple(slice(None, None, step) for step in steps)]), grid, view.name)
    mask = np.zeros(coarse.shape, dtype=bool)
    k, j, i = np.clip(np.round(coarse.kji(place)).astype(int), 0, np.subtract(coarse.shape, 1))
    mask[k, j, i] = True
    return body_at(coarse, [Component(mask, 0.0, 1.0)]).midline_r


def _with_own_word(shown: Evidence) -> Evidence:
    return replace(shown, text=_OWN_WORD + shown.text)
